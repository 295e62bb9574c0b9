"""Exports over HTTP, by the function as it is served: start, look, link, cancel; and pages."""

import asyncio
import csv
import io
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pyarrow.parquet as pq
import pytest

from shared.bus import Message
from shared.http import Reply
from tests.integration.asking import Client, audited, client, serve_with
from tests.integration.reading import Stored, batch, row, stored

HOUR = timedelta(hours=1)
RANGE = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("exports-http")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    lost = "s3://k:topsecret@no-such-bucket?endpoint=http://127.0.0.1:9"
    destinations = json.dumps({"lake": (tmp_path / "lake").as_uri(), "lost": lost})
    more = {"SLUICE_DATA": str(tmp_path / "data"), "SLUICE_EXPORT_DESTINATIONS": destinations}
    return serve_with(monkeypatch, engine, catalog_url, **more)


def some(engine: Stored, project: uuid.UUID, count: int = 30) -> None:
    engine.put(batch(project, *[row("e", HOUR * n, {"n": n}, user_id=f"u{n % 3}") for n in range(1, count + 1)]))


def test_an_export_is_started_looked_at_and_fetched_by_its_links(
    engine: Stored, environment: str, tmp_path: Path
) -> None:
    project = uuid.uuid4()
    some(engine, project)

    async def go() -> None:
        async with client("export", environment, project) as asking:
            asked = {**RANGE, "columns": ["event", "properties.n"], "notify": ["who@example.org"]}
            reply = await asking.ask("POST", "/api/v1/exports", asked, idempotency_key="k1")
            accepted = json.loads(reply.body)
            assert (reply.status, accepted["state"]) == (202, "queued")
            assert reply.headers["location"] == f"/api/v1/exports/{accepted['id']}"
            again = await asking.json("POST", "/api/v1/exports", asked, status=202, idempotency_key="k1")
            assert again["id"] == accepted["id"]
            other = await asking.ask("POST", "/api/v1/exports", RANGE, idempotency_key="k1")
            assert (other.status, json.loads(other.body)["code"]) == (422, "idempotency_key_reused")
            await asking.deliver()
            shown = await asking.json("GET", f"/api/v1/exports/{accepted['id']}")
            assert (shown["state"], shown["progress"], shown["error"]) == ("completed", 1.0, None)
            result = shown["result"]
            assert (result["rows"], len(result["files"])) == (30, 1)
            assert shown["request"]["to"].startswith("2026-04-01")
            [told] = asking.told
            assert (told["state"], told["rows"], told["notify"]) == ("completed", 30, ["who@example.org"])
            await by_links(asking, result)
            listed = await asking.json("GET", "/api/v1/exports?state=completed")
            assert [item["id"] for item in listed["items"]] == [accepted["id"]]
            assert listed["next_cursor"] is None

    asyncio.run(go())


async def by_links(asking: Client, result: Any) -> None:
    """The links hold without a key, as they are and no other way."""
    key, asking.key = asking.key, ""
    [file] = result["files"]
    reply = await asking.ask("GET", file["url"])
    assert (reply.status, len(reply.body), reply.headers["content-length"]) == (200, file["bytes"], str(file["bytes"]))
    assert pq.read_table(io.BytesIO(reply.body)).num_rows == 30
    manifest = await asking.json("GET", result["manifest"]["url"])
    assert manifest["rows"] == 30
    for changed in (file["url"][:-1] + "0", file["url"].replace("part-00000", "part-00001"), file["url"] + "0"):
        if changed != file["url"]:
            reply = await asking.ask("GET", changed)
            assert (reply.status, json.loads(reply.body)["code"]) == (403, "bad_link")
    assert (await asking.ask("GET", "/api/v1/files")).status == 400
    asking.key = key


def test_a_key_gives_the_same_export_later_also_where_that_ends_when_it_is_asked_for(
    engine: Stored, environment: str
) -> None:
    async def go() -> None:
        async with client("export", environment, uuid.uuid4()) as asking:
            jobs = [
                await asking.json("POST", "/api/v1/exports", {"format": "csv"}, status=202, idempotency_key="open")
                for _ in range(2)
            ]
            assert jobs[0] == jobs[1]
            refused = await asking.refused("POST", "/api/v1/exports", {"format": "json"}, idempotency_key="open")
            assert refused == (422, "idempotency_key_reused")

    asyncio.run(go())


