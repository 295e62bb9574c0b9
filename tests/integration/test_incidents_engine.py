"""Incidents on the real catalog: opened once, told once, held back and resolved, whoever keeps them."""

import asyncio
import os
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from functions.incidents.signals import read
from functions.incidents.states import By
from tests.integration.incidents_at import MINUTE, NOW, Kept, event, kept, said

ROOT = Path(__file__).resolve().parents[2]


async def resolves(at: Kept, incident_id: str) -> None:
    async with at.catalog.transaction() as transaction:
        await at.keeper.resolve(transaction, uuid.UUID(incident_id), at.project, By("user:1", "a@b.example"), "fixed")


async def test_an_incident_opens_is_told_escalates_and_is_resolved_for_all_who_were_told(catalog_url: str) -> None:
    async with kept(catalog_url) as at:
        second = {"emails": ["boss@b.example"], "after": "15m"}
        policy = await at.policy({"emails": ["a@b.example"], "repeat": "10m"}, second, language="ru")
        rule = at.rule()
        data = await at.fires(rule, policy)
        await at.minutes(1)
        [first] = await at.told()
        assert (first["template"], first["emails"], first["language"]) == ("incident_opened", ["a@b.example"], "ru")
        values = first["values"]
        assert (values["incident_id"], values["severity"], values["count"]) == (data["incident_id"], "error", 1)
        assert values["link"] == f"https://s.example/app/p/{at.project}/incidents/{data['incident_id']}"
        assert values["acknowledge"].startswith("https://s.example/api/v1/incidents/links/")
        await at.minutes(20)
        told = [(one["template"], one["emails"]) for one in await at.told()]
        assert told == [("incident_escalated", ["a@b.example"]), ("incident_escalated", ["boss@b.example"])]
        await at.fires(rule, policy, value=7.0)
        await at.is_over(data)
        await at.minutes(1)
        over = await at.told()
        assert {(one["template"], *one["emails"]) for one in over} == {
            ("incident_resolved", "a@b.example"),
            ("incident_resolved", "boss@b.example"),
        }
        assert "acknowledge" not in over[0]["values"]
        one = await at.one(data)
        assert (one.state, one.next_at, one.rule_id) == ("resolved", None, rule)
        assert await at.timeline(data) == ["opened", "notified", "notified", "notified", "fired_again", "resolved"]
        await at.minutes(60)
        assert await at.told() == []


async def test_events_that_come_again_twice_at_once_or_in_another_order_change_nothing(catalog_url: str) -> None:
    async with kept(catalog_url) as at:
        policy, rule, other = await at.policy(), at.rule(), at.another()
        firing = event(said(at.project, rule, NOW, policy=str(policy.id)), firing=True)
        signal = read(firing)
        await asyncio.gather(*(one.take(signal) for one in (at.keeper, other) for _ in range(5)))
        data = said(at.project, rule, NOW)
        assert await at.timeline(data) == ["opened"]
        again = read(event(said(at.project, rule, NOW + MINUTE, incident_id=str(uuid.uuid4())), firing=True))
        await asyncio.gather(*(one.take(again) for one in (at.keeper, other)))
        assert await at.timeline(data) == ["opened", "fired_again"]
        await at.is_over(data)  # of the first, though the second has taken its place
        assert (await at.one(data)).state == "open"
        over = event(said(at.project, rule, NOW + MINUTE, incident_id=str(again.source_id)), firing=False)
        await asyncio.gather(*(one.take(read(over)) for one in (at.keeper, other)))
        assert (await at.one(data)).state == "resolved"
        await at.keeper.take(signal)
        assert await at.timeline(data) == ["opened", "fired_again", "resolved"]

        late = said(at.project, at.rule(), NOW)
        await at.is_over(late)  # before anybody said that it fires
        await at.keeper.take(read(event(late, firing=True)))
        assert ((await at.one(late)).state, await at.timeline(late)) == ("resolved", ["resolved"])
        gone = said(uuid.uuid4(), uuid.uuid4(), NOW)
        await at.keeper.take(read(event(gone, firing=True)))  # of a project that was deleted
        await at.minutes(2)
        assert await at.told() == []


