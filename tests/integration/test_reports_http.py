"""Reports over HTTP, by the function as it is served: make, list, write, run now, look at runs, remove."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from functions.report_run import ports
from functions.report_run.files import Drawer
from shared.bus import Message
from shared.clock import SYSTEM_CLOCK, to_datetime
from tests.integration.asking import audited, client, serve_with
from tests.integration.reading import NOW, Stored, batch, row, stored
from tests.integration.reporting import InProcess, part
from tests.integration.timed import NotDrawn

REPORTS = "/api/v1/reports"
REPORT: dict[str, Any] = {"name": "Yesterday", "emails": ["a@b.example"], "timezone": "Europe/Berlin", "hour": 7}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("reports-http")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(ports, "Asking", lambda _: InProcess())
    monkeypatch.setattr(ports, "Drawer", lambda _: NotDrawn())
    more = {"SLUICE_OBJECTS_URL": "memory://", "SLUICE_PUBLIC_URL": "https://a.example"}
    return serve_with(monkeypatch, engine, catalog_url, SLUICE_REPORTS_PER_PROJECT="2", **more)


async def test_a_report_is_made_shown_written_and_removed(environment: str) -> None:
    async with client("report_run", environment, uuid.uuid4(), "admin") as asking:
        reply = await asking.ask("POST", REPORTS, REPORT)
        made = json.loads(reply.body)
        one = f"{REPORTS}/{made['id']}"
        assert (reply.status, reply.headers["location"]) == (201, one)
        usual: dict[str, Any] = {"report": "overview", "options": {}, "parts": [], "dashboard_id": None, "last": ""}
        usual |= {"schedule": "daily", "weekday": "monday", "cron": "", "channels": [], "attach": [], "language": "en"}
        given = {**usual, **REPORT}
        assert made["report"] == given
        assert made["next_at"][11:16] in {"05:00", "06:00"}
        assert (await asking.json("GET", one))["report"] == given
        written = await asking.json("PUT", one, {**REPORT, "schedule": "cron", "cron": "30 9 1 * *"})
        assert written["next_at"][8:10] == "01"
        await asking.json("POST", REPORTS, REPORT, status=201)
        assert await asking.refused("POST", REPORTS, REPORT) == (409, "conflict")
        first = await asking.json("GET", REPORTS + "?limit=1")
        second = await asking.json("GET", f"{REPORTS}?limit=1&cursor={first['next_cursor']}")
        assert (len(first["items"]), [item["id"] for item in second["items"]]) == (1, [made["id"]])
        assert (await asking.ask("DELETE", one)).status == 204
        assert await asking.refused("GET", one) == (404, "not_found")


async def test_every_change_of_a_report_is_in_the_audit_log(environment: str) -> None:
    project = uuid.uuid4()
    async with client("report_run", environment, project, "admin") as asking:
        one = f"{REPORTS}/{(await asking.json('POST', REPORTS, REPORT, status=201))['id']}"
        await asking.json("PUT", one, {**REPORT, "hour": 9})
        assert (await asking.ask("DELETE", one)).status == 204
    found = audited(environment, project, "report")
    assert [action for action, *_ in found] == ["report.created", "report.changed", "report.removed"]
    assert {target for _, target, *_ in found} == {f"report:{one.rpartition('/')[2]}"}
    assert [(after or {}).get("report", {}).get("hour") for *_, after in found] == [7, 9, None]


async def test_a_report_without_a_timezone_comes_in_that_of_its_project(environment: str) -> None:
    project = uuid.uuid4()
    async with client("report_run", environment, project, "admin") as asking:
        with psycopg.connect(environment) as connection:
            connection.execute("UPDATE projects SET timezone = 'Asia/Tokyo' WHERE id = %s", [project])
        made = await asking.json("POST", REPORTS, {"name": "Yesterday", "hour": 9}, status=201)
        assert (made["report"]["timezone"], made["next_at"][11:16]) == ("Asia/Tokyo", "00:00")


async def test_a_report_is_run_now_once_for_a_key_and_shown_again(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    async with client("report_run", environment, project, "admin") as asking:
        yesterday = to_datetime(SYSTEM_CLOCK.micros()).replace(hour=12) - timedelta(days=1)
        rows = [row(name, NOW - yesterday) for name in ("buy", "buy", "view")]
        await asyncio.to_thread(engine.put, batch(project, *rows))
        one = f"{REPORTS}/{(await asking.json('POST', REPORTS, REPORT, status=201))['id']}"
        run = await asking.json("POST", one + "/run", status=201, idempotency_key="k")
        assert run == await asking.json("POST", one + "/run", status=201, idempotency_key="k")
        assert run["numbers"]["totals"] == {"events": 3, "users": 0, "sessions": 0}
        assert [(line["name"], line["count"]) for line in run["numbers"]["rows"]] == [("buy", 2), ("view", 1)]
        assert (run["state"], run["trigger"], run["sent"], run["problem"]) == ("completed", "request", True, None)
        assert (run["values"]["total"], run["values"]["name"]) == (3, "Yesterday")
        again = await asking.json("POST", one + "/run", status=201)
        listed = await asking.json("GET", one + "/runs?limit=1")
        rest = await asking.json("GET", f"{one}/runs?limit=1&cursor={listed['next_cursor']}")
        assert [item["id"] for item in listed["items"] + rest["items"]] == [again["id"], run["id"]]
        assert await asking.json("GET", f"{one}/runs/{run['id']}") == run
        tick = {"specversion": "1.0", "id": "1", "source": "/t", "type": "dev.sluice.report.due.v1"}
        assert (await asking.post(Message(tick, b"{}"))).status == 204


async def test_what_is_asked_wrongly_is_refused(environment: str) -> None:
    async with client("report_run", environment, uuid.uuid4(), "admin") as asking:
        wrong: list[tuple[dict[str, Any], int, str]] = [
            ({"schedule": "cron"}, 422, "bad_schedule"),
            ({"schedule": "cron", "cron": "61 * * * *"}, 422, "bad_schedule"),
            ({"schedule": "cron", "cron": "*/5 * * * *"}, 422, "bad_schedule"),
            ({"schedule": "daily", "cron": "0 8 * * *"}, 422, "bad_schedule"),
            ({"timezone": "Mars/Olympus"}, 422, "bad_timezone"),
            ({"schedule": "hourly"}, 400, "bad_request"),
            ({"hour": 24}, 400, "bad_request"),
            ({"emails": ["nobody"]}, 400, "bad_request"),
            ({"language": "xx"}, 400, "bad_request"),
            ({"to": "x"}, 422, "unknown_field"),
        ]
        for more, status, expected in wrong:
            assert await asking.refused("POST", REPORTS, {**REPORT, **more}) == (status, expected), more
        nowhere = f"{REPORTS}/{uuid.uuid4()}"
        for method, address in (("GET", nowhere), ("PUT", nowhere), ("DELETE", nowhere), ("POST", nowhere + "/run")):
            assert await asking.refused(method, address, REPORT) == (404, "not_found")
        one = f"{REPORTS}/{(await asking.json('POST', REPORTS, REPORT, status=201))['id']}"
        assert await asking.refused("GET", f"{one}/runs/{uuid.uuid4()}") == (404, "not_found")
        assert await asking.refused("GET", one + "/runs?cursor=1.2") == (422, "bad_cursor")
        reply = await asking.ask("POST", one + "/run", idempotency_key="x" * 256)
        assert json.loads(reply.body)["code"] == "bad_idempotency_key"


async def test_another_project_sees_nothing_and_a_reading_key_writes_nothing(environment: str) -> None:
    project = uuid.uuid4()
    async with client("report_run", environment, project, "admin") as asking:
        one = f"{REPORTS}/{(await asking.json('POST', REPORTS, REPORT, status=201))['id']}"
    async with client("report_run", environment, uuid.uuid4(), "admin") as other:
        assert await other.refused("GET", one) == (404, "not_found")
        assert await other.refused("POST", one + "/run") == (404, "not_found")
    async with client("report_run", environment, project, "read") as reading:
        assert (await reading.ask("GET", one)).status == 200
        assert await reading.refused("POST", one + "/run") == (403, "scope_missing")


async def test_a_report_that_comes_when_asked_only_has_no_timer_until_it_gets_a_schedule(environment: str) -> None:
    def timers() -> int:
        with psycopg.connect(environment) as connection:
            found = connection.execute("SELECT count(*) FROM timers WHERE name = 'report_run'").fetchone()
        assert found is not None
        return int(found[0])

    async with client("report_run", environment, uuid.uuid4(), "admin") as asking:
        made = await asking.json("POST", REPORTS, {**REPORT, "schedule": "none"}, status=201)
        assert (made["next_at"], timers()) == (None, 0)
        one = f"{REPORTS}/{made['id']}"
        assert (await asking.json("PUT", one, REPORT))["next_at"] is not None
        assert timers() == 1
        await asking.json("PUT", one, {**REPORT, "schedule": "none"})
        assert timers() == 0


async def test_built_in_reports_are_listed_and_made_at_once_by_their_slugs(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    async with client("report_run", environment, project, "read") as asking:
        yesterday = to_datetime(SYSTEM_CLOCK.micros()).replace(hour=12) - timedelta(days=1)
        rows = [row("view", NOW - yesterday, user_id=f"u{number}") for number in range(3)]
        await asyncio.to_thread(engine.put, batch(project, *rows))
        for address in (REPORTS, "/reports/"):
            listed = await asking.json("GET", address + "?language=ru")
            assert listed["items"] == []
            titles = {one["slug"]: one["title"] for one in listed["built_ins"]}
            assert titles["top-pages"] == "Популярные страницы"
        for slug in titles:
            found = await asking.json("GET", f"{REPORTS}/{slug}?timezone=UTC")
            assert found["report"] == slug
            assert [section.get("problem") for section in found["sections"]] == [None] * len(found["sections"]), slug
        week = await asking.json("GET", f"{REPORTS}/dau?last=7d&timezone=UTC")
        assert [row[1] for row in week["sections"][1]["rows"]] == [0, 0, 0, 0, 0, 0, 3]
        assert await asking.refused("GET", f"{REPORTS}/dau?last=soon") == (422, "bad_range")
        assert await asking.refused("GET", f"{REPORTS}/revenue?measure=sum") == (422, "bad_measure")
        assert await asking.refused("GET", f"{REPORTS}/dau?format=doc") == (400, "bad_request")
        assert await asking.refused("DELETE", f"{REPORTS}/dau") == (403, "scope_missing")
        preview = await asking.json("POST", REPORTS + "/preview", {**REPORT, "report": "top-events"})
        assert preview["sections"][1]["rows"] == [["view", 3, 1.0]]


async def test_a_run_is_downloaded_in_each_format_and_shown_by_a_link_until_that_ends(
    environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "Drawer", lambda _: Drawer(tmp_path))
    parts = [{"id": "intro", "title": "Привет", "text": "<b>{{ from }}</b>"}, part("count", id="n")]
    project = uuid.uuid4()
    async with client("report_run", environment, project, "admin") as asking:
        asked = {**REPORT, "name": "Отчёт", "report": "custom", "parts": parts, "language": "ru"}
        one = f"{REPORTS}/{(await asking.json('POST', REPORTS, asked, status=201))['id']}"
        run = f"{one}/runs/{(await asking.json('POST', one + '/run', status=201))['id']}"
        begins = {
            "html": b"<!doctype html>",
            "pdf": b"%PDF-",
            "xlsx": b"PK",
            "csv": b"\xef\xbb\xbf",
            "json": b'{"name":',
        }
        for name, begin in begins.items():
            reply = await asking.ask("GET", f"{run}/files/{name}")
            assert reply.body.startswith(begin), name
            assert ("attachment" in reply.headers.get("content-disposition", "")) == (name != "html")
        page = (await asking.ask("GET", f"{run}/files/html")).body.decode()
        assert "&lt;b&gt;" in page
        assert "<script" not in page
        assert await asking.refused("GET", f"{run}/files/doc") == (404, "not_found")
        made = await asking.json("POST", f"{run}/shares", {}, status=201)
        path = made["link"].removeprefix("https://a.example")
        [listed] = (await asking.json("GET", f"{run}/shares"))["items"]
        assert "token" not in listed
        asking.key = ""
        seen = await asking.ask("GET", path)
        assert (seen.status, seen.content_type, seen.body.decode()) == (200, "text/html; charset=utf-8", page)
        assert "sandbox" in seen.headers["content-security-policy"]
        assert (await asking.ask("GET", path + "?format=pdf")).body.startswith(b"%PDF-")
        assert await asking.refused("GET", path[:-3] + "xyz") == (404, "not_found")
        with psycopg.connect(environment) as connection:
            connection.execute("UPDATE report_shares SET expires_at = now() - interval '1 second'")
        assert await asking.refused("GET", path) == (410, "gone")
    async with client("report_run", environment, project, "admin") as asking:
        again = await asking.json("POST", f"{run}/shares", {}, status=201)
        await asking.json("DELETE", f"{run}/shares/{again['id']}")
        assert await asking.refused("GET", again["link"].removeprefix("https://a.example")) == (410, "gone")
        later = {"expires_at": "2199-01-01T00:00:00Z"}
        assert await asking.refused("POST", f"{run}/shares", later) == (400, "bad_request")
        assert await asking.refused("DELETE", f"{run}/shares/{uuid.uuid4()}") == (404, "not_found")
    actions = [action for action, *_ in audited(environment, project, "report_share")]
    assert actions == ["report_share.created", "report_share.created", "report_share.revoked"]
