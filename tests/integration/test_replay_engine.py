"""Refused events taken again by ingest itself, on the real engines: once, at their first time, and marked."""

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
import pytest

from functions.replay import logic
from functions.replay.ingesting import Ingest
from functions.replay.logic import Replayer
from shared.catalog.client import Catalog
from shared.events import EVENTS_TOPIC, REJECTED_TOPIC, Row, encode_line
from shared.refusals import UnavailableError
from shared.replaying import HEADER, Answered, Asked, Item, Outcome, signed
from tests.integration.asking import Client, audited, client, serve_with
from tests.integration.exporting import make_project
from tests.integration.reading import Stored, stored

REPLAYS = "/api/v1/rejected/replays"
FIXED = [{"op": "rename", "field": "usr", "to": "user_id"}, {"op": "drop", "field": "timestamp"}]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("replay")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve_with(monkeypatch, engine, catalog_url)


class Product:
    """ingest, replay and the warehouse; `drain` stands for batch_write's source."""

    def __init__(self, engine: Stored, ingest: Client, replay: Client, project: uuid.UUID) -> None:
        self.engine = engine
        self.ingest = ingest
        self.replay = replay
        self.project = project

    async def send(self, body: object, **headers: str) -> int:
        status = (await self.ingest.ask("POST", "/api/v1/events", body, **headers)).status
        await self.drain()
        return status

    async def drain(self) -> None:
        bus: Any = self.ingest.service._ports.bus  # type: ignore[union-attr]  # the service is open
        for topic in (EVENTS_TOPIC, REJECTED_TOPIC):
            subscription = await bus.subscribe(topic, "test")
            while found := await subscription.take(10, 0.01):
                await asyncio.to_thread(self.engine.put, *[one.message for one in found])
                await subscription.ack([one.position for one in found])
            await subscription.close()

    async def run(self, **asked: Any) -> dict[str, Any]:
        job = await self.replay.json("POST", REPLAYS, asked, status=202)
        await self.replay.deliver()
        await self.drain()
        shown = await self.replay.json("GET", f"{REPLAYS}/{job['id']}")
        assert (shown["state"], shown["error"]) == ("completed", None)
        result: dict[str, Any] = shown["result"]
        return result

    async def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return (await self.engine.warehouse.query(sql, {"p": str(self.project)})).rows

    async def events(self) -> list[tuple[Any, ...]]:
        sql = "SELECT event, user_id, properties_raw, toString(timestamp), toString(received_at), toString(event_id)"
        return await self.ask(f"{sql} FROM events FINAL WHERE project_id = {{p:UUID}} ORDER BY user_id, event")