async def test_two_replicas_tell_each_step_once(catalog_url: str) -> None:
    async with kept(catalog_url) as at:
        policy, other = await at.policy({"emails": ["a@b.example"], "repeat": "5m"}), at.another()
        for _ in range(6):
            await at.fires(at.rule(), policy)
        for _ in range(12):
            at.clock.advance(60)
            await asyncio.gather(at.keeper.tick(), other.tick(), at.keeper.tick())
        told = {one["key"]: one for one in await at.told()}  # notify sends the same key once
        assert [(one["template"], one["values"]["count"]) for one in told.values()] == [
            ("incident_opened", 6),
            ("incident_escalated", 6),
            ("incident_escalated", 6),
        ]


async def test_many_incidents_are_one_message_and_the_next_comes_a_minute_later(catalog_url: str) -> None:
    async with kept(catalog_url) as at:
        policy, rule = await at.policy({"emails": ["a@b.example"]}), at.rule()
        first = [await at.fires(rule, policy, group=f"g{number}") for number in range(30)]
        at.clock.advance(6)
        await at.keeper.tick()
        await at.fires(at.rule(), policy)
        at.clock.advance(6)
        await at.keeper.tick()
        [message] = await at.told()
        values = message["values"]
        assert (values["count"], values["rules"], values["more"], len(values["incidents"])) == (30, 1, 20, 10)
        assert values["link"] == f"https://s.example/app/p/{at.project}/incidents"
        await at.minutes(1)
        assert [one["values"]["count"] for one in await at.told()] == [1]
        for data in first:
            await at.is_over(data)
        await at.minutes(1)
        assert [(one["template"], one["values"]["count"]) for one in await at.told()] == [("incident_resolved", 30)]


async def test_an_on_call_service_gets_each_incident_and_people_get_them_together(catalog_url: str) -> None:
    async with kept(catalog_url) as at:
        pager, chat = uuid.uuid4(), uuid.uuid4()
        with psycopg.connect(catalog_url) as connection:
            for channel, kind in ((pager, "pagerduty"), (chat, "slack")):
                columns = "id, project_id, url, types, secret, kind"
                values = [channel, at.project, kind]
                sql = f"INSERT INTO webhooks ({columns}) VALUES (%s, %s, 'u', '{{alert.firing}}', 's', %s)"
                connection.execute(sql.encode(), values)
        policy = await at.policy({"channels": [str(pager), str(chat)]})
        made = [await at.fires(at.rule(), policy) for _ in range(3)]
        await at.minutes(1)
        told = await at.told()
        assert [one["values"]["count"] for one in told if one["webhooks"] == [str(chat)]] == [3]
        paged = [one["values"]["incident_id"] for one in told if one["webhooks"] == [str(pager)]]
        assert sorted(paged) == sorted(data["incident_id"] for data in made)


async def test_quiet_hours_and_maintenance_hold_back_what_is_told_at_their_end_if_still_open(catalog_url: str) -> None:
    async with kept(catalog_url) as at:
        quiet = {"timezone": "UTC", "spans": [{"from": "12:00", "to": "12:30"}], "severities": ["warning"]}
        policy, rule = await at.policy(quiet_hours=quiet), at.rule()
        window = await at.window(MINUTE * 0, MINUTE * 20, rules=[str(rule)])
        both = await at.fires(rule, policy, severity="warning")
        brief = await at.fires(at.rule(), policy, severity="warning")
        loud = await at.fires(at.rule(), policy, severity="critical")
        await at.minutes(10)
        assert [one["values"]["incident_id"] for one in await at.told()] == [loud["incident_id"]]
        await at.is_over(brief)
        await at.is_over(loud)
        assert ((await at.one(both)).in_maintenance, (await at.one(brief)).in_maintenance) == (True, False)
        await at.minutes(15)
        # Nobody heard of the brief one, so nobody hears of its end.
        assert [one["template"] for one in await at.told()] == ["incident_resolved"]
        assert await at.timeline(both) == ["opened", "held", "held"]
        assert await at.timeline(brief) == ["opened", "held", "resolved"]
        await at.minutes(6)
        assert [one["values"]["incident_id"] for one in await at.told()] == [both["incident_id"]]
        assert window.until(NOW + 5 * MINUTE) == NOW + 20 * MINUTE


