"""Reports over HTTP, by the function as it is served: make, list, write, run now, look at runs, remove."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from shared.bus import Message
from shared.clock import SYSTEM_CLOCK, to_datetime
from tests.integration.asking import audited, client, serve_with
from tests.integration.reading import NOW, Stored, batch, row, stored

REPORTS = "/api/v1/reports"
REPORT: dict[str, Any] = {"name": "Yesterday", "emails": ["a@b.example"], "timezone": "Europe/Berlin", "hour": 7}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("reports-http")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve_with(monkeypatch, engine, catalog_url, SLUICE_REPORTS_PER_PROJECT="2")


async def test_a_report_is_made_shown_written_and_removed(environment: str) -> None:
    async with client("report_run", environment, uuid.uuid4(), "admin") as asking:
        reply = await asking.ask("POST", REPORTS, REPORT)
        made = json.loads(reply.body)
        one = f"{REPORTS}/{made['id']}"
        assert (reply.status, reply.headers["location"]) == (201, one)
        given = {"schedule": "daily", "weekday": "monday", "cron": "", "language": "en", **REPORT}
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
