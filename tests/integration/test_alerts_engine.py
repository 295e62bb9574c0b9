"""Alert rules on the real engines: they fire once and resolve once, whoever evaluates them and whatever is away."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from functions.alert_evaluate.conditions import Threshold
from functions.alert_evaluate.store import Outcome
from shared.bus import BusUnavailableError, Message
from shared.dead_letters import DEAD_LETTERS
from shared.events import ACCEPTED, EVENTS_TOPIC
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import WarehouseError, WarehouseUnavailableError
from tests.integration.reading import Stored, batch, row, stored
from tests.integration.timed import MINUTE, Timed, timed

FIRING, RESOLVED = "dev.sluice.alert.firing.v1", "dev.sluice.alert.resolved.v1"
NOTIFICATION = "dev.sluice.notification.requested.v1"
AT_LEAST_3 = {"type": "threshold", "op": "gte", "value": 3}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("alerts")) as found:
        yield found


async def events(at: Timed, engine: Stored, minute: float, count: int = 1, **more: Any) -> None:
    """Events of `e` so many minutes after NOW, as batch_write stores them."""
    rows = [row("e", -minute * MINUTE, more.pop("properties", None), **more) for _ in range(count)]
    await asyncio.to_thread(engine.put, batch(at.project, *rows))


async def test_a_rule_fires_once_and_resolves_once_and_tells_everybody_of_it(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule(
            name="many", condition=AT_LEAST_3, notify={"emails": ["a@b.example"], "language": "ru"}, window="2m"
        )
        await at.minutes(2)
        assert (await at.state(alert), await at.published()) == ("ok", [])
        await events(at, engine, 2.5, 3)
        await at.minutes(4)
        firing, mail, resolved, second = await at.published()
        assert [kind for kind, _ in (firing, mail, resolved, second)] == [FIRING, NOTIFICATION, RESOLVED, NOTIFICATION]
        assert firing[1]["incident_id"] == resolved[1]["incident_id"]
        assert (firing[1]["value"], firing[1]["threshold"], resolved[1]["value"]) == (3.0, 3.0, 0.0)
        assert (firing[1]["from"], firing[1]["to"]) == ("2026-03-31T12:01:00+00:00", "2026-03-31T12:03:00+00:00")
        assert (resolved[1]["since"], resolved[1]["until"]) == (
            "2026-03-31T12:03:00+00:00",
            "2026-03-31T12:05:00+00:00",
        )
        told = mail[1]
        assert (told["template"], told["subscribers"], told["language"]) == ("alert_firing", "alert.firing", "ru")
        assert (told["emails"], told["values"]["name"], told["values"]["project"]) == (["a@b.example"], "many", "p")
        assert second[1]["template"] == "alert_resolved"
        assert len({firing[1]["alert_id"], told["key"], second[1]["key"]}) == 3


async def test_the_number_is_the_one_a_count_gives(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        query = {"events": ["e"], "measure": "sum:price", "filters": [{"property": "properties.plan", "value": "pro"}]}
        alert = await at.rule(query=query, condition={"type": "threshold", "op": "gt", "value": 7}, window="1h")
        for plan, price in (("pro", 5), ("pro", 2.5), ("free", 100)):
            await events(at, engine, -10, properties={"plan": plan, "price": price})
        await at.minutes(1)
        found = await at.alerts.find(alert.id)
        assert found is not None
        assert (found.state, found.value) == ("firing", 7.5)


async def test_a_rule_waits_for_as_long_as_it_says(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule(**{"for": "3m"})
        seen = []
        for _ in range(5):
            await at.minutes(1)
            seen.append(await at.state(alert))
        assert seen == ["pending", "pending", "pending", "firing", "firing"]
        assert len(await at.published()) == 2


async def test_a_spike_in_a_minute_that_was_missed_is_found_all_the_same(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule(condition=AT_LEAST_3, window="1m")
        await events(at, engine, 3.5, 3)
        at.clock.advance(8 * 60)
        await at.evaluator.tick()
        assert [kind for kind, _ in await at.published()] == [FIRING, NOTIFICATION, RESOLVED, NOTIFICATION]
        history = await at.alerts.history(alert.id, None, 10)
        assert [(step.before, step.after) for step in history] == [("firing", "resolved"), ("ok", "firing")]


async def test_two_evaluators_at_once_tell_each_step_once(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        other, _ = at.another_evaluator()
        for number in range(6):
            await at.rule(name=f"r{number}", condition={"type": "absence"} if number % 2 else AT_LEAST_3, window="1m")
        await events(at, engine, 0.5, 3)
        for _ in range(3):
            at.clock.advance(60)
            await asyncio.gather(at.evaluator.tick(), other.tick(), at.evaluator.tick())
        kinds = [kind for kind, _ in await at.published()]
        assert kinds.count(FIRING) == 6
        assert kinds.count(RESOLVED) == 3


async def test_a_crash_between_deciding_and_telling_tells_later_once(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule()
        publish = at.bus.publish

        async def away(*_: object) -> None:
            raise BusUnavailableError("away")

        at.bus.publish = away  # type: ignore[method-assign,assignment]  # the bus breaks
        await at.minutes(1)
        at.bus.publish = publish  # type: ignore[method-assign]  # and is back
        assert (await at.state(alert), await at.published()) == ("firing", [])
        with psycopg.connect(catalog_url) as connection:
            connection.execute("UPDATE alert_changes SET created_at = now() - interval '1 minute'")
        await at.minutes(3)
        assert [kind for kind, _ in await at.published()] == [FIRING, NOTIFICATION]


async def test_an_absence_does_not_fire_while_the_warehouse_is_behind_or_away(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule()
        event = Message({"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/s", "type": ACCEPTED}, b"{}")
        await at.bus.publish(EVENTS_TOPIC, [event])
        await at.minutes(1)
        found = await at.alerts.find(alert.id)
        assert found is not None
        assert (found.standing.shown, found.problem_code) == ("unknown", "unavailable")
        assert "batch_write" in (found.problem_detail or "")
        subscription = await at.bus.subscribe(EVENTS_TOPIC, "batch-write")
        await subscription.ack([one.position for one in await subscription.take(10, 0)])

        dead = {"knativeerrordest": "http://batch-write.default.svc.cluster.local", "knativeerrorcode": "503"}
        await at.bus.publish(DEAD_LETTERS, [Message({**event.attributes, **dead}, b"{}")])
        await at.minutes(1)
        assert await at.state(alert) == "unknown"
        dead_letters = await at.bus.subscribe(DEAD_LETTERS, "dead-letter")
        await dead_letters.ack([one.position for one in await dead_letters.take(10, 0)])

        query = at.warehouse.query

        async def away(*_: object) -> None:
            raise WarehouseUnavailableError("the warehouse is away")

        at.warehouse.query = away
        await at.minutes(1)
        at.warehouse.query = query
        assert (await at.state(alert), await at.published()) == ("unknown", [])
        await at.minutes(1)
        assert await at.state(alert) == "firing"
        shown = [(step.before, step.after) for step in reversed(await at.alerts.history(alert.id, None, 10))]
        assert shown == [("ok", "unknown"), ("unknown", "firing")]


async def test_what_fires_goes_on_firing_while_nobody_knows(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule()
        await at.minutes(1)
        query = at.warehouse.query

        async def away(*_: object) -> None:
            raise WarehouseUnavailableError("the warehouse is away")

        at.warehouse.query = away
        await at.minutes(2)
        at.warehouse.query = query
        found = await at.alerts.find(alert.id)
        assert found is not None
        assert (found.standing.shown, found.problem_code) == ("firing", "unavailable")
        await events(at, engine, 3.5)
        await at.minutes(1)
        assert await at.state(alert) == "resolved"
        assert [kind for kind, _ in await at.published()] == [FIRING, NOTIFICATION, RESOLVED, NOTIFICATION]


async def test_a_broken_rule_is_unknown_and_keeps_nobody_waiting(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        whole = await at.rule(name="whole")
        regex = await at.rule(query={"filters": [{"property": "event", "op": "regex", "value": "(?=x)"}]})
        odd = await at.rule(name="odd")
        outcome = at.evaluator._outcome

        async def strange(due: Any, found: Any, past: Any) -> Outcome:
            if due.alert.id == odd.id:
                raise RuntimeError("a bug")
            return await outcome(due, found, past)

        at.evaluator._outcome = strange  # type: ignore[method-assign]  # one rule meets a bug
        for _ in range(2):
            at.clock.advance(60)
            with pytest.raises(RuntimeError):
                await at.evaluator.tick()
        found = await at.alerts.find(regex.id)
        assert found is not None
        assert (found.standing.shown, found.problem_code) == ("unknown", "bad_filter")
        assert (await at.state(whole), await at.state(odd)) == ("firing", "ok")
        assert len(await at.published()) == 2


async def test_an_error_of_the_warehouse_is_that_rules_alone(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule()
        query = at.warehouse.query

        async def refuse(*_: object) -> None:
            raise WarehouseError(999_999, "strange")

        at.warehouse.query = refuse
        await at.minutes(1)
        at.warehouse.query = query
        found = await at.alerts.find(alert.id)
        assert found is not None
        assert (found.standing.shown, found.problem_code) == ("unknown", "internal")


async def test_a_paused_rule_is_not_evaluated_and_goes_on_where_it_stood(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule()
        await at.minutes(1)
        await at.alerts.pause(alert.id, at.project, paused=True)
        await events(at, engine, 5)
        await at.minutes(5)
        assert await at.state(alert) == "firing"
        await at.alerts.pause(alert.id, at.project, paused=False)
        await at.alerts.pause(alert.id, at.project, paused=False)
        assert await at.evaluator.tick() == 0
        await at.minutes(1)
        assert await at.state(alert) == "resolved"


async def test_a_rule_written_anew_is_judged_by_its_new_words(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule()
        await at.minutes(1)
        other = msgspec.structs.replace(alert.parsed, condition=Threshold(op="gt", value=5))
        assert await at.alerts.replace(alert.id, at.project, other)
        await at.minutes(1)
        assert await at.state(alert) == "resolved"


async def test_a_removed_rule_is_forgotten_with_its_history(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule()
        await at.minutes(1)
        assert await at.alerts.remove(alert.id, at.project)
        assert not await at.alerts.remove(alert.id, at.project)
        at.clock.advance(60)
        assert await at.evaluator.tick() == 0
        assert await at.alerts.history(alert.id, None, 10) == []


async def test_without_a_rule_a_tick_asks_the_catalog_and_nobody_else(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:

        async def never(*_: object) -> None:
            raise AssertionError("nobody has a question")

        at.warehouse.query, query = never, at.warehouse.query
        at.bus.lag = never  # type: ignore[method-assign,assignment]  # nobody asks the bus either
        try:
            assert await at.evaluator.tick() == 0
        finally:
            at.warehouse.query = query


async def test_a_project_has_as_many_rules_as_it_may_also_when_many_are_made_at_once(
    engine: Stored, catalog_url: str
) -> None:
    async with timed(engine, catalog_url) as at:
        made = await asyncio.gather(*(at.rule() for _ in range(14)), return_exceptions=True)
        refused = [one for one in made if isinstance(one, Rejected)]
        assert len(refused) == 4
        assert {one.refusal for one in refused} == {Refusal.CONFLICT}
        with pytest.raises(Rejected) as caught:
            await at.rule(notify={"webhooks": [str(uuid.uuid4())]})
        assert caught.value.refusal is Refusal.BAD_DESTINATION


async def test_late_by_an_hour_only_the_last_minutes_are_judged(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule(condition=AT_LEAST_3, window="1m")
        await events(at, engine, 3.5, 3)
        at.clock.advance(timedelta(hours=1).total_seconds())
        assert await at.evaluator.tick() == 10
        assert (await at.state(alert), await at.published()) == ("ok", [])
