"""Incidents over HTTP, by the function as it is served: listed, acted on, acknowledged by a link; policies, windows."""

import json
import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from functions.incidents.links import Links
from functions.incidents.ports import Ports
from shared.clock import SYSTEM_CLOCK, FixedClock, to_datetime
from shared.security.sealing import Sealer
from tests.integration.asking import Client, audited, client
from tests.integration.incidents_at import event, said

INCIDENTS, POLICIES, MAINTENANCE = "/api/v1/incidents", "/api/v1/policies", "/api/v1/maintenance"
POLICY: dict[str, Any] = {"name": "office", "steps": [{"emails": ["a@b.example"]}]}
SECRET = "8f2c17d09be34a65" * 4


@pytest.fixture
def environment(catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    more = {"SLUICE_CATALOG_URL": catalog_url, "SLUICE_BUS_URL": "memory://", "JWT_SECRET_KEY": SECRET}
    more |= {"SLUICE_PUBLIC_URL": "https://a.example/", "SLUICE_INCIDENT_GROUP_SECONDS": "0"}
    for name, value in more.items():
        monkeypatch.setenv(name, value)
    return catalog_url


async def fires(asking: Client, project: uuid.UUID, **more: Any) -> str:
    """A rule fires; the id of its incident."""
    data = said(project, uuid.uuid4(), to_datetime(SYSTEM_CLOCK.micros()), **more)
    assert (await asking.post(event(data, firing=True))).status == 204
    return str(data["incident_id"])


def ports(asking: Client) -> Ports:
    found = asking.service._ports
    assert isinstance(found, Ports)
    return found


async def test_an_incident_is_acknowledged_snoozed_commented_and_resolved_with_who_and_why(environment: str) -> None:
    project = uuid.uuid4()
    async with client("incidents", environment, project, "admin") as asking:
        one = f"{INCIDENTS}/{await fires(asking, project)}"
        shown = await asking.json("GET", one)
        assert (shown["incident"]["state"], shown["incident"]["value"]) == ("open", 0.0)
        after = await asking.json("POST", one + "/acknowledge", {"note": "on it"})
        assert (after["incident"]["state"], after["incident"]["acknowledged_by"]) == ("acknowledged", "API key")
        after = await asking.json("POST", one + "/snooze", {"for": "2h"})
        assert after["incident"]["snoozed_until"]
        await asking.json("POST", one + "/comment", {"note": "it is the payment provider"})
        after = await asking.json("POST", one + "/resolve")
        assert [step["kind"] for step in after["timeline"]] == [
            *("opened", "acknowledged", "snoozed", "commented", "resolved"),
        ]
        assert [step["note"] for step in after["timeline"]] == ["", "on it", "", "it is the payment provider", ""]
        assert after["timeline"][1]["actor"].startswith("key:")
        for action, body in (("acknowledge", None), ("snooze", {"for": "5m"}), ("resolve", None)):
            assert await asking.refused("POST", f"{one}/{action}", body) == (409, "conflict")
        assert await asking.refused("POST", one + "/snooze", {"for": "30d"}) == (422, "bad_range")
        assert await asking.refused("POST", one + "/comment", {"note": ""}) == (400, "bad_request")
        assert await asking.refused("POST", one + "/comment", {"text": "x"}) == (422, "unknown_field")
        assert await asking.refused("GET", f"{INCIDENTS}/{uuid.uuid4()}") == (404, "not_found")
        assert await asking.refused("POST", INCIDENTS, {}) == (405, "method_not_allowed")
    actions = [action for action, *_ in audited(environment, project, "incident")]
    assert actions == [f"incident.{verb}" for verb in ("acknowledged", "snoozed", "commented", "resolved")]


async def test_the_list_is_filtered_and_comes_in_pages_and_of_no_other_project(environment: str) -> None:
    project = uuid.uuid4()
    async with client("incidents", environment, project, "admin") as asking:
        made = [await fires(asking, project, severity=severity) for severity in ("info", "error", "error")]
        await asking.json("POST", f"{INCIDENTS}/{made[1]}/resolve")
        first = await asking.json("GET", f"{INCIDENTS}?limit=2")
        rest = await asking.json("GET", f"{INCIDENTS}?limit=2&cursor={first['next_cursor']}")
        assert [one["id"] for one in first["items"] + rest["items"]] == made[::-1]
        assert rest["next_cursor"] is None
        for query, wanted in (
            ("state=unresolved", [made[2], made[0]]),
            ("state=resolved", [made[1]]),
            ("severity=error&state=open", [made[2]]),
            (f"rule_id={uuid.uuid4()}", []),
            ("since=2999-01-01T00:00:00Z", []),
        ):
            found = await asking.json("GET", f"{INCIDENTS}?{query}")
            assert [one["id"] for one in found["items"]] == wanted, query
        assert await asking.refused("GET", f"{INCIDENTS}?state=odd") == (400, "bad_request")
        assert await asking.refused("GET", f"{INCIDENTS}?cursor=x") == (422, "bad_cursor")
    async with client("incidents", environment, uuid.uuid4(), "read") as other:
        assert (await other.json("GET", INCIDENTS))["items"] == []
        assert await other.refused("GET", f"{INCIDENTS}/{made[0]}") == (404, "not_found")
        assert await other.refused("POST", f"{INCIDENTS}/{made[0]}/acknowledge") == (403, "scope_missing")


async def test_a_link_shows_what_it_is_about_and_acknowledges_only_when_asked(environment: str) -> None:
    project = uuid.uuid4()
    async with client("incidents", environment, project, "admin") as asking:
        policy = (await asking.json("POST", POLICIES, POLICY, status=201))["id"]
        incident = await fires(asking, project, policy=policy, name="<b>no signups</b>")
        await ports(asking).keeper.tick()
        [row] = await ports(asking).catalog.rows("incidents/told_of", {"incident_id": uuid.UUID(incident)})
        assert row["emails"] == ["a@b.example"]
        [batch] = _batches(environment, incident)
        link = ports(asking).links.make(batch, "a@b.example", "ru").removeprefix("https://a.example")
        asking.key = "slp_nobody"  # a link needs no key
        page = await asking.ask("GET", link, accept="text/html")
        assert (page.status, page.content_type) == (200, "text/html; charset=utf-8")
        assert "&lt;b&gt;no signups" in page.body.decode()
        assert "<form" in page.body.decode()
        assert 'lang="ru"' in page.body.decode()
        assert (await asking.json("GET", link))["incidents"][0]["state"] == "open"
        page = await asking.ask("POST", link, accept="text/html")
        assert "Взято в работу" in page.body.decode()
        [after] = (await asking.json("POST", link))["incidents"]
        assert (after["state"], after["acknowledged_by"]) == ("acknowledged", "a@b.example")
        assert "<form" not in (await asking.ask("GET", link, accept="text/html")).body.decode()

        late = FixedClock(SYSTEM_CLOCK.micros() - round(timedelta(hours=25).total_seconds()) * 1_000_000)
        over = Links(Sealer(SECRET), late, "", hours=24).make(batch, "a@b.example", "en")
        forged = Links(Sealer("x" * 32), SYSTEM_CLOCK, "", hours=24).make(batch, "a@b.example", "en")
        gone = ports(asking).links.make(uuid.uuid4(), "a@b.example", "en").removeprefix("https://a.example")
        for bad in (over, forged, gone, link[:-3], INCIDENTS + "/links/x"):
            assert await asking.refused("POST", bad) == (403, "bad_link")
            shown = await asking.ask("GET", bad, accept="text/html")
            assert (shown.status, "does not work any more" in shown.body.decode()) == (403, True)
        assert (await asking.ask("PUT", link)).status == 405
    found = audited(environment, project, "incident")
    assert [action for action, *_ in found] == ["incident.acknowledged"]


def _batches(catalog_url: str, incident: str) -> list[uuid.UUID]:
    with psycopg.connect(catalog_url) as connection:
        sql = "SELECT DISTINCT batch_id FROM incident_notices WHERE incident_id = %s AND batch_id IS NOT NULL"
        return [batch for (batch,) in connection.execute(sql, [incident]).fetchall()]


async def test_policies_are_made_written_listed_and_kept_while_rules_name_them(environment: str) -> None:
    project = uuid.uuid4()
    async with client("incidents", environment, project, "admin") as asking:
        reply = await asking.ask("POST", POLICIES, POLICY)
        made = json.loads(reply.body)
        one = f"{POLICIES}/{made['id']}"
        assert (reply.status, reply.headers["location"]) == (201, one)
        assert made["policy"]["steps"] == [{"emails": ["a@b.example"], "channels": [], "after": "0m", "repeat": None}]
        written = await asking.json("PUT", one, {**made["policy"], "language": "ru"})
        assert (written["policy"]["language"], written["id"]) == ("ru", made["id"])
        assert [each["id"] for each in (await asking.json("GET", POLICIES))["items"]] == [made["id"]]
        strange = {**POLICY, "steps": [{"channels": [str(uuid.uuid4())]}]}
        assert await asking.refused("POST", POLICIES, strange) == (422, "bad_destination")
        assert await asking.refused("POST", POLICIES, {"name": "x", "steps": []}) == (400, "bad_request")
        rule = {"policy": made["id"]}
        _insert_rule(environment, project, rule)
        assert await asking.refused("DELETE", one) == (409, "conflict")
        _insert_rule(environment, project, None)
        assert (await asking.ask("DELETE", one)).status == 204
        assert await asking.refused("GET", one) == (404, "not_found")
        assert await asking.refused("PUT", POLICIES, POLICY) == (405, "method_not_allowed")
    actions = [action for action, *_ in audited(environment, project, "policy")]
    assert actions == ["policy.created", "policy.changed", "policy.removed"]


def _insert_rule(catalog_url: str, project: uuid.UUID, rule: dict[str, Any] | None) -> None:
    with psycopg.connect(catalog_url) as connection:
        connection.execute("DELETE FROM alerts WHERE project_id = %s", [project])
        if rule is not None:
            sql = "INSERT INTO alerts (id, project_id, name, rule) VALUES (%s, %s, 'r', %s)"
            connection.execute(sql, [uuid.uuid4(), project, json.dumps(rule)])


async def test_maintenance_windows_are_made_written_listed_and_removed(environment: str) -> None:
    project = uuid.uuid4()
    now = to_datetime(SYSTEM_CLOCK.micros()).replace(second=0, microsecond=0)
    window = {"name": "move", "from": now.isoformat(), "to": (now + timedelta(hours=2)).isoformat()}
    async with client("incidents", environment, project, "admin") as asking:
        made = await asking.json("POST", MAINTENANCE, window, status=201)
        one = f"{MAINTENANCE}/{made['id']}"
        assert (made["active_until"], made["rules"], made["weekly"]) == (made["to"], [], False)
        later = {**window, "from": (now + timedelta(hours=1)).isoformat(), "weekly": True, "timezone": "Europe/Berlin"}
        assert (await asking.json("PUT", one, later))["active_until"] is None
        assert [each["id"] for each in (await asking.json("GET", MAINTENANCE))["items"]] == [made["id"]]
        assert await asking.refused("POST", MAINTENANCE, {**window, "to": window["from"]}) == (422, "bad_range")
        assert await asking.refused("POST", MAINTENANCE, {**window, "timezone": "x"}) == (422, "bad_timezone")
        assert (await asking.ask("DELETE", one)).status == 204
        assert await asking.refused("GET", one) == (404, "not_found")
    actions = [action for action, *_ in audited(environment, project, "maintenance")]
    assert actions == ["maintenance.created", "maintenance.changed", "maintenance.removed"]