@asynccontextmanager
async def product(engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Product]:
    project = uuid.uuid4()
    async with (
        client("ingest", environment, project, "ingest") as ingest,
        client("replay", environment, project, "admin") as replay,
    ):

        async def ask(self: Ingest, of: uuid.UUID, items: Sequence[Item], *, dry_run: bool) -> list[Outcome]:
            """As the function asks, but for the network."""
            asked = Asked(dry_run, list(items))
            rows = await self._catalog.rows("person_key", {"project_id": of})
            body = msgspec.json.encode(asked)
            header = signed(of, bytes(rows[0]["person_key"]), body, self._clock.micros() // 1_000_000)
            reply = await ingest.ask("POST", "/api/v1/events/batch", json.loads(body), **{HEADER: "x"})
            assert json.loads(reply.body)["code"] == "key_unknown"
            reply = await _raw(ingest, body, header)
            return msgspec.json.decode(reply.body, type=Answered).outcomes

        monkeypatch.setattr(Ingest, "ask", ask)
        yield Product(engine, ingest, replay, project)


async def _raw(ingest: Client, body: bytes, header: str) -> Any:
    from shared.http import Request

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    raw = [(HEADER.encode(), header.encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/events/batch", "query_string": b"", "headers": raw}
    return await ingest.service.answer(Request(scope, receive))


def test_refused_events_are_taken_once_at_their_first_time_and_marked(
    engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [
        {"event": "a", "usr": "ada", "timestamp": "soon", "properties": {"n": 1}},
        {"event": "b", "usr": "bob", "timestamp": "2026-13-01", "id": "order-1"},
        {"event": "", "user_id": "eve"},
        {"event": "fine", "user_id": "zoe"},
    ]

    async def go() -> uuid.UUID:
        async with product(engine, environment, monkeypatch) as made:
            assert await made.send(sent) == 202
            [(first_at,)] = await made.ask(
                "SELECT DISTINCT toString(received_at) FROM rejected_events WHERE project_id = {p:UUID}"
            )
            tried = await made.run(reason="bad_timestamp", edits=FIXED, dry_run=True)
            assert (tried["waiting"], tried["passed"], tried["events"], tried["dry_run"]) == (2, 2, 2, True)
            sample = tried["samples"][0]
            assert json.loads(sample["before"])["usr"] == "ada"
            assert (json.loads(sample["after"])["user_id"], sample["event"]["user_id"]) == ("ada", "ada")
            assert len(await made.events()) == 1
            tried = await made.run(edits=FIXED, dry_run=True)
            assert (tried["passed"], tried["refused"], tried["reasons"]) == (2, 1, {"name_missing": 1})
            done = await made.run(edits=FIXED)
            assert (done["passed"], done["refused"], done["samples"]) == (2, 1, [])
            after = await made.events()
            assert [(row[0], row[1], row[2]) for row in after[:2]] == [("a", "ada", '{"n": 1}'), ("b", "bob", "{}")]
            assert [(row[3], row[4]) for row in after[:2]] == [(first_at, first_at)] * 2
            # What was taken is left out, what was not is tried again, and nothing comes twice.
            again = await made.run(edits=FIXED)
            assert (again["waiting"], again["passed"], again["refused"]) == (1, 0, 1)
            assert await made.events() == after
            async with client("rejected", environment, made.project, "read") as rejected:
                items = (await rejected.json("GET", "/api/v1/rejected"))["items"]
            assert {one["event"]: one["replay_outcome"] for one in items} == {
                "a": "stored",
                "b": "stored",
                None: "name_missing",
            }
            assert all(one["replayed_at"] for one in items)
            return made.project

    project = asyncio.run(go())
    actions = [action for action, *_ in audited(environment, project, "project")]
    assert actions == ["replay.requested"] * 4


def test_a_replay_that_broke_off_before_its_marks_changes_nothing_when_it_goes_on(
    engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A simulation: the worker dies, or the disk is full, when ingest has the events and no mark is made."""

    async def go() -> None:
        async with product(engine, environment, monkeypatch) as made:
            await made.send([{"event": "a", "user_id": f"u{n}", "timestamp": "soon"} for n in range(7)])
            monkeypatch.setattr(logic, "_PAGE", 3)
            job = await made.replay.json("POST", REPLAYS, {"edits": FIXED}, status=202)
            real, broken = Replayer._mark, 0

            async def breaks(self: Replayer, of: Any, judged: Any) -> None:
                nonlocal broken
                broken += 1
                if broken == 2:
                    raise UnavailableError("no space left on device")
                await real(self, of, judged)

            monkeypatch.setattr(Replayer, "_mark", breaks)
            with pytest.raises(AssertionError, match="no space left"):
                await made.replay.deliver()
            await made.drain()
            held = await made.events()
            assert len(held) == 6
            shown = await made.replay.json("GET", f"{REPLAYS}/{job['id']}")
            assert (shown["state"], shown["error"]["code"]) == ("running", "unavailable")
            await made.replay.deliver()
            await made.drain()
            shown = await made.replay.json("GET", f"{REPLAYS}/{job['id']}")
            assert (shown["state"], shown["result"]["passed"], shown["result"]["waiting"]) == ("completed", 7, 7)
            after = await made.events()
            assert (len(after), [row for row in after if row in held]) == (7, held)

    asyncio.run(go())


def test_payloads_of_every_kind_come_again_and_of_no_other_project(
    engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = "2026-03-01 12:00:00.000000"
    row = Row("stored", str(uuid.uuid4()), at, at, user_id="s", properties_raw=msgspec.Raw(b'{"v":1.10}'))
    cloud = {"specversion": "1.0", "id": "1", "source": "/s", "type": "cloud", "data": {"userId": "c"}}
    raws: list[tuple[str, str, str]] = [
        (json.dumps({"event": "plain", "user_id": "p"}), "utf-8", "ingest"),
        (json.dumps(cloud), "utf-8", "ingest"),
        (json.dumps({"batch": [{"event": "one", "user_id": "l1"}, {"event": "", "user_id": "l2"}]}), "utf-8", "ingest"),
        ((encode_line(row) + b"}").decode(), "utf-8", "store"),
        (base64.b64encode(b"\xff\xfe").decode(), "base64", "ingest"),
        ("not json", "utf-8", "ingest"),
        ("", "utf-8", "ingest"),
    ]

    async def go() -> None:
        async with product(engine, environment, monkeypatch) as made:
            for project in (made.project, uuid.uuid4()):
                rows = [
                    {
                        "project_id": str(project),
                        "batch_id": str(uuid.uuid4()),
                        "position": place,
                        "received_at": at,
                        "reason": "bad_id",
                        "detail": "",
                        "raw": raw,
                        "raw_encoding": encoding,
                        "source": source,
                    }
                    for place, (raw, encoding, source) in enumerate(raws)
                ]
                await asyncio.to_thread(engine.insert, "rejected_events", rows)
            done = await made.run()
            assert (done["passed"], done["refused"], done["unusable"], done["events"]) == (3, 3, 1, 4)
            assert done["reasons"] == {"name_missing": 1, "malformed_json": 2}
            found = {(row[0], row[1]): (row[2], row[4]) for row in await made.events()}
            assert found["stored", "s"] == ('{"v":1.10}', at)
            assert set(found) == {("plain", "p"), ("cloud", "c"), ("one", "l1"), ("stored", "s")}
            assert (await made.run())["events"] == 1  # the list's sound event once more, which is the same one
            assert len(await made.events()) == 4
            [(others,)] = await made.ask("SELECT count() FROM rejected_replays WHERE project_id = {p:UUID}")
            assert others == 9  # six of seven were asked for, and the three that were refused once more

    asyncio.run(go())


def test_what_cannot_be_asked_is_refused(engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with product(engine, environment, monkeypatch) as made:
            for body, code in (
                ({"reason": "no_such"}, "bad_filter"),
                ({"edits": [{"op": "explode", "field": "x"}]}, "bad_request"),
                ({"edits": [{"op": "cast", "field": "x", "to": "date"}]}, "bad_request"),
                ({"edits": [{"op": "drop", "field": ""}]}, "bad_request"),
                ({"edits": [{"op": "drop", "field": "a..b"}]}, "bad_value"),
                ({"rule": 1}, "unknown_field"),
                ({"from": "yesterday"}, "bad_range"),
            ):
                _, found = await made.replay.refused("POST", REPLAYS, body)
                assert (body, found) == (body, code)
            assert (await made.replay.refused("GET", f"{REPLAYS}/{uuid.uuid4()}"))[1] == "not_found"
        async with client("replay", environment, made.project, "read") as reading:
            assert (await reading.refused("POST", REPLAYS, {}))[1] == "scope_missing"

    asyncio.run(go())


async def test_samples_are_forgotten_later_whatever_they_hold(catalog_url: str) -> None:
    result = r'{"passed": 1, "samples": [{"before": "a\u0000b \\u0000"}], "reasons": {"bad_text": 1}}'
    project = uuid.uuid4()
    make_project(catalog_url, project)
    with psycopg.connect(catalog_url) as connection:
        connection.execute(
            "INSERT INTO jobs (id, project_id, kind, key, request, state, result, checkpoint, finished_at)"
            " VALUES (gen_random_uuid(), %s, 'replay', 'k', '{}', 'completed', %s, '{}', now() - interval '13 hours')",
            [project, result],
        )
    catalog = Catalog(catalog_url)
    try:
        await catalog.rows("forget_replay_samples")
    finally:
        await catalog.close()
    with psycopg.connect(catalog_url) as connection:
        [(left, checkpoint)] = connection.execute("SELECT result, checkpoint FROM jobs WHERE key = 'k'").fetchall()
    assert (json.loads(left), checkpoint) == ({"passed": 1, "reasons": {"bad_text": 1}}, None)
