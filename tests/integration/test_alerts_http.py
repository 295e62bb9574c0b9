"""Alert rules over HTTP, by the function as it is served: make, list, show, write, pause, try out, history, remove."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from shared.arrivals import arrived
from shared.bus import Message
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.refusals import Refusal
from tests.integration.asking import audited, client, serve_with
from tests.integration.reading import NOW, Stored, batch, row, stored

ALERTS = "/api/v1/alerts"
RULE: dict[str, Any] = {
    "name": "no signups",
    "query": {"events": ["signup"]},
    "window": "5m",
    "condition": {"type": "absence"},
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("alerts-http")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    more = {"SLUICE_ALERTS_PER_PROJECT": "3", "SLUICE_PUBLIC_URL": "https://a.example/"}
    return serve_with(monkeypatch, engine, catalog_url, **more)


async def test_a_rule_is_made_shown_written_paused_and_removed(environment: str) -> None:
    async with client("alert_evaluate", environment, uuid.uuid4(), "admin") as asking:
        reply = await asking.ask("POST", ALERTS, RULE)
        made = json.loads(reply.body)
        one = f"{ALERTS}/{made['id']}"
        assert (reply.status, reply.headers["location"]) == (201, one)
        assert made["rule"] == {
            "name": "no signups",
            "query": {"events": ["signup"], "filters": [], "measure": "count", "group_by": None, "top": 10},
            "window": "5m",
            "condition": {"type": "absence"},
            "for": "0m",
            "severity": "warning",
            "min_volume": 0,
            "policy": None,
            "notify": {"emails": [], "webhooks": [], "language": "en"},
        }
        assert (made["state"], made["paused"], made["problem"], made["evaluated_to"]) == ("ok", False, None, None)
        assert await asking.json("GET", one) == made
        written = await asking.json("PUT", one, {**made["rule"], "name": "other", "for": "5m"})
        assert (written["rule"]["name"], written["rule"]["for"], written["id"]) == ("other", "5m", made["id"])
        assert (await asking.json("POST", one + "/pause"))["paused"]
        assert not (await asking.json("POST", one + "/resume"))["paused"]
        assert await asking.json("GET", one + "/history") == {"items": [], "next_cursor": None}
        assert (await asking.ask("DELETE", one)).status == 204
        assert await asking.refused("GET", one) == (404, "not_found")


async def test_every_change_of_a_rule_is_in_the_audit_log(environment: str) -> None:
    project = uuid.uuid4()
    async with client("alert_evaluate", environment, project, "admin") as asking:
        one = f"{ALERTS}/{(await asking.json('POST', ALERTS, RULE, status=201))['id']}"
        await asking.json("PUT", one, {**RULE, "window": "1h"})
        for action in ("pause", "resume", "test"):
            await asking.json("POST", f"{one}/{action}")
        assert (await asking.refused("PUT", one, {**RULE, "window": "9999d"})) == (422, "bad_range")
        assert (await asking.ask("DELETE", one)).status == 204
    found = audited(environment, project, "alert")
    assert [action for action, *_ in found] == [
        f"alert.{verb}" for verb in ("created", "changed", "paused", "resumed", "removed")
    ]
    assert {target for _, target, *_ in found} == {f"alert:{one.rpartition('/')[2]}"}
    (_, _, before, after), (_, _, was, became) = found[0], found[1]
    assert (before, after["rule"]["window"], was["rule"]["window"], became["rule"]["window"]) == (
        None,
        "5m",
        "5m",
        "1h",
    )
    assert (found[-1][2]["rule"]["name"], found[-1][3]) == ("no signups", None)


async def test_the_list_comes_in_pages_the_newest_first(environment: str) -> None:
    async with client("alert_evaluate", environment, uuid.uuid4(), "admin") as asking:
        made = [(await asking.json("POST", ALERTS, RULE, status=201))["id"] for _ in range(3)]
        assert await asking.refused("POST", ALERTS, RULE) == (409, "conflict")
        first = await asking.json("GET", f"{ALERTS}?limit=2")
        second = await asking.json("GET", f"{ALERTS}?limit=2&cursor={first['next_cursor']}")
        assert [alert["id"] for alert in first["items"] + second["items"]] == made[::-1]
        assert second["next_cursor"] is None


async def test_a_rule_is_tried_out_and_judged_by_the_timer(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    async with client("alert_evaluate", environment, project, "admin") as asking:
        rule = {**RULE, "condition": {"type": "threshold", "op": "gte", "value": 2}, "window": "31d"}
        one = f"{ALERTS}/{(await asking.json('POST', ALERTS, rule, status=201))['id']}"
        now = to_datetime(SYSTEM_CLOCK.micros())
        rows = [row("signup", NOW - now + timedelta(hours=2)) for _ in range(2)]
        await asyncio.to_thread(engine.put, batch(project, *rows))
        tried = await asking.json("POST", one + "/test")
        assert (tried["holds"], tried["value"], tried["problem"]) == (True, 2.0, None)
        assert tried["condition"] == "count of signup over 31d ≥ 2"
        assert (await asking.json("GET", one))["state"] == "ok"
        due = {"specversion": "1.0", "id": "1", "source": "/t", "type": "dev.sluice.alert.due.v1"}
        ports = asking.service._ports
        assert ports is not None
        ports.evaluator._timers._clock = Ahead()
        assert (await asking.post(Message(due, b"{}"))).status == 204
        assert (await asking.json("GET", one))["state"] == "firing"
        [step] = (await asking.json("GET", one + "/history?limit=1"))["items"]
        assert (step["before"], step["after"], step["value"]) == ("ok", "firing", 2.0)


async def test_a_rule_is_tried_on_the_past_before_it_is_made(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    hours = [3, 3, 3, 9, 9, 3]  # events an hour, from six hours before NOW on
    rows = [
        row("signup", timedelta(hours=6 - hour, minutes=-1)) for hour, many in enumerate(hours) for _ in range(many)
    ]
    await asyncio.to_thread(engine.put, batch(project, *rows))
    async with client("alert_evaluate", environment, project, "admin") as asking:
        period = {"from": (NOW - timedelta(hours=6)).isoformat(), "to": NOW.isoformat()}
        rule = {**RULE, "condition": {"type": "change", "value": 100, "direction": "up", "recover": 1}, "window": "1h"}
        found = await asking.json("POST", f"{ALERTS}/preview", {"rule": rule, **period})
        assert [point["holds"] for point in found["points"]] == [True, False, False, True, False, False]
        assert [point["value"] for point in found["points"]] == [None, 0.0, 0.0, 200.0, 0.0, pytest.approx(-200 / 3)]
        assert len(found["incidents"]) == 2
        steady = {**rule, "condition": {"type": "threshold", "op": "gte", "value": 9, "recover": 5}}
        [incident] = (await asking.json("POST", f"{ALERTS}/preview", {"rule": steady, **period}))["incidents"]
        assert [incident["from"], incident["to"]] == [
            (NOW - timedelta(hours=ago)).isoformat().replace("+00:00", "Z") for ago in (2, 0)
        ]
        assert (await asking.json("GET", ALERTS))["items"] == []
        assert await asking.refused("POST", f"{ALERTS}/preview", {"rule": rule, "from": "x", "to": "y"}) == (
            422,
            "bad_range",
        )


class Ahead:
    """The machine's clock, a minute ahead: what is made now is due at once."""

    def micros(self) -> int:
        return SYSTEM_CLOCK.micros() + 60_000_000

    def monotonic(self) -> float:
        return SYSTEM_CLOCK.monotonic()


