"""What a project keeps, over HTTP and by the timer, by the function as it is served."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from shared.bus import Message
from shared.events import CONTROL_TOPIC
from shared.notifications import REQUESTED
from tests.integration.asking import audited, client, serve_with
from tests.integration.reading import NOW, Stored, batch, row, stored, text_of

DAY = timedelta(days=1)
PATH = "/api/v1/retention"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("retention-http")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve_with(monkeypatch, engine, catalog_url)


def fill(engine: Stored, project: uuid.UUID) -> None:
    """Ten events, one of each of the last ten days, each received when it happened: by the real clock."""
    ago = datetime.now(UTC) - NOW  # rows are dated from NOW
    moments = [DAY * n - ago for n in range(10)]
    engine.put(batch(project, *[row("e", one, received_at=text_of(NOW - one)) for one in moments]))


def count(engine: Stored, project: uuid.UUID) -> int:
    sql = "SELECT count() FROM events FINAL WHERE project_id = {p:UUID}"
    return int(engine.run(engine.warehouse.query(sql, {"p": str(project)})).value)


def test_retention_is_set_previewed_and_enforced_by_the_timer(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    fill(engine, project)

    async def go() -> None:
        async with client("retention_enforce", environment, project, "admin") as asking:
            begins = await asking.json("GET", PATH)
            assert (begins["days"], begins["rejected_days"], begins["rules"], begins["runs"]) == (365, 30, [], [])
            assert (await asking.json("POST", f"{PATH}/preview", {"days": 5}))["events"] == 5
            for_ever = {"days": None, "rejected_days": None}
            assert (await asking.json("POST", f"{PATH}/preview", for_ever, status=400))["code"] == "bad_request"
            assert (await asking.json("PUT", PATH, {"days": 7}))["days"] == 7
            preview = await asking.json("POST", f"{PATH}/preview")
            assert (preview["events"], preview["rows"], preview["hours"], preview["rejected"]) == (3, 3, 3, 0)
            assert await asyncio.to_thread(count, engine, project) == 10
            for _ in range(2):
                assert (await asking.post(due())).status == 204
            shown = await asking.json("GET", PATH)
            [run] = shown["runs"]
            assert (run["state"], run["events"], run["left_rows"], run["days"]) == ("completed", 3, 0, 7)
            bus: Any = asking.service._ports.bus  # type: ignore[union-attr]  # the service is open
            subscription = await bus.subscribe(CONTROL_TOPIC, "test")
            told, notified = await subscription.take(10, 0.1)
            assert told.message.attributes["type"] == "dev.sluice.retention.enforced.v1"
            assert json.loads(told.message.data)["events"] == 3
            assert notified.message.attributes["type"] == REQUESTED
            assert json.loads(notified.message.data)["subscribers"] == "retention.enforced"
            await subscription.close()
            assert (await asking.json("PUT", PATH, {"days": None}))["days"] is None

    asyncio.run(go())
    changes = [(before, after) for *_, before, after in audited(environment, project, "retention")]
    days = [[plan["days"] for plan in change] for change in changes]
    assert days == [[365, 7], [7, None]]
    assert count(engine, project) == 7


def test_a_run_that_is_asked_for_heeds_rules_and_holds_and_is_recorded(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    fill(engine, project)
    ago = datetime.now(UTC) - NOW
    held = [DAY * n - ago for n in range(10)]
    engine.put(batch(project, *[row("h", one, user_id="ada", received_at=text_of(NOW - one)) for one in held]))

    async def go() -> None:
        async with client("retention_enforce", environment, project, "admin") as asking:
            plan = {"days": 5, "rejected_days": None, "rules": [{"event": "h", "days": 3}]}
            assert (await asking.json("PUT", PATH, plan))["rules"] == plan["rules"]
            hold = await asking.json("POST", f"{PATH}/holds", {"user_id": "ada", "reason": "case 1"}, status=201)
            assert (hold["person"], hold["in_force"]) == ("u:ada", True)
            job = await asking.json("POST", f"{PATH}/runs", {"dry_run": True}, status=202)
            await asking.deliver()
            tried = (await asking.json("GET", f"{PATH}/runs/{job['id']}"))["result"]
            assert (tried["events"], tried["due"]["events"], tried["due"]["held_rows"]) == (0, 5, 7)
            assert await asyncio.to_thread(count, engine, project) == 20
            await asking.json("POST", f"{PATH}/runs", status=202)
            await asking.deliver()
            assert await asyncio.to_thread(count, engine, project) == 15
            released = await asking.json("DELETE", f"{PATH}/holds/{hold['id']}")
            assert (released["in_force"], bool(released["released_at"])) == (False, True)
            job = await asking.json("POST", f"{PATH}/runs", status=202)
            await asking.deliver()
            done = (await asking.json("GET", f"{PATH}/runs/{job['id']}"))["result"]
            assert (done["events"], done["due"]["events"]) == (7, 0)

    asyncio.run(go())
    assert count(engine, project) == 8
    assert [action for action, *_ in audited(environment, project, "legal_hold")] == [
        "legal_hold.set",
        "legal_hold.released",
    ]


def test_a_project_that_cannot_be_looked_through_keeps_nobody_else_waiting(engine: Stored, environment: str) -> None:
    """Its days begin before 1970, as after a clock that was set far back."""
    first, second = uuid.uuid4(), uuid.uuid4()
    fill(engine, second)

    async def go() -> None:
        async with client("retention_enforce", environment, first, "admin"):
            pass
        async with client("retention_enforce", environment, second, "admin") as asking:
            await asking.json("PUT", PATH, {"days": 7})
            with psycopg.connect(environment) as connection:
                connection.execute("UPDATE projects SET retention_days = 36000 WHERE id = %s", [first])
            assert (await asking.post(due())).status == 204

    asyncio.run(go())
    assert count(engine, second) == 7


def test_a_dry_run_of_the_instance_drops_nothing(
    engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = uuid.uuid4()
    fill(engine, project)
    monkeypatch.setenv("SLUICE_RETENTION_DRY_RUN", "true")

    async def go() -> None:
        async with client("retention_enforce", environment, project, "admin") as asking:
            await asking.json("PUT", PATH, {"days": 7})
            await asking.post(due())
            shown = await asking.json("GET", PATH)
            assert (shown["dry_run"], [run["state"] for run in shown["runs"]]) == (True, ["dry_run"])

    asyncio.run(go())
    assert count(engine, project) == 10


def test_days_that_are_none_and_keys_that_may_not_are_refused(engine: Stored, environment: str) -> None:
    async def go() -> None:
        project = uuid.uuid4()
        async with client("retention_enforce", environment, project, "admin") as asking:
            for body, status, code in (
                ({}, 400, "bad_request"),
                ({"days": 0}, 400, "bad_request"),
                ({"days": -1}, 400, "bad_request"),
                ({"days": "7"}, 400, "bad_request"),
                ({"days": 1.5}, 400, "bad_request"),
                ({"days": 30_000}, 422, "bad_range"),
                ({"days": 99_999}, 400, "bad_request"),
                ({"days": 7, "event": "x"}, 422, "unknown_field"),
            ):
                assert (body, (await asking.json("PUT", PATH, body, status=status))["code"]) == (body, code)
            assert (await asking.ask("POST", PATH, {"days": 1})).status == 405
            assert (await asking.ask("GET", f"{PATH}/preview")).status == 405
            for body, code in (
                ({"days": 7, "rules": [{"event": "x", "days": 0}]}, "bad_request"),
                ({"days": 7, "rules": [{"event": "", "days": 1}]}, "bad_request"),
                ({"days": 7, "rules": [{"event": "x", "days": 1}, {"event": "x", "days": 2}]}, "bad_request"),
                ({"days": 7, "rules": [{"event": "x" * 200, "days": n + 1} for n in range(201)]}, "bad_request"),
                ({"days": 7, "rejected_days": 0}, "bad_request"),
            ):
                assert (await asking.refused("PUT", PATH, body))[1] == code
            for body in ({"reason": "x"}, {"user_id": "a", "project": True, "reason": "x"}, {"user_id": "a"}):
                assert (await asking.refused("POST", f"{PATH}/holds", body))[1] == "bad_request"
            for wrong in (uuid.uuid4(), "x"):
                assert (await asking.refused("DELETE", f"{PATH}/holds/{wrong}"))[1] == "not_found"
            assert (await asking.json("GET", PATH))["days"] == 365
        async with client("retention_enforce", environment, project, "export") as asking:
            for method, path in (("GET", PATH), ("PUT", PATH), ("POST", f"{PATH}/preview")):
                assert (await asking.json(method, path, {"days": 1}, status=403))["code"] == "scope_missing"

    asyncio.run(go())


def due() -> Message:
    attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "dev.sluice.retention.due.v1"}
    return Message(attributes, b"{}")
