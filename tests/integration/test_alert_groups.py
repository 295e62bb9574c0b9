"""Alert rules of groups, of funnels, of events that came late or are not over yet, many of them at once."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from functions.alert_evaluate.numbers import Finder, Judging
from functions.alert_evaluate.rules import GroupedQuery
from functions.alert_evaluate.states import dedup_key
from shared.cache.memory import MemoryCache
from shared.query.ask import Asker
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import WarehouseError
from tests.integration.reading import NOW, Stored, batch, row, stored, text_of
from tests.integration.timed import MINUTE, Timed, timed

AT_LEAST_3 = {"type": "threshold", "op": "gte", "value": 3}
EACH_COUNTRY = {"events": ["e"], "group_by": "country", "top": 3}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("alert-groups")) as found:
        yield found


async def events(at: Timed, engine: Stored, minute: float, count: int = 1, **more: Any) -> None:
    """Events of `e` so many minutes after NOW, received at once unless it is said when."""
    happened = NOW + minute * MINUTE
    given = {"received_at": text_of(happened), **more}
    await asyncio.to_thread(engine.put, batch(at.project, *[row("e", -minute * MINUTE, **given) for _ in range(count)]))


def alerts_of(published: list[tuple[str, Any]]) -> list[tuple[str, str, str]]:
    """State, group and time of each step that was told."""
    return [(data["state"], data["group"], data["at"][11:16]) for kind, data in published if ".alert." in kind]


async def test_each_of_the_largest_groups_fires_and_resolves_by_itself(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule(query=EACH_COUNTRY, condition=AT_LEAST_3, window="1m")
        for minute, country, count in ((0.5, "DE", 3), (0.5, "FR", 2), (1.5, "FR", 4), (1.5, "DE", 5), (1.5, "", 9)):
            await events(at, engine, minute, count, country=country)
        await at.minutes(1)
        found = await at.alerts.find(alert.id)
        assert found is not None
        assert (found.state, found.value) == ("firing", 1.0)
        assert {name: (one.state, one.value) for name, one in found.standings.items()} == {
            "DE": ("firing", 3.0),
            "FR": ("ok", 2.0),
        }
        await at.minutes(2)
        published = await at.published()
        assert sorted(alerts_of(published)) == [
            ("firing", "DE", "12:01"),
            ("firing", "FR", "12:02"),
            ("resolved", "DE", "12:03"),
            ("resolved", "FR", "12:03"),
        ]
        data = [data for kind, data in published if ".alert." in kind]
        assert {one["dedup_key"] for one in data} == {dedup_key(alert.id, "DE"), dedup_key(alert.id, "FR")}
        assert len({(one["group"], one["incident_id"]) for one in data}) == 2
        assert await at.state(alert) == "resolved"
        history = await at.alerts.history(alert.id, None, 10)
        assert {(step.group_name, step.after) for step in history} == {
            (group, state) for group in ("DE", "FR") for state in ("firing", "resolved")
        }


async def test_a_group_that_vanishes_is_missed_and_many_groups_are_one_question(
    engine: Stored, catalog_url: str
) -> None:
    async with timed(engine, catalog_url) as at:
        await at.rule(query=EACH_COUNTRY, window="1m", **{"for": "1m"})
        for country in ("DE", "FR", "US"):
            await events(at, engine, 0.5, country=country)
        await events(at, engine, 1.5, country="DE")
        await events(at, engine, 3.5, country="FR")
        asked, query = list[str](), at.warehouse.query

        async def counted(sql: str, *more: Any) -> Any:
            asked.append(sql)
            return await query(sql, *more)

        at.warehouse.query = counted
        await at.minutes(2)
        at.warehouse.query = query
        assert len([sql for sql in asked if "group_key" in sql]) == 2, "one statement a minute, however many groups"
        await at.minutes(3)
        assert sorted(alerts_of(await at.published())) == [
            ("firing", "DE", "12:04"),
            ("firing", "FR", "12:03"),
            ("firing", "US", "12:03"),
            ("resolved", "FR", "12:04"),
        ]


async def test_a_rule_that_gets_other_groups_ends_those_it_had(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule(query=EACH_COUNTRY, condition=AT_LEAST_3, window="1h")
        await events(at, engine, 0.5, 3, country="DE", browser="Firefox")
        await at.minutes(1)
        other = msgspec.structs.replace(alert.parsed, query=GroupedQuery(events=["e"], group_by="browser"))
        assert await at.alerts.replace(alert.id, at.project, other)
        await at.minutes(1)
        assert sorted(alerts_of(await at.published())) == [
            ("firing", "DE", "12:01"),
            ("firing", "Firefox", "12:02"),
            ("resolved", "DE", "12:02"),
        ]


async def test_a_funnel_fires_on_its_conversion(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        steps = [{"event": "look"}, {"event": "buy"}]
        condition = {"type": "funnel", "steps": steps, "within": "10m", "op": "lt", "value": 0.5}
        alert = await at.rule(query={}, condition=condition, window="5m")
        rows = [row("look", -minute * MINUTE, user_id=f"u{minute}") for minute in range(6)]
        rows += [row("buy", -(minute + 9) * MINUTE, user_id=f"u{minute}") for minute in (0, 1, 2)]
        await asyncio.to_thread(engine.put, batch(at.project, *rows))
        at.clock.advance(10 * 60)
        seen = []
        for _ in range(8):
            await at.minutes(1)
            found = await at.alerts.find(alert.id)
            assert found is not None
            seen.append((found.state, found.value))
        # Those of 12:00 to 12:05 are judged at 12:15: three of five bought; then two of five, then one …
        assert seen[4] == ("ok", 0.6)
        assert seen[5] == ("firing", 0.4)
        assert seen[6] == ("firing", 0.25)


async def test_a_spike_that_came_late_is_told_late_and_once(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        alert = await at.rule(condition=AT_LEAST_3, window="1m")
        held = await at.rule(name="held", condition=AT_LEAST_3, window="1m", **{"for": "3m"})
        await at.minutes(6)
        assert await at.published() == []
        await events(at, engine, 2.5, 3, received_at=text_of(NOW + 6.2 * MINUTE))
        await at.minutes(1)
        assert alerts_of(await at.published()) == [("firing", "", "12:03"), ("resolved", "", "12:04")]
        assert (await at.state(alert), await at.state(held)) == ("ok", "ok")
        await events(at, engine, 2.6, 1, received_at=text_of(NOW + 7.2 * MINUTE))
        await at.minutes(2)
        assert await at.published() == [], "that it was so was told"
        await events(at, engine, -30, 3, received_at=text_of(NOW + 9.2 * MINUTE))
        await at.minutes(2)
        assert await at.published() == [], "so far back nobody looks"


async def test_what_is_certain_fires_before_the_minute_and_once(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        cache = MemoryCache()
        evaluator, _ = at.another_evaluator(cache=cache)

        async def arrive(minute: float, count: int, name: str = "e") -> None:
            """Events arrive: in the warehouse and in the live windows."""
            happened = NOW + minute * MINUTE
            rows = [row(name, -minute * MINUTE, received_at=text_of(happened)) for _ in range(count)]
            await asyncio.to_thread(engine.put, batch(at.project, *rows))
            this = int(happened.timestamp()) // 60
            await cache.count(str(at.project), str(uuid.uuid4()), {this: {name: count}}, this)

        rising = await at.rule(name="rising", condition=AT_LEAST_3, window="1m")
        quiet = await at.rule(name="quiet", window="1m")
        slow = await at.rule(name="slow", condition=AT_LEAST_3, window="1m", **{"for": "1m"})
        assert await evaluator.arrived(at.project) == 0, "nothing was judged yet: the tick decides"
        await arrive(-3, 1, "x")  # from then on the live windows are known
        await at.minutes(1)
        assert (await at.state(rising), await at.state(quiet)) == ("ok", "firing")
        await at.published()
        at.clock.advance(20)
        await arrive(1.2, 2)
        assert await evaluator.arrived(at.project) == 1
        assert alerts_of(await at.published()) == [("resolved", "", "12:02")]
        await arrive(1.3, 1)
        at.clock.advance(5)
        assert await evaluator.arrived(at.project) == 1
        [firing] = [data for kind, data in await at.published() if ".alert." in kind]
        assert (firing["name"], firing["state"], firing["at"][11:16]) == ("rising", "firing", "12:02")
        assert await evaluator.arrived(at.project) == 0
        at.clock.advance(35)
        await at.evaluator.tick()
        assert alerts_of(await at.published()) == [], "the tick comes to the same"
        assert await at.state(slow) == "pending"
        await at.minutes(1)
        steps = [(data["name"], data["state"]) for kind, data in await at.published() if ".alert." in kind]
        assert sorted(steps) == [("quiet", "firing"), ("rising", "resolved")]


async def test_where_the_live_windows_are_not_whole_the_tick_decides(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        evaluator, _ = at.another_evaluator(cache=MemoryCache())
        alert = await at.rule(condition=AT_LEAST_3, window="1m")
        await at.minutes(1)
        await events(at, engine, 1.2, 5)
        at.clock.advance(30)
        assert await evaluator.arrived(at.project) == 0
        at.clock.advance(30)
        await at.evaluator.tick()
        assert await at.state(alert) == "firing"


async def test_many_rules_are_few_statements_with_the_same_numbers(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        for name, plan, count in (("a", "pro", 3), ("a", "free", 2), ("b", "pro", 1), ("c", "free", 4)):
            rows = [row(name, timedelta(minutes=1), {"plan": plan}, user_id=f"u{number}") for number in range(count)]
            await asyncio.to_thread(engine.put, batch(at.project, *rows))
        pro = [{"property": "properties.plan", "value": "pro"}]
        queries: list[dict[str, Any]] = [
            {"events": ["a"]},
            {"events": ["a", "b"], "filters": pro},
            {"events": ["nothing"]},
            {},
            {"filters": pro},
            {"events": ["c", "c"]},
            {"events": ["a"], "measure": "users"},
        ]
        rules = [(await at.rule(query=query, condition=AT_LEAST_3, window="1h")).parsed for query in queries]
        judgings = [Judging(rule, at.project, NOW) for rule in rules]
        asked, query = list[str](), at.warehouse.query

        async def counted(sql: str, *more: Any) -> Any:
            asked.append(sql)
            return await query(sql, *more)

        def finder() -> Finder:
            return Finder(lambda measure: Asker(at.warehouse, function="test", measure=measure))

        at.warehouse.query = counted
        together = await finder().find(judgings)
        assert len([sql for sql in asked if "FROM events" in sql]) == 2
        at.warehouse.query = query
        alone = [(await finder().find([judging]))[0] for judging in judgings]
        assert together == alone
        assert [found[""].values for found in alone] == [[5.0], [4.0], [0.0], [10.0], [4.0], [4.0], [3.0]]  # type: ignore[index]


async def test_where_a_statement_for_many_fails_each_is_asked_for_itself(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        regex = {"filters": [{"property": "event", "op": "regex", "value": "(?=x)"}]}
        good = [await at.rule(name=f"good {number}", query={"events": [str(number)]}) for number in range(3)]
        bad = await at.rule(name="bad", query=regex)
        await at.minutes(1)
        assert [await at.state(alert) for alert in [*good, bad]] == ["firing"] * 3 + ["unknown"]
        query = at.warehouse.query

        async def one_by_one(sql: str, *more: Any) -> Any:
            if "countIf" in sql:
                raise WarehouseError(241, "too much for one")
            return await query(sql, *more)

        await events(at, engine, 1.5)
        other = await at.rule(name="other")
        at.warehouse.query = one_by_one
        await at.minutes(1)
        at.warehouse.query = query
        assert await at.state(other) == "ok"


async def test_an_outcome_the_catalog_refuses_keeps_nobody_waiting(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        odd, whole = await at.rule(name="odd"), await at.rule(name="whole")
        with psycopg.connect(catalog_url) as connection:
            connection.execute(
                f"ALTER TABLE alerts ADD CONSTRAINT odd CHECK (id <> '{odd.id}' OR state <> 'firing') NOT VALID"
            )
        at.clock.advance(60)
        with pytest.raises(Exception, match="odd"):
            await at.evaluator.tick()
        with psycopg.connect(catalog_url) as connection:
            connection.execute("ALTER TABLE alerts DROP CONSTRAINT odd")
        assert (await at.state(odd), await at.state(whole)) == ("ok", "firing")


async def test_with_a_policy_only_the_event_is_told(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as at:
        policy = uuid.uuid4()
        with pytest.raises(Rejected) as caught:
            await at.rule(policy=str(policy))
        assert caught.value.refusal is Refusal.BAD_DESTINATION
        with psycopg.connect(catalog_url) as connection:
            connection.execute(
                "INSERT INTO policies (id, project_id, name, policy) VALUES (%s, %s, 'p', '{}')", [policy, at.project]
            )
        alert = await at.rule(policy=str(policy), severity="error")
        await at.minutes(1)
        [(kind, data)] = await at.published()
        assert kind == "dev.sluice.alert.firing.v1"
        assert (data["policy"], data["severity"], data["group"]) == (str(policy), "error", "")
        assert data["dedup_key"] == str(alert.id)
