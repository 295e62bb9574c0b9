"""Reports on the real engines: their numbers are those of queries, and each window is mailed once."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from functions.query_count.logic import CountQuery, count
from functions.report_run.store import Run
from functions.report_run.telling import told
from shared.bus import BusUnavailableError, Message
from shared.events import ACCEPTED, EVENTS_TOPIC
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import WarehouseUnavailableError
from tests.integration.exporting import wikiticker
from tests.integration.reading import NOW, Stored, batch, row, stored
from tests.integration.timed import Timed, at, timed

DAY = timedelta(days=1)
REQUESTED = "dev.sluice.notification.requested.v1"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("reports")) as found:
        yield found


async def put(here: Timed, engine: Stored, days_ago: int, *names: str, hour: int = 12) -> None:
    """Events by these users so many days before NOW."""
    ago = NOW - (NOW - days_ago * DAY).replace(hour=hour)
    rows = [row(name, ago, user_id=f"u{number}") for number, name in enumerate(names)]
    await asyncio.to_thread(engine.put, batch(here.project, *rows))


async def run(here: Timed, **more: Any) -> Run:
    return await here.runner.run(await here.report(**more), uuid.uuid4())


async def test_a_daily_report_says_yesterday_beside_the_day_before_and_the_week_before(
    engine: Stored, catalog_url: str
) -> None:
    async with timed(engine, catalog_url) as here:
        await put(here, engine, 1, *["buy"] * 6, *["view"] * 3, "rare")
        await put(here, engine, 2, *["buy"] * 4, *["view"] * 4)
        await put(here, engine, 8, *["buy"] * 5)
        await put(here, engine, 0, "buy", "buy")
        await put(here, engine, 3, "buy")
        found = await run(here, name="Daily")
        values = told(found, "https://a.example")
        assert values["date"] == "2026-03-30"
        assert (values["total"], values["users"], values["sessions"]) == (10, 10, 0)
        assert (values["change"], values["week_change"]) == (0.25, 1.0)
        assert values["rows"] == [
            {"name": "buy", "count": 6, "change": 0.5},
            {"name": "view", "count": 3, "change": -0.25},
            {"name": "rare", "count": 1, "change": None},
        ]
        assert (values["other"], values["name"], values["project"]) == (0, "Daily", "p")
        assert values["link"] == f"https://a.example/app/p/{here.project}/reports/{found.report_id}"


async def test_the_numbers_are_those_of_the_queries(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url, at("2015-09-13 06:00")) as here:
        answers = await asyncio.to_thread(wikiticker, engine, here.project)
        found = (await run(here)).counted
        assert found is not None
        assert (found.totals.events, found.totals.users) == (answers["totals"]["rows"], answers["totals"]["users"])
        for measure, value in (("count", found.totals.events), ("users", found.totals.users)):
            query = CountQuery(start="2015-09-12", end="2015-09-12", measure=measure)
            assert (await count(query, here.project, engine.warehouse)).value == value


async def test_a_day_is_that_of_the_zone_and_a_week_is_seven(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as here:
        await put(here, engine, 1, "late", hour=23)
        berlin = (await run(here, timezone="Europe/Berlin")).counted
        assert berlin is not None
        assert (berlin.totals.events, berlin.range["from"]) == (0, "2026-03-30T00:00:00+02:00")
        week = await run(here, schedule="weekly")
        assert week.counted is not None
        assert (week.counted.totals.events, week.counted.week_before) == (1, None)
        assert told(week, "")["date"] == "2026-03-24 … 2026-03-30"


async def test_more_events_than_are_shown_are_in_the_rest(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as here:
        await put(here, engine, 1, *[f"e{number:02}" for number in range(14)], "e13")
        found = (await run(here)).counted
        assert found is not None
        assert [line.name for line in found.rows] == ["e13", *(f"e{number:02}" for number in range(9))]
        assert found.other == 4


async def test_a_day_without_an_event_is_a_report_of_nothing(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as here:
        values = told(await run(here), "")
        assert (values["total"], values["rows"], values["change"], values["other"]) == (0, [], None, 0)


async def test_each_window_is_mailed_once_by_two_runners_at_its_time_in_the_zone(
    engine: Stored, catalog_url: str
) -> None:
    async with timed(engine, catalog_url, at("2026-03-28 12:00")) as here:
        other, _ = here.another_runner()
        report = await here.report(
            timezone="Europe/Berlin", hour=2, emails=["a@b.example", "c@d.example"], language="ru"
        )
        for _ in range(3 * 24 * 4):
            here.clock.advance(15 * 60)
            await asyncio.gather(here.runner.tick(), other.tick())
        mails = [data for kind, data in await here.published() if kind == REQUESTED]
        assert [mail["values"]["date"] for mail in mails] == ["2026-03-28", "2026-03-29", "2026-03-30"]
        assert len({mail["key"] for mail in mails}) == 3
        assert {(mail["template"], mail["subscribers"], mail["language"]) for mail in mails} == {
            ("report_daily", "report.ready", "ru")
        }
        assert mails[0]["emails"] == ["a@b.example", "c@d.example"]
        kept = await here.reports.runs(report.id, None, 10)
        # On the 29th there is no 02:00 in Berlin: it comes when the gap ends.
        assert [f"{one.due_at:%d %H:%M}" for one in reversed(kept)] == ["29 01:00", "30 00:00", "31 00:00"]
        assert all(one.announced for one in kept)


async def test_a_crash_between_keeping_and_mailing_mails_the_same_numbers_later(
    engine: Stored, catalog_url: str
) -> None:
    async with timed(engine, catalog_url, at("2026-03-31 07:50")) as here:
        await put(here, engine, 1, "e")
        report = await here.report()
        publish = here.bus.publish

        async def away(*_: object) -> None:
            raise BusUnavailableError("away")

        here.bus.publish = away  # type: ignore[method-assign,assignment]  # the bus breaks
        here.clock.advance(900)
        with pytest.raises(BusUnavailableError):
            await here.runner.tick()
        here.bus.publish = publish  # type: ignore[method-assign]  # and is back
        await put(here, engine, 1, "late")
        here.clock.advance(900)
        assert await here.runner.tick() == 1
        assert await here.runner.tick() == 0
        [(_, mail)] = await here.published()
        assert mail["values"]["total"] == 1
        assert len(await here.reports.runs(report.id, None, 10)) == 1


async def test_a_report_waits_for_events_that_are_not_stored_yet_or_for_the_warehouse(
    engine: Stored, catalog_url: str
) -> None:
    async with timed(engine, catalog_url, at("2026-03-31 07:50")) as here:
        await here.report()
        event = Message({"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/s", "type": ACCEPTED}, b"{}")
        await here.bus.publish(EVENTS_TOPIC, [event])
        query = here.warehouse.query

        async def away(*_: object) -> None:
            raise WarehouseUnavailableError("the warehouse is away")

        here.warehouse.query = away
        here.clock.advance(900)
        with pytest.raises(WarehouseUnavailableError):
            await here.runner.tick()
        here.warehouse.query = query
        subscription = await here.bus.subscribe(EVENTS_TOPIC, "batch-write")
        await subscription.ack([one.position for one in await subscription.take(10, 0)])
        here.clock.advance(900)
        assert await here.runner.tick() == 1
        assert len(await here.published()) == 1


async def test_reports_that_were_missed_come_late_the_last_three(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as here:
        await here.report()
        here.clock.advance(10 * 86_400)
        assert await here.runner.tick() == 3
        dates = [mail["values"]["date"] for _, mail in await here.published()]
        assert dates == ["2026-04-07", "2026-04-08", "2026-04-09"]


async def test_a_report_that_cannot_be_counted_is_kept_as_failed_and_mailed_to_nobody(
    engine: Stored, catalog_url: str
) -> None:
    async with timed(engine, catalog_url) as here:
        query = here.warehouse.query

        async def expensive(*_: object) -> None:
            raise Rejected(Refusal.QUERY_TOO_EXPENSIVE, "narrow it")

        here.warehouse.query = expensive
        found = await run(here)
        here.warehouse.query = query
        assert (found.state, found.error_code, found.error_detail) == ("failed", "query_too_expensive", "narrow it")
        assert await here.published() == []


async def test_the_same_request_again_gives_the_same_run_and_another_schedule_counts_from_now(
    engine: Stored, catalog_url: str
) -> None:
    async with timed(engine, catalog_url) as here:
        report = await here.report()
        run_id = uuid.uuid4()
        assert (await here.runner.run(report, run_id)).id == (await here.runner.run(report, run_id)).id
        assert len(await here.published()) == 1
        here.clock.advance(86_400)
        weekly = (await here.report(schedule="weekly")).request
        assert await here.reports.replace(report.id, here.project, weekly)
        assert await here.runner.tick() == 0
        assert await here.reports.remove(report.id, here.project)
        assert await here.reports.runs(report.id, None, 10) == []


async def test_a_project_has_as_many_reports_as_it_may(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as here:
        made = await asyncio.gather(*(here.report() for _ in range(5)), return_exceptions=True)
        assert [one.refusal for one in made if isinstance(one, Rejected)] == [Refusal.CONFLICT] * 2