async def test_an_end_in_quiet_hours_is_told_after_them_and_a_removed_window_holds_nothing(catalog_url: str) -> None:
    async with kept(catalog_url) as at:
        quiet = {"timezone": "UTC", "spans": [{"from": "12:02", "to": "12:30"}], "severities": ["error"]}
        policy = await at.policy({"emails": ["a@b.example"]}, quiet_hours=quiet)
        data = await at.fires(at.rule(), policy)
        await at.minutes(1)
        assert len(await at.told()) == 1
        await at.minutes(4)
        await at.is_over(data)
        await at.minutes(20)
        assert await at.told() == []
        await at.minutes(10)
        assert [one["template"] for one in await at.told()] == ["incident_resolved"]

        await at.window(MINUTE * 0, MINUTE * 600)
        held = await at.fires(at.rule(), await at.policy({"emails": ["c@b.example"]}))
        await at.minutes(2)
        assert ((await at.one(held)).held, await at.told()) == ("maintenance", [])
        with psycopg.connect(catalog_url) as connection:
            connection.execute("DELETE FROM maintenance_windows")
        async with at.catalog.transaction() as transaction:
            await at.keeper.recheck(transaction, at.project)
        await at.minutes(1)
        assert [one["emails"] for one in await at.told()] == [["c@b.example"]]


async def test_without_a_policy_or_a_rule_there_is_nobody_to_tell(catalog_url: str) -> None:
    async with kept(catalog_url) as at:
        recorded = await at.fires(at.rule())
        policy, rule = await at.policy(), at.rule()
        orphan = await at.fires(rule, policy)
        unsent = await at.fires(at.rule(), policy)
        await resolves(at, unsent["incident_id"])
        with psycopg.connect(catalog_url) as connection:
            connection.execute("DELETE FROM alerts WHERE id = %s", [rule])
        await at.minutes(2)
        assert await at.told() == []
        assert (await at.one(recorded)).state == "open"
        [*_, last] = await at.incidents.timeline(uuid.UUID(orphan["incident_id"]))
        assert (last.kind, last.note) == ("resolved", "rule removed")
        assert await at.timeline(unsent) == ["opened", "resolved"]


@pytest.mark.slow
async def test_a_crash_between_any_two_steps_leads_to_no_double_and_no_miss(catalog_url: str, tmp_path: Path) -> None:
    async with kept(catalog_url) as at:
        with psycopg.connect(catalog_url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS published (id text, type text, data text)")
            connection.execute("TRUNCATE published")
        policy = await at.policy({"emails": ["a@b.example", "c@d.example"]})
        for _ in range(3):
            await at.fires(at.rule(), policy)
        environ = {**os.environ, "SLUICE_FAILPOINTS": str(tmp_path), "SLUICE_MODE": "development"}
        worker = [
            sys.executable,
            "-m",
            "tests.integration.incidents_worker",
            catalog_url,
            str(at.clock.micros() + 60_000_000),
        ]
        for point in ("incidents.after_step", "incidents.after_batches", "incidents.after_telling", ""):
            if point:
                (tmp_path / point).write_text("SIGKILL")
            ended = await asyncio.to_thread(
                subprocess.run, worker, cwd=ROOT, env=environ, timeout=60, check=False, capture_output=True
            )
            assert (ended.returncode == 0) == (not point), ended.stderr
        with psycopg.connect(catalog_url) as connection:
            published = Counter(row[0] for row in connection.execute("SELECT id FROM published").fetchall())
            connection.execute("DROP TABLE published")
        assert sorted(published.values()) == [2, 2], "told again after the crash, under the same ids: notify sends one"
        assert await at.incidents.untold(10) == []