async def test_a_rule_that_is_too_expensive_is_refused_in_the_words_of_the_guard(
    engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_QUERY_MAX_ROWS", "1")
    project = uuid.uuid4()
    now = to_datetime(SYSTEM_CLOCK.micros())
    rows = [row("signup", NOW - now + timedelta(hours=2)) for _ in range(20)]
    await asyncio.to_thread(engine.put, batch(project, *rows))
    async with client("alert_evaluate", environment, project, "admin") as asking:
        for condition in ({"type": "absence"}, {"type": "anomaly"}):
            for query in ({"events": ["signup"]}, {"events": ["signup"], "group_by": "country"}):
                rule = {**RULE, "query": query, "condition": condition, "window": "1d"}
                refused = await asking.ask("POST", ALERTS, rule)
                problem = json.loads(refused.body)
                assert (refused.status, problem["code"]) == (422, "query_too_expensive")
                assert "rows" in problem["detail"]
        assert (await asking.json("GET", ALERTS))["items"] == []


async def test_groups_and_open_incidents_are_shown(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    async with client("alert_evaluate", environment, project, "admin") as asking:
        query = {"events": ["signup"], "group_by": "country"}
        condition = {"type": "threshold", "op": "gte", "value": 2}
        rule = {**RULE, "query": query, "condition": condition, "window": "31d"}
        made = await asking.json("POST", ALERTS, rule, status=201)
        now = to_datetime(SYSTEM_CLOCK.micros())
        for country, count in (("DE", 3), ("FR", 1)):
            rows = [row("signup", NOW - now + timedelta(hours=2), country=country) for _ in range(count)]
            await asyncio.to_thread(engine.put, batch(project, *rows))
        one = f"{ALERTS}/{made['id']}"
        tried = await asking.json("POST", one + "/test")
        assert (tried["holds"], tried["value"]) == (True, 1.0)
        assert tried["groups"] == [
            {"group": "DE", "holds": True, "value": 3.0},
            {"group": "FR", "holds": False, "value": 1.0},
        ]
        ports = asking.service._ports
        assert ports is not None
        ports.evaluator._timers._clock = Ahead()
        due = {"specversion": "1.0", "id": "1", "source": "/t", "type": "dev.sluice.alert.due.v1"}
        assert (await asking.post(Message(due, b"{}"))).status == 204
        shown = await asking.json("GET", one)
        assert (shown["state"], shown["value"], shown["incident"]) == ("firing", 1.0, None)
        assert [(group["group"], group["state"], group["value"]) for group in shown["groups"]] == [
            ("DE", "firing", 3.0),
            ("FR", "ok", 1.0),
        ]
        incident = shown["groups"][0]["incident_id"]
        with psycopg.connect(environment) as connection:
            connection.execute(
                "INSERT INTO incidents (id, project_id, rule_id, dedup_key, name, group_name, severity, state, data,"
                " source_id, source_at, opened_at) VALUES (%s, %s, %s, 'k', 'n', 'DE', 'error', 'acknowledged', '{}',"
                " %s, now(), now())",
                [incident, project, made["id"], incident],
            )
        shown = await asking.json("GET", one)
        assert (shown["state"], shown["groups"][0]["state"]) == ("acknowledged", "acknowledged")
        assert shown["incident"] == {"id": incident, "state": "acknowledged"}
        [listed] = (await asking.json("GET", ALERTS))["items"]
        assert (listed["state"], listed["incident"], listed["groups"]) == ("acknowledged", shown["incident"], [])
        period = {"from": (now - timedelta(days=31)).isoformat(), "to": now.isoformat()}
        found = await asking.json("POST", f"{ALERTS}/preview", {"rule": rule, **period})
        assert {(point["group"], point["holds"]) for point in found["points"]} == {("DE", True), ("FR", False)}
        assert [one["group"] for one in found["incidents"]] == ["DE"]


async def test_that_events_arrived_is_taken_from_the_bus_and_nothing_else(environment: str) -> None:
    async with client("alert_evaluate", environment, uuid.uuid4(), "admin") as asking:
        assert (await asking.post(arrived(uuid.uuid4(), SYSTEM_CLOCK.micros()))).status == 204
        nowhere = arrived(uuid.uuid4(), 0)
        wrong = Message({**nowhere.attributes, "project": "x"}, b"")
        assert (await asking.post(wrong)).status == 400


async def test_what_is_asked_wrongly_is_refused(environment: str) -> None:
    async with client("alert_evaluate", environment, uuid.uuid4(), "admin") as asking:
        nowhere = f"{ALERTS}/{uuid.uuid4()}"
        assert await asking.refused("POST", ALERTS, {**RULE, "query": {"measure": "sum"}}) == (422, "bad_measure")
        unclosed = {"filters": [{"property": "event", "op": "regex", "value": "("}]}
        assert await asking.refused("POST", ALERTS, {**RULE, "query": unclosed}) == (422, "bad_filter")
        assert await asking.refused("POST", ALERTS, {**RULE, "volume": 1}) == (422, "unknown_field")
        assert await asking.refused("POST", ALERTS, {**RULE, "window": "1w"}) == (400, "bad_request")
        assert await asking.refused("POST", ALERTS, [1]) == (400, "bad_request")
        unknown = {"webhooks": [str(uuid.uuid4())]}
        assert await asking.refused("POST", ALERTS, {**RULE, "notify": unknown}) == (422, "bad_destination")
        assert await asking.refused("POST", ALERTS, {**RULE, "policy": str(uuid.uuid4())}) == (422, "bad_destination")
        assert await asking.refused("GET", f"{ALERTS}?cursor=x") == (422, "bad_cursor")
        assert await asking.refused("GET", f"{ALERTS}?limit=0") == (400, "bad_request")
        assert await asking.refused("PUT", ALERTS, RULE) == (405, "method_not_allowed")
        for method, address in (("GET", nowhere), ("PUT", nowhere), ("DELETE", nowhere), ("POST", nowhere + "/test")):
            assert await asking.refused(method, address, RULE) == (404, "not_found")
        assert await asking.refused("GET", f"{ALERTS}/x%00y") == (404, "not_found")
        assert await asking.refused("GET", nowhere + "/pause") == (405, "method_not_allowed")
        one = f"{ALERTS}/{(await asking.json('POST', ALERTS, RULE, status=201))['id']}"
        assert await asking.refused("GET", one + "/history?cursor=99999999999999999999.x") == (422, "bad_cursor")
        tick = {"specversion": "1.0", "id": "1", "source": "/t", "type": "dev.sluice.other.v1"}
        assert (await asking.post(Message(tick, b"{}"))).status == 422


async def test_another_project_sees_nothing_and_a_reading_key_writes_nothing(environment: str) -> None:
    project = uuid.uuid4()
    async with client("alert_evaluate", environment, project, "admin") as asking:
        one = f"{ALERTS}/{(await asking.json('POST', ALERTS, RULE, status=201))['id']}"
    async with client("alert_evaluate", environment, uuid.uuid4(), "admin") as other:
        assert await other.refused("GET", one) == (404, "not_found")
        assert (await other.json("GET", ALERTS))["items"] == []
    async with client("alert_evaluate", environment, project, "read") as reading:
        assert (await reading.ask("GET", one)).status == 200
        for method, address in (("POST", ALERTS), ("PUT", one), ("DELETE", one), ("POST", one + "/pause")):
            assert await reading.refused(method, address, RULE) == (403, str(Refusal.SCOPE_MISSING))