def test_an_export_goes_to_the_destination_the_operator_named(engine: Stored, environment: str, tmp_path: Path) -> None:
    project = uuid.uuid4()
    some(engine, project)

    async def go() -> None:
        async with client("export", environment, project) as asking:
            await asking.json("POST", "/api/v1/exports", {**RANGE, "destination": "lake"}, status=202)
            await asking.deliver()
            assert [told["state"] for told in asking.told] == ["completed"]
            refused = await asking.json("POST", "/api/v1/exports", {"destination": "sea"}, status=422)
            assert refused["code"] == "bad_destination"
            assert "lake" in refused["detail"]
            # One that is away is no reason to refuse: it may be back when the job writes.
            waiting = await asking.json("POST", "/api/v1/exports", {**RANGE, "destination": "lost"}, status=202)
            assert "topsecret" not in json.dumps(await asking.json("GET", f"/api/v1/exports/{waiting['id']}"))

    asyncio.run(go())
    assert len(list((tmp_path / "lake").rglob("*.parquet"))) == 1
    assert not list((tmp_path / "data").rglob("*.parquet"))


def test_an_export_is_cancelled_and_stays_so(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    some(engine, project)

    async def go() -> None:
        async with client("export", environment, project) as asking:
            for method, path in (("DELETE", ""), ("POST", "/cancel")):
                job = await asking.json("POST", "/api/v1/exports", RANGE, status=202)
                cancelled = await asking.json(method, f"/api/v1/exports/{job['id']}{path}")
                assert cancelled["state"] == "cancelled"
                await asking.deliver()
                again = await asking.json(method, f"/api/v1/exports/{job['id']}{path}")
                assert (again["state"], again["result"]) == ("cancelled", None)
            assert asking.told == []

    asyncio.run(go())


def test_another_projects_export_is_as_unknown_as_none(engine: Stored, environment: str) -> None:
    async def go() -> None:
        mine, other = uuid.uuid4(), uuid.uuid4()
        async with client("export", environment, mine) as asking:
            job = await asking.json("POST", "/api/v1/exports", RANGE, status=202)
        async with client("export", environment, other) as asking:
            for wrong in (job["id"], str(uuid.uuid4()), "not-an-id"):
                for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel")):
                    assert (await asking.ask(method, f"/api/v1/exports/{wrong}{path}")).status == 404
            assert (await asking.json("GET", "/api/v1/exports"))["items"] == []

    asyncio.run(go())


def test_jobs_are_listed_newest_first_page_by_page(engine: Stored, environment: str) -> None:
    async def go() -> None:
        async with client("export", environment, uuid.uuid4()) as asking:
            ids = [(await asking.json("POST", "/api/v1/exports", RANGE, status=202))["id"] for _ in range(5)]
            found: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                page = await asking.json("GET", "/api/v1/exports?limit=2" + (f"&cursor={cursor}" if cursor else ""))
                found += [item["id"] for item in page["items"]]
                cursor = page["next_cursor"]
            assert found == ids[::-1]

    asyncio.run(go())


BAD = {
    "unknown format": ({"format": "xlsx"}, 400, "bad_request"),
    "snappy csv": ({"format": "csv", "compression": "snappy"}, 400, "bad_request"),
    "unknown compression": ({"compression": "rar"}, 400, "bad_request"),
    "unknown column": ({"columns": ["event", "nope"]}, 422, "unknown_field"),
    "column twice": ({"columns": ["event", "event"]}, 400, "bad_request"),
    "injection": ({"columns": ["properties.a` FROM x --"]}, 202, ""),
    "backward": ({"from": "2026-02-01", "to": "2026-01-01"}, 422, "bad_range"),
    "no time": ({"from": "yesterday"}, 422, "bad_range"),
    "in the future": ({"from": "2140-01-01"}, 422, "bad_range"),
    "unknown zone": ({"timezone": "Mars/North"}, 422, "bad_timezone"),
    "unknown field": ({"fomat": "csv"}, 422, "unknown_field"),
    "bad filter": ({"filters": [{"property": "event", "op": "in", "value": 1}]}, 422, "bad_filter"),
    "too many filters": ({"filters": [{"property": "event", "value": "x"}] * 51}, 422, "bad_filter"),
    "no address": ({"notify": ["nobody"]}, 400, "bad_request"),
    "a list": ([], 400, "bad_request"),
}


def test_what_cannot_be_exported_is_refused_with_what_to_change(engine: Stored, environment: str) -> None:
    async def go() -> None:
        async with client("export", environment, uuid.uuid4()) as asking:
            for name, (body, status, code) in BAD.items():
                reply = await asking.ask("POST", "/api/v1/exports", body)
                answer = json.loads(reply.body)
                assert (name, reply.status, answer.get("code", "")) == (name, status, code)
                assert status == 202 or answer["detail"], name
            await asking.deliver()
            assert [told["state"] for told in asking.told] == ["completed"]

    asyncio.run(go())


WRONG: dict[str, Any] = {**RANGE, "filters": [{"property": "event", "op": "regex", "value": "("}]}


def test_a_pattern_that_is_not_re2_is_refused_and_where_nobody_could_tell_fails_the_job_and_says_so(
    engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        async with client("export", environment, uuid.uuid4()) as asking:
            assert await asking.refused("POST", "/api/v1/exports", WRONG) == (422, "bad_filter")
            schedule = {"name": "s", "every": "daily", "filters": WRONG["filters"]}
            assert await asking.refused("POST", "/api/v1/exports/schedules", schedule) == (422, "bad_filter")
            unchecked(monkeypatch)
            job = await asking.json("POST", "/api/v1/exports", WRONG, status=202)
            await asking.deliver()
            shown = await asking.json("GET", f"/api/v1/exports/{job['id']}")
            assert (shown["state"], shown["error"]["code"]) == ("failed", "bad_filter")
            assert [told["error"]["code"] for told in asking.told] == ["bad_filter"]

    asyncio.run(go())


def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As while the warehouse is away."""

    async def away(*_: Any) -> None: ...

    monkeypatch.setattr("functions.export.answers.check_patterns", away)


def test_a_key_without_the_scope_may_not_export(engine: Stored, environment: str) -> None:
    async def go() -> None:
        async with client("export", environment, uuid.uuid4(), "read") as asking:
            for method, address in (("POST", "/api/v1/exports"), ("GET", "/api/v1/export/csv")):
                assert (await asking.json(method, address, {}, status=403))["code"] == "scope_missing"

    asyncio.run(go())


def test_an_event_of_somebody_elses_on_the_topic_is_let_through(engine: Stored, environment: str) -> None:
    async def go() -> None:
        async with client("export", environment, uuid.uuid4()) as asking:
            attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "dev.sluice.other.requested.v1"}
            assert (await asking.post(Message(attributes, b"{}"))).status == 204
            ours = {**attributes, "type": "dev.sluice.export.requested.v1"}
            assert (await asking.post(Message(ours, b"[]"))).status == 400
            gone = json.dumps({"job_id": str(uuid.uuid4()), "project_id": str(uuid.uuid4())}).encode()
            assert (await asking.post(Message(ours, gone))).status == 204
            assert (await asking.post(Message({**attributes, "type": "dev.sluice.export.due.v1"}, b""))).status == 204

    asyncio.run(go())


# --- pages


async def pages(asking: Client, wanted: str, **query: Any) -> list[Reply]:
    found = []
    address = f"/api/v1/export/{wanted}?{urlencode(query)}"
    while address:
        reply = await asking.ask("GET", address)
        assert reply.status == 200, reply.body
        found.append(reply)
        address = reply.headers.get("link", "").partition(">")[0].removeprefix("<")
    return found


def test_pages_hold_each_event_once_in_order(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    some(engine, project, 47)

    async def go() -> None:
        async with client("export", environment, project) as asking:
            query = {**RANGE, "columns": "timestamp,properties.n,user_id", "limit": 10}
            found = await pages(asking, "csv", **query)
            assert [int(reply.headers["x-row-count"]) for reply in found] == [10, 10, 10, 10, 7]
            numbers = [int(item["properties.n"]) for reply in found for item in read_csv(reply)]
            assert numbers == list(range(47, 0, -1))
            lines = [line for reply in await pages(asking, "json", **query) for line in reply.body.splitlines()]
            assert [int(json.loads(line)["properties.n"]) for line in lines] == numbers
            tables = [pq.read_table(io.BytesIO(reply.body)) for reply in await pages(asking, "parquet", **query)]
            assert [int(n) for table in tables for n in table.column("properties.n").to_pylist()] == numbers

    asyncio.run(go())


def read_csv(reply: Reply) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reply.body.decode())))


def test_the_older_words_ask_for_the_same(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, row("a", HOUR), row("b", HOUR), row("a", HOUR * 48)))

    async def go() -> None:
        async with client("export", environment, project) as asking:
            older = {"start_date": "2026-03-31", "end_date": "2026-03-31", "event_type": "a"}
            [reply] = await pages(asking, "csv", columns="event", **older)
            assert reply.body == b'"event"\n"a"\n'
            assert reply.headers["content-disposition"] == 'attachment; filename="events.csv"'
            both = await asking.ask("GET", "/api/v1/export/csv?from=2026-03-31&start_date=2026-03-31")
            assert (both.status, json.loads(both.body)["code"]) == (400, "bad_request")

    asyncio.run(go())


def test_cells_that_look_like_formulas_are_made_harmless(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    names = ["=1+1", "+1", "-1", "@x", "\tx", "plain", "a=b", "it's"]
    engine.put(batch(project, *[row(name, HOUR * n) for n, name in enumerate(reversed(names), 1)]))

    async def go() -> None:
        async with client("export", environment, project) as asking:
            [reply] = await pages(asking, "csv", columns="event", **RANGE)
            cells = [item["event"] for item in read_csv(reply)]
            assert cells == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "plain", "a=b", "it's"]
            [kept] = await pages(asking, "csv", columns="event", formulas="keep", **RANGE)
            assert [item["event"] for item in read_csv(kept)] == names

    asyncio.run(go())


def test_a_page_that_cannot_be_asked_is_refused(engine: Stored, environment: str) -> None:
    async def go() -> None:
        async with client("export", environment, uuid.uuid4()) as asking:
            for query, status, code in (
                ("limit=0", 400, "bad_request"),
                ("limit=999999", 400, "bad_request"),
                ("columns=nope", 422, "unknown_field"),
                ("nope=1", 422, "unknown_field"),
                ("cursor=abc", 422, "bad_cursor"),
                ("filters=x", 422, "bad_filter"),
                (
                    "filters=" + urlencode({"": '[{"property":"event","op":"regex","value":"("}]'})[1:],
                    422,
                    "bad_filter",
                ),
                ("from=2026-01-02&to=2026-01-01", 422, "bad_range"),
                ("compression=snappy", 400, "bad_request"),
            ):
                refused = await asking.json("GET", f"/api/v1/export/csv?{query}", status=status)
                assert (query, refused["code"]) == (query, code)
            assert (await asking.ask("POST", "/api/v1/export/csv")).status == 405

    asyncio.run(go())


# --- expiry and schedules


def test_an_export_that_was_kept_for_long_enough_is_removed_and_says_so(
    engine: Stored, environment: str, tmp_path: Path
) -> None:
    project = uuid.uuid4()
    some(engine, project)

    async def go() -> None:
        async with client("export", environment, project) as asking:
            for body in (RANGE, {**RANGE, "destination": "lake"}):
                await asking.json("POST", "/api/v1/exports", body, status=202)
            await asking.deliver()
            lake, own = (await asking.json("GET", "/api/v1/exports"))["items"]
            link = own["result"]["files"][0]["url"]
            assert (await asking.ask("GET", link)).status == 200
            age(environment, days=29)
            await asking.post(due())
            assert (await asking.json("GET", f"/api/v1/exports/{own['id']}"))["expired_at"] is None
            age(environment, days=2)
            await asking.post(due())
            shown = await asking.json("GET", f"/api/v1/exports/{own['id']}")
            assert (shown["state"], shown["expired_at"] is None, shown["result"]["expired"]) == (
                "completed",
                False,
                True,
            )
            assert "url" not in json.dumps(shown["result"])
            assert shown["result"]["rows"] == 30
            gone = await asking.json("GET", link, status=410)
            assert (gone["code"], "again" in gone["detail"]) == ("gone", True)
            # What went to a storage the operator named is not ours to clear.
            assert (await asking.json("GET", f"/api/v1/exports/{lake['id']}"))["expired_at"] is None

    asyncio.run(go())
    assert not [path for path in (tmp_path / "data").rglob("projects/**/*") if path.is_file()]
    assert len(list((tmp_path / "lake").rglob("*.parquet"))) == 1


def test_the_files_of_a_deleted_project_are_removed_before_it_ends(
    engine: Stored, environment: str, tmp_path: Path
) -> None:
    projects = [uuid.uuid4(), uuid.uuid4()]

    for project in projects:
        some(engine, project)

    async def go() -> None:
        for project in projects:
            async with client("export", environment, project) as asking:
                await asking.json("POST", "/api/v1/exports", RANGE, status=202)
                await asking.deliver()
        with psycopg.connect(environment) as connection:
            since = "now() - interval '29 days 1 hour'"
            connection.execute(f"UPDATE projects SET deleted_at = {since} WHERE id = %s", [projects[0]])
        async with client("export", environment, projects[1]) as asking:
            await asking.post(due())

    asyncio.run(go())
    left = [(tmp_path / "data/objects/projects" / str(project)).exists() for project in projects]
    assert left == [False, True]


def due() -> Message:
    attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "dev.sluice.export.due.v1"}
    return Message(attributes, b"{}")


def age(catalog_url: str, *, days: int) -> None:
    """Make every job that much older."""
    with psycopg.connect(catalog_url) as connection:
        connection.execute("UPDATE jobs SET finished_at = finished_at - make_interval(days => %s)", [days])


def test_a_schedule_is_made_shown_changed_listed_and_ended(engine: Stored, environment: str) -> None:
    async def go() -> None:
        base = "/api/v1/exports/schedules"
        async with client("export", environment, uuid.uuid4()) as asking:
            asked = {"name": "lake", "every": "hourly", "destination": "lake", "keep_days": 7}
            reply = await asking.ask("POST", base, asked)
            made = json.loads(reply.body)
            assert (reply.status, reply.headers["location"]) == (201, f"{base}/{made['id']}")
            assert made["request"]["every"] == "hourly"
            window = made["next_window"]
            assert window["from"] < window["to"] < window["due_at"]
            one = f"{base}/{made['id']}"
            assert await asking.json("GET", one) == made
            changed = await asking.json("PUT", one, {**asked, "enabled": False})
            assert (changed["request"]["enabled"], changed["next_window"]) == (False, window)
            refused = await asking.json("PUT", one, {**asked, "every": "daily"}, status=409)
            assert refused["code"] == "conflict"
            second = await asking.json("POST", base, {**asked, "name": "second"}, status=201)
            first_page = await asking.json("GET", f"{base}?limit=1")
            assert [item["id"] for item in first_page["items"]] == [second["id"]]
            rest = await asking.json("GET", f"{base}?limit=1&cursor={first_page['next_cursor']}")
            assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == ([made["id"]], None)
            assert (await asking.ask("DELETE", one)).status == 204
            for method in ("GET", "PUT", "DELETE"):
                assert (await asking.json(method, one, asked, status=404))["code"] == "not_found"
            bad = await asking.json("POST", base, {**asked, "every": "weekly"}, status=400)
            assert "hourly" in bad["detail"]
            assert (await asking.ask("POST", f"{base}/{second['id']}")).status == 405
        async with client("export", environment, uuid.uuid4()) as asking:
            other = f"{base}/{second['id']}"
            assert (await asking.ask("GET", other)).status == 404
            assert (await asking.json("GET", base))["items"] == []

    asyncio.run(go())


def test_every_change_of_a_schedule_is_in_the_audit_log_and_days_are_the_projects(
    engine: Stored, environment: str
) -> None:
    project, base = uuid.uuid4(), "/api/v1/exports/schedules"

    async def go() -> str:
        async with client("export", environment, project) as asking:
            with psycopg.connect(environment) as connection:
                connection.execute("UPDATE projects SET timezone = 'Asia/Tokyo' WHERE id = %s", [project])
            asked = {"name": "lake", "every": "daily"}
            made = await asking.json("POST", base, asked, status=201)
            assert (made["request"]["timezone"], made["next_window"]["from"][11:16]) == ("Asia/Tokyo", "15:00")
            one = f"{base}/{made['id']}"
            assert (await asking.json("PUT", one, {**asked, "keep_days": 3}))["request"]["timezone"] == "Asia/Tokyo"
            assert await asking.refused("PUT", one, {**asked, "timezone": "UTC"}) == (409, "conflict")
            assert await asking.refused("POST", base, {**asked, "name": "a\0b"}) == (400, "bad_request")
            assert (await asking.ask("DELETE", one)).status == 204
            job = (await asking.json("POST", "/api/v1/exports", RANGE, status=202))["id"]
            assert (await asking.json("GET", f"/api/v1/exports/{job}"))["request"]["timezone"] == "Asia/Tokyo"
            return str(made["id"])

    made = asyncio.run(go())
    found = audited(environment, project, "export_schedule")
    verbs = ("created", "changed", "removed")
    assert [row[:2] for row in found] == [(f"export_schedule.{verb}", f"export_schedule:{made}") for verb in verbs]
    assert [(after or {}).get("request", {}).get("keep_days") for *_, after in found] == [None, 3, None]


def test_who_is_named_and_who_subscribed_are_told_of_the_end(
    engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = uuid.uuid4()
    some(engine, project)

    async def go() -> None:
        async with client("export", environment, project) as asking:
            await asking.json("POST", "/api/v1/exports", {**RANGE, "notify": ["who@example.org"]}, status=202)
            unchecked(monkeypatch)
            await asking.json("POST", "/api/v1/exports", WRONG, status=202)
            await asking.deliver()
            told = {one["template"]: one for one in asking.notified}
            done = told["export_completed"]
            assert (done["emails"], done["subscribers"]) == (["who@example.org"], "export.completed")
            assert (done["values"]["rows"], done["project_id"]) == (30, str(project))
            assert (told["export_failed"]["subscribers"], told["export_failed"]["emails"]) == ("export.failed", [])

    asyncio.run(go())


def test_webhooks_and_a_language_may_be_named_as_well(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    some(engine, project)

    async def go() -> None:
        async with client("export", environment, project) as asking:
            webhook = make_webhook(environment, project)
            named = {"emails": ["who@example.org"], "webhooks": [webhook], "language": "ru"}
            await asking.json("POST", "/api/v1/exports", {**RANGE, "notify": named}, status=202)
            await asking.deliver()
            [told] = asking.notified
            assert {name: told[name] for name in named} == named
            unknown = {"notify": {"webhooks": [str(uuid.uuid4())]}}
            for address, body in (("exports", RANGE), ("exports/schedules", {"name": "s", "every": "daily"})):
                refused = await asking.refused("POST", f"/api/v1/{address}", {**body, **unknown})
                assert refused == (422, "bad_destination")

    asyncio.run(go())


def make_webhook(catalog_url: str, project: uuid.UUID) -> str:
    webhook_id = uuid.uuid4()
    with psycopg.connect(catalog_url) as connection:
        columns = "id, project_id, url, description, types, filter, secret"
        sql = f"INSERT INTO webhooks ({columns}) VALUES (%s, %s, %s, '', '{{export.completed}}', '{{}}', 'sealed')"
        connection.execute(sql, [webhook_id, project, "https://hooks.example/"])
    return str(webhook_id)
