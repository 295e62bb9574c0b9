"""The addresses of segments, as they are served: made, listed, uploaded, changed, removed; watched by a timer."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from functions.segment.main import DUE
from shared.bus import Message
from shared.catalog.client import Catalog
from shared.catalog.keys import create_key
from shared.events import CONTROL_TOPIC, Row
from tests.integration.asking import Client, audited, client, serve_with
from tests.integration.reading import NOW, Stored, batch, row, stored

SEGMENTS = "/api/v1/segments"
TICK = Message({"specversion": "1.0", "id": "1", "source": "/t", "type": DUE}, b"")
BUYERS = {"kind": "did", "act": {"event": "buy"}}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("segments-http")) as found:
        yield found


@asynccontextmanager
async def served(
    monkeypatch: pytest.MonkeyPatch, engine: Stored, catalog_url: str, project: uuid.UUID
) -> AsyncIterator[Client]:
    """The function with a key that may read and write."""
    url = serve_with(monkeypatch, engine, catalog_url)
    async with client("segment", url, project, "admin") as asked:
        catalog = Catalog(url)
        asked.key, _ = await create_key(catalog, project, "secret", "both", scopes=["read", "admin"])
        await catalog.close()
        yield asked


def event(name: str, user: str, ago: timedelta = timedelta(minutes=5)) -> Row:
    return row(name, NOW - datetime.now(UTC) + ago, user_id=user)


async def _store(engine: Stored, project: uuid.UUID, *rows: Row) -> None:
    from functions.batch_write.logic import store
    from functions.batch_write.records import read_record

    await store([read_record(batch(project, *rows))], engine.warehouse, engine.clock)


async def make(asked: Client, name: str, definition: Any, *, status: int = 201) -> Any:
    return await asked.json("POST", SEGMENTS, {"name": name, "definition": definition}, status=status)


async def test_a_segment_is_made_listed_changed_asked_and_removed(
    engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = uuid.uuid4()
    await _store(engine, project, *(event("buy", f"u{n:02}") for n in range(7)), event("view", "v"))
    async with served(monkeypatch, engine, catalog_url, project) as asked:
        made = await make(asked, "Buyers", BUYERS)
        assert made["definition"]["act"]["event"] == "buy"
        assert (made["kind"], made["version"], made["size"]) == ("dynamic", 1, None)
        one = f"{SEGMENTS}/{made['id']}"
        size = await asked.json("GET", one + "/size")
        assert (size["size"], size["of_people"], size["share"]) == (7, 8, 0.875)
        preview = await asked.json("POST", SEGMENTS + "/preview", {"definition": {"kind": "not", "of": BUYERS}})
        assert preview["size"] == 1
        members, address = [], one + "/members?limit=3"
        while address:
            page = await asked.json("GET", address)
            members += [item["user_id"] for item in page["items"]]
            address = page["next_cursor"] and f"{one}/members?limit=3&cursor={page['next_cursor']}"
        assert members == [f"u{n:02}" for n in range(7)]
        file = await asked.ask("GET", one + "/members?format=csv&limit=2")
        assert file.body.decode().splitlines() == ["person,user_id,anonymous_id", "u:u00,u00,", "u:u01,u01,"]
        assert "x-next-cursor" in file.headers
        other = await make(asked, "Others", {"kind": "not", "of": {"kind": "segment", "id": made["id"]}})
        overlap = await asked.json("POST", SEGMENTS + "/overlap", {"segments": [made["id"], other["id"]]})
        assert (overlap["any"], overlap["all"], sorted(overlap["sizes"].values())) == (8, 0, [1, 7])
        changed = await asked.json(
            "PUT", one, {"name": "Viewers", "definition": {"kind": "did", "act": {"event": "view"}}}
        )
        assert changed["version"] == 2
        assert (await asked.json("GET", one + "/size"))["size"] == 1
        assert (await asked.json("GET", f"{SEGMENTS}/{other['id']}/size"))["size"] == 7
        assert await asked.refused("GET", f"{one}/members?cursor={page['next_cursor'] or 'xx'}") == (422, "bad_cursor")
        assert await asked.refused("DELETE", one) == (409, "conflict")
        assert (await asked.ask("DELETE", f"{SEGMENTS}/{other['id']}")).status == 204
        assert (await asked.ask("DELETE", one)).status == 204
        assert (await asked.json("GET", SEGMENTS))["items"] == []
        assert await asked.refused("GET", one) == (404, "not_found")
    actions = [
        (action, bool(before), bool(after)) for action, _, before, after in audited(catalog_url, project, "segment")
    ]
    assert actions == [
        ("segment.created", False, True),
        ("segment.created", False, True),
        ("segment.changed", True, True),
        ("segment.removed", True, False),
        ("segment.removed", True, False),
    ]


async def test_what_no_segment_can_be_is_refused_with_its_place_and_what_to_write(
    engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch, engine, catalog_url, uuid.uuid4()) as asked:
        deep: Any = BUYERS
        for _ in range(12):
            deep = {"kind": "not", "of": deep}
        cases: list[tuple[Any, str, str]] = [
            ({"kind": "did", "days": 0}, "bad_segment", "`definition.days`"),
            (
                {"kind": "and", "of": [{"kind": "seen", "which": "first", "days": 0}]},
                "bad_segment",
                "definition.of[0].days",
            ),
            ({"kind": "and", "of": []}, "bad_segment", "definition.of"),
            ({"kind": "did", "colour": 1}, "bad_segment", "colour"),
            ({"kind": "nothing"}, "bad_segment", "nothing"),
            ("text", "bad_segment", "definition"),
            (deep, "bad_segment", "deep"),
            ({"kind": "or", "of": [BUYERS] * 50}, "bad_segment", "more than 50"),
            ({"kind": "property", "property": "plan", "value": "x"}, "unknown_field", "plan"),
            ({"kind": "did", "measure": "sum:"}, "bad_measure", "sum:"),
            ({"kind": "did", "measure": "sessions"}, "bad_measure", "a segment knows"),
            ({"kind": "did", "op": "top_percent", "value": 101}, "bad_segment", "`value`"),
            ({"kind": "property", "property": "country", "op": "in", "value": []}, "bad_filter", "country"),
            ({"kind": "did", "act": {"event": "a", "any_of": ["b"]}}, "bad_question", "act"),
            ({"kind": "sequence", "first": {}, "then": {}, "within": "0d"}, "bad_segment", "`within`"),
            ({"kind": "segment", "id": str(uuid.uuid4())}, "bad_segment", "there is no segment"),
            ({"kind": "list", "id": str(uuid.uuid4()), "version": 1}, "bad_segment", "list"),
        ]
        for definition, code, words in cases:
            reply = await asked.ask("POST", SEGMENTS, {"name": "x", "definition": definition})
            found = json.loads(reply.body)
            assert (reply.status, found["code"]) == (422, code), (definition, found)
            assert words in found["detail"], found
        for body in (
            {"name": "x"},
            {"name": "x", "preset": "none"},
            {"name": "x", "preset": "new", "definition": BUYERS},
        ):
            assert await asked.refused("POST", SEGMENTS, body) == (422, "bad_segment")
        first = await make(asked, "First", BUYERS)
        assert await asked.refused("POST", SEGMENTS, {"name": "FIRST", "preset": "new"}) == (409, "conflict")
        one = f"{SEGMENTS}/{first['id']}"
        second = await make(asked, "Second", {"kind": "not", "of": {"kind": "segment", "id": first["id"]}})
        for circle in (first["id"], second["id"]):
            body = {"name": "First", "definition": {"kind": "or", "of": [BUYERS, {"kind": "segment", "id": circle}]}}
            assert await asked.refused("PUT", one, body) == (422, "bad_segment")
        assert await asked.refused("GET", one + "/size?from=2026-01-01") == (422, "bad_range")
        far = "/size?from=2026-01-01&to=2026-06-01"
        assert await asked.refused("GET", one + far) == (422, "query_too_expensive")
        assert await asked.refused("GET", one + "/members?limit=5000") == (400, "bad_request")
        assert await asked.refused("PATCH", one) == (405, "method_not_allowed")
        presets = await asked.json("GET", SEGMENTS + "/presets")
        for preset in presets:
            await asked.json("POST", SEGMENTS, {"name": preset["name"], "preset": preset["id"]}, status=201)


async def test_ten_thousand_ids_with_rubbish_are_refused_line_by_line_or_taken_without_it(
    engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = uuid.uuid4()
    await _store(engine, project, event("view", "id-3"), event("view", "other"))
    lines = [f"id-{n}".encode() for n in range(10_000)]
    lines[5], lines[6], lines[7], lines[9_999] = b"\xff\xfe", b"x" * 600, b"a\tb\x07", b" id-0 "
    body = b"\n".join(lines) + b"\n\n"
    async with served(monkeypatch, engine, catalog_url, project) as asked:
        reply = await upload(asked, "POST", "/lists?name=VIP", body)
        found = json.loads(reply.body)
        assert (reply.status, found["code"]) == (422, "bad_segment")
        assert "3 lines are no ids: line 6: it is no UTF-8 text; line 7: it has 600 characters" in found["detail"]
        reply = await upload(asked, "POST", "/lists?name=VIP&on_error=skip", body)
        found = json.loads(reply.body)
        assert reply.status == 201, found
        assert (found["listed"], found["repeated"], found["skipped"]) == (9_996, 1, 3)
        assert [one["line"] for one in found["lines"]] == [6, 7, 8]
        one = f"/{found['segment']['id']}"
        assert (await asked.json("GET", f"{SEGMENTS}{one}/size"))["size"] == 9_996
        both = {"kind": "and", "of": [{"kind": "segment", "id": found["segment"]["id"]}, {"kind": "did"}]}
        seen = await asked.json("POST", SEGMENTS + "/preview", {"definition": both})
        assert seen["size"] == 1
        assert (await upload(asked, "PUT", f"{one}/list", b"id-1\nid-2")).status == 200
        assert (await asked.json("GET", f"{SEGMENTS}{one}/size"))["size"] == 2
        assert (await asked.json("GET", f"{SEGMENTS}{one}"))["name"] == "VIP"
        for path, rubbish in (("/lists", b"a"), ("/lists?name=n", b""), ("/lists?name=n&ids=email", b"a")):
            assert (await upload(asked, "POST", path, rubbish)).status in {400, 422}


async def upload(asked: Client, method: str, path: str, body: bytes) -> Any:
    from shared.http import Request

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    path, _, query = path.partition("?")
    headers = [(b"x-api-key", asked.key.encode()), (b"content-type", b"text/plain")]
    scope = {"type": "http", "method": method, "path": SEGMENTS + path, "query_string": query.encode()}
    return await asked.service.answer(Request({**scope, "headers": headers}, receive))


def due(catalog_url: str) -> None:
    """Let every timer of segments have been due since long ago."""
    with psycopg.connect(catalog_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE timers SET watermark = now() - interval '16 minutes', due_at = now() - interval '1 minute'"
            " WHERE name = 'segment'"
        )


async def changes(asked: Client) -> list[Any]:
    """What the bus was told of segments since the last look."""
    bus = asked.service._ports.watcher._bus  # type: ignore[union-attr]  # the running function's own
    subscription = await bus.subscribe(CONTROL_TOPIC, "watching")
    found = []
    while taken := await subscription.take(10, 0.01):
        found += [json.loads(one.message.data) for one in taken if "segment.changed" in one.message.attributes["type"]]
        await subscription.ack([one.position for one in taken])
    await subscription.close()
    return found


async def test_whoever_comes_and_goes_is_told_once(
    engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = uuid.uuid4()
    await _store(engine, project, event("buy", "a"))
    async with served(monkeypatch, engine, catalog_url, project) as asked:
        made = await make(asked, "Buyers", BUYERS)
        await changes(asked)
        due(catalog_url)
        assert (await asked.post(TICK)).status == 204
        assert (await asked.json("GET", f"{SEGMENTS}/{made['id']}"))["size"] == 1
        assert await changes(asked) == []  # nobody looked before
        await _store(engine, project, event("buy", "b"), event("buy", "c"))
        due(catalog_url)
        await asked.post(TICK)
        [told] = await changes(asked)
        assert (told["size"], told["entered_people"], told["left_people"]) == (3, ["u:b", "u:c"], [])
        await asked.post(TICK)
        assert await changes(asked) == []
        body = {"name": "Buyers", "definition": {**BUYERS, "op": "lt"}}
        await asked.json("PUT", f"{SEGMENTS}/{made['id']}", body)
        await _store(engine, project, event("view", "d"))
        due(catalog_url)
        await asked.post(TICK)
        [told] = await changes(asked)
        assert (told["size"], told["entered_people"], told["left"]) == (1, ["u:d"], 3)


async def test_a_tick_mends_what_a_crash_left_apart(
    engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, gone = uuid.uuid4(), uuid.uuid4()
    async with served(monkeypatch, engine, catalog_url, project) as asked:
        made = await make(asked, "Kept", BUYERS)
        text = json.dumps(BUYERS)
        line = {"project_id": str(project), "segment_id": str(gone), "version": 1, "name": "g", "definition": text}
        values = {"segment": made["id"]}
        await engine.warehouse.insert_json_lines("segments", json.dumps(line).encode())
        await engine.warehouse.command("ALTER TABLE segments DELETE WHERE segment_id = {segment:UUID}", values)
        await asked.post(TICK)
        there = "SELECT toString(segment_id) FROM segments FINAL WHERE project_id = {project:UUID} AND definition != ''"
        found = await engine.warehouse.query(there, {"project": str(project)})
        assert [name for (name,) in found.rows] == [made["id"]]
