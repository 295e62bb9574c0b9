"""Answers at every state of the rollup, on the real engine, against plain Python over the same events."""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.query_breakdown.logic import BreakdownQuery, breakdown
from functions.query_count.logic import CountQuery, count
from functions.query_timeseries.logic import TimeseriesQuery, timeseries
from functions.rollup.generations import Pace
from functions.rollup.logic import forget_superseded, run
from shared.clock import FixedClock, to_micros
from shared.events import Row
from shared.query.filters import Filter
from shared.refusals import Rejected, UnavailableError
from shared.warehouse.client import Answer
from tests.integration.reading import NOW, Stored, batch, row, stored, text_of

DAYS = 9
HOUR = timedelta(hours=1)
AT_ONCE = Pace(over=0, quiet=-3_600, waited=0)
START = NOW - timedelta(days=DAYS)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("rollup")) as found:
        yield found


def clock() -> FixedClock:
    """The machine's own time: the warehouse notes by its own clock when an hour changed."""
    return FixedClock(time.time_ns() // 1_000)


def roll(engine: Stored, most: int = 20_000) -> int:
    return engine.run(run(engine.warehouse, clock(), AT_ONCE, most)).hours


class Naive:
    """The events of a project by their identity, the last write of each."""

    def __init__(self, seed: int) -> None:
        self.project = uuid.uuid4()
        self.dice = random.Random(seed)
        self.rows: dict[tuple[str, str, str, str], Row] = {}

    def event(self, within: timedelta = timedelta(days=DAYS)) -> Row:
        dice = self.dice
        ago = timedelta(seconds=dice.randrange(int(within.total_seconds())))
        return row(
            dice.choice(("view", "view", "buy", "ключ", "")) or "click",
            ago,
            user_id=f"u{dice.randrange(9)}",
            bot=dice.random() < 0.3,
            received_at=text_of(NOW + timedelta(microseconds=len(self.rows))),
        )

    def put(self, engine: Stored, number: int, within: timedelta = timedelta(days=DAYS)) -> None:
        """New events and repeats of old ones, some twice in one batch, one as another write of the same identity."""
        rows = [self.event(within) for _ in range(number)]
        rows += self.dice.sample([*self.rows.values(), *rows], k=number // 3)
        engine.put(batch(self.project, *rows))
        for one in rows:
            self.rows[one.event, one.user_id, one.timestamp, one.event_id] = one

    def within(self, start: datetime, end: datetime) -> list[Row]:
        first, last = text_of(start), text_of(end)
        return [one for one in self.rows.values() if first <= one.timestamp < last]


def moment(one: Row) -> datetime:
    return datetime.fromisoformat(one.timestamp).replace(tzinfo=UTC)


def check_count(engine: Stored, naive: Naive) -> str:
    """Compare one number, of all events; returns the mode it was reached by."""
    query = CountQuery(start=START.isoformat(), end=(NOW + HOUR).isoformat())
    answer = engine.run(count(query, naive.project, engine.warehouse))
    assert answer.value == len(naive.rows), answer
    return answer.plan.mode


def check(engine: Stored, naive: Naive) -> set[str]:
    """Compare answers of all kinds; returns the modes they were reached by."""
    modes = set()
    odd = START + timedelta(hours=5, minutes=17, seconds=3, microseconds=7)
    for start, end in ((START, NOW + HOUR), (odd, NOW - timedelta(minutes=31)), (odd, odd + timedelta(minutes=20))):
        rows = naive.within(start, end)
        given: dict[str, Any] = {"start": start.isoformat(), "end": end.isoformat()}
        for more, expected in (
            ({}, len(rows)),
            ({"measure": "event_types"}, len({one.event for one in rows})),
            ({"measure": "users"}, len({one.user_id for one in rows})),
            ({"events": ["buy", "ключ"]}, sum(one.event in {"buy", "ключ"} for one in rows)),
            ({"filters": [Filter("bot", "eq", value=False)]}, sum(not one.bot for one in rows)),
            (
                {"filters": [Filter("event", "ne", "view"), Filter("bot", "eq", value=True)]},
                sum(one.bot and one.event != "view" for one in rows),
            ),
            ({"filters": [Filter("user_id", "eq", "u3")]}, sum(one.user_id == "u3" for one in rows)),
        ):
            answer = engine.run(count(CountQuery(**given, **more), naive.project, engine.warehouse))
            assert answer.value == expected, (more, answer)
            if answer.plan.hours_rolled or answer.plan.hours_rows:
                modes.add(answer.plan.mode)
        check_series(engine, naive, given, rows)
        parts = engine.run(breakdown(BreakdownQuery(**given, by="event"), naive.project, engine.warehouse))
        assert {one.key: one.value for one in parts.rows} == dict(Counter(one.event for one in rows))
        assert parts.total == len(rows)
        both = BreakdownQuery(**given, by=["bot", "event"], limit=2)
        parts = engine.run(breakdown(both, naive.project, engine.warehouse))
        largest = sorted(
            Counter((str(one.bot).lower(), one.event) for one in rows).items(), key=lambda e: (-e[1], e[0])
        )
        assert [(tuple(one.key or ()), one.value) for one in parts.rows] == largest[:2]
        assert (parts.other or 0) == sum(number for _, number in largest[2:])
    return modes


def check_series(engine: Stored, naive: Naive, given: Mapping[str, str], rows: list[Row]) -> None:
    for zone in ZONES:
        days = TimeseriesQuery(**given, timezone=zone, interval="day", compare="previous_period")
        answer = engine.run(timeseries(days, naive.project, engine.warehouse, engine.clock))
        expected = Counter(moment(one).astimezone(ZoneInfo(zone)).date().isoformat() for one in rows)
        assert {at[:10]: n for at, n in answer.series[0].points if n} == dict(expected)
        by_hour = TimeseriesQuery(**given, timezone=zone, interval="hour", group_by="event", limit=2)
        answer = engine.run(timeseries(by_hour, naive.project, engine.warehouse, engine.clock))
        assert sum(number or 0 for series in answer.series for _, number in series.points) == len(rows)
        assert sum(series.total or 0 for series in answer.series) == len(rows)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.slow
def test_answers_are_the_same_with_nothing_half_or_everything_rolled_and_changed_again(
    engine: Stored, seed: int
) -> None:
    roll(engine)  # what other tests have left
    naive = Naive(seed)
    naive.put(engine, 90)
    assert check(engine, naive) == {"rows"}
    roll(engine, most=len({one.timestamp[:13] for one in naive.rows.values()}) // 2)
    assert "rollup and rows" in check(engine, naive)
    roll(engine)
    assert check(engine, naive) >= {"rows", "rollup"}
    naive.put(engine, 4)
    assert "rollup and rows" in check(engine, naive)
    for _ in range(2):
        naive.put(engine, 20)
        roll(engine, most=naive.dice.randrange(1, 30))
        check(engine, naive)
        engine.run(forget_superseded(engine.warehouse, FixedClock(to_micros(datetime.now(UTC) + HOUR))))
        check(engine, naive)


def test_an_hour_still_running_is_not_rolled_up_and_one_that_changes_waits(engine: Stored) -> None:
    project = uuid.uuid4()
    now = datetime.now(UTC)
    running = Row(event="view", event_id=str(uuid.uuid4()), timestamp=text_of(now), received_at=text_of(now))
    before = Row(event="view", event_id=str(uuid.uuid4()), timestamp=text_of(now - 2 * HOUR), received_at=text_of(now))
    engine.put(batch(project, running, before))

    def rolled(pace: Pace, at: FixedClock) -> int:
        roll_others = engine.run(run(engine.warehouse, at, pace))
        assert roll_others.left == 0
        query = CountQuery(start=(now - timedelta(days=1)).isoformat(), end=(now + HOUR).isoformat())
        answer = engine.run(count(query, project, engine.warehouse))
        assert answer.value == 2
        return answer.plan.hours_rolled

    assert rolled(Pace(), clock()) == 1  # never rolled up before, so it has waited long enough
    engine.put(batch(project, before))
    assert rolled(Pace(), clock()) == 0  # just changed
    assert rolled(Pace(), FixedClock(to_micros(now + timedelta(seconds=45)))) == 1


class Dies:
    """A warehouse whose caller ends at its n-th statement: before it, or once it is done."""

    def __init__(self, engine: Stored, at: int, *, after: bool) -> None:
        self._warehouse = engine.warehouse
        self._left = at
        self._after = after

    async def _step(self, work: Any) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            work.close()
            raise UnavailableError("killed")
        done = await work
        if self._left == 0:
            raise UnavailableError("killed")
        return done

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        answer: Answer = await self._step(self._warehouse.query(sql, parameters))
        return answer

    async def change(self, sql: str, parameters: Mapping[str, Any]) -> None:
        await self._step(self._warehouse.change(sql, parameters))

    async def insert_json_lines(self, table: str, lines: bytes) -> None:
        await self._step(self._warehouse.insert_json_lines(table, lines))

    async def sync(self, table: str) -> None:
        await self._warehouse.sync(table)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 9))
def test_ending_at_any_step_leaves_every_answer_exact(engine: Stored, at: int, *, after: bool) -> None:
    naive = Naive(at)
    naive.put(engine, 30)
    roll(engine, most=20)
    naive.put(engine, 10)
    with pytest.raises(UnavailableError):
        engine.run(run(Dies(engine, at, after=after), clock(), AT_ONCE))
    check_count(engine, naive)
    roll(engine)
    assert check_count(engine, naive) == "rollup"


def test_every_count_is_one_of_a_moment_while_events_come_and_hours_are_rolled_up(engine: Stored) -> None:
    naive, ended = Naive(7), threading.Event()
    naive.put(engine, 50)
    faults: list[BaseException] = []

    def rolling() -> None:
        try:
            while not ended.is_set():
                roll(engine)
                engine.run(forget_superseded(engine.warehouse, clock()))
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            faults.append(error)

    roller = threading.Thread(target=rolling)
    roller.start()
    try:
        for _ in range(40):
            naive.put(engine, 5)
            check_count(engine, naive)
    finally:
        ended.set()
        roller.join()
    assert not faults


def test_what_queries_cannot_read_any_more_is_deleted(engine: Stored) -> None:
    naive = Naive(3)
    naive.put(engine, 20)
    roll(engine)
    naive.put(engine, 20)
    roll(engine)
    later = FixedClock(to_micros(datetime.now(UTC) + HOUR))
    assert engine.run(forget_superseded(engine.warehouse, clock())) == 0  # a query may read them still
    assert engine.run(forget_superseded(engine.warehouse, later)) > 0
    assert engine.run(forget_superseded(engine.warehouse, later)) == 0
    assert "rollup" in check(engine, naive)


def test_an_explained_question_is_not_run(engine: Stored) -> None:
    naive = Naive(5)
    naive.put(engine, 20)
    given: dict[str, Any] = {"start": START.isoformat(), "end": (NOW + HOUR).isoformat(), "explain": True}
    counted = engine.run(count(CountQuery(**given), naive.project, engine.warehouse))
    assert (counted.value, counted.plan.mode) == (None, "rows")
    assert counted.plan.estimated_rows
    parts = engine.run(breakdown(BreakdownQuery(**given, by="event"), naive.project, engine.warehouse))
    assert (parts.rows, bool(parts.plan.estimated_rows)) == ([], True)
    drawn = engine.run(timeseries(TimeseriesQuery(**given), naive.project, engine.warehouse, engine.clock))
    assert (drawn.series, bool(drawn.plan.estimated_rows)) == ([], True)
    with pytest.raises(Rejected):
        engine.run(count(CountQuery(**given, measure="most"), naive.project, engine.warehouse))
