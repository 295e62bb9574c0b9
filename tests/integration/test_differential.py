"""Every answer against plain Python over the same events, at every state of the ledger, while repeats arrive.

Hypothesis makes the events (ties, late ones, one id under several keys, odd texts), what is repeated and erased, and
the questions. SLUICE_DIFFERENTIAL_EXAMPLES=300 asks for a longer search than the default's few seconds.
"""

import os
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.query_breakdown.logic import BreakdownQuery, breakdown
from functions.query_count.logic import CountQuery, count
from functions.query_timeseries.logic import TimeseriesQuery, timeseries
from functions.rollup.generations import Pace
from functions.rollup.logic import run
from shared.clock import SYSTEM_CLOCK
from shared.events import Row
from shared.query.answers import Remembering
from shared.query.filters import Filter
from shared.warehouse.deletion import Rows, delete_rows, note_hours, touched_hours
from tests.integration.reading import Stored, batch, stored, text_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    # Each question has an event loop of its own here, and leaves its connections to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

EXAMPLES = int(os.environ.get("SLUICE_DIFFERENTIAL_EXAMPLES", "5"))
# What fails is shown as it was found: making it smaller asks the engine for many minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
START = datetime(2026, 2, 27, 22, tzinfo=UTC)
HOUR, MICRO = timedelta(hours=1), timedelta(microseconds=1)
AT_ONCE = Pace(over=0, quiet=-3_600, waited=0)
ALL = 100_000

ODD = "o'dd \\ `{p0:String}` /*rows*/ 🙂"
NAMES = ("view", "buy", "ключ", ODD)
USERS = ("u1", "u2", ODD, "")
STEADY = "steady"
PLANS = ("pro", "free", "5", ODD, None)
IDS = tuple(str(uuid.UUID(int=number)) for number in range(1, 6))
# On an hour, just before and after one, tied, over a Monday, a month and the night a zone changes its offset.
MOMENTS = tuple(
    START + offset
    for offset in (
        timedelta(0),
        HOUR - MICRO,
        HOUR,
        HOUR + timedelta(minutes=30),
        2 * HOUR,
        timedelta(days=2, hours=1, minutes=59, seconds=59),
        timedelta(days=2, hours=2),
        timedelta(days=9, hours=3, minutes=7),
        timedelta(days=29, hours=3),
    )
)
EDGES = (
    START - HOUR,
    START + HOUR,
    START + HOUR + timedelta(minutes=17),
    START + timedelta(days=3),
    START + 40 * 24 * HOUR,
)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata")

Identity = tuple[str, str, str, str]

events = st.builds(
    Row,
    event=st.sampled_from(NAMES),
    user_id=st.sampled_from(USERS),
    anonymous_id=st.sampled_from(("", "anon", "u1")),
    timestamp=st.sampled_from(MOMENTS).map(text_of),
    event_id=st.sampled_from(IDS),
    bot=st.booleans(),
    properties_raw=st.builds(
        lambda plan, price: msgspec.Raw(
            msgspec.json.encode(
                {name: value for name, value in (("plan", plan), ("price", price)) if value is not None}
            )
        ),
        st.sampled_from(PLANS),
        st.sampled_from((None, 0, 1, 2.5, -7)),
    ),
)


class Question(NamedTuple):
    """One thing to ask in every way there is."""

    edges: tuple[datetime, datetime]
    zone: str
    measure: str
    names: list[str]
    filters: list[Filter]
    by: str
    interval: Any


questions = st.builds(
    Question,
    edges=st.tuples(st.sampled_from(EDGES), st.sampled_from(EDGES)).filter(lambda edges: edges[0] < edges[1]),
    zone=st.sampled_from(ZONES),
    measure=st.sampled_from(("count", "count", "users", "event_types", "unique:plan", "sum:price")),
    names=st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
    filters=st.lists(
        st.sampled_from(
            (
                Filter("bot", "eq", value=True),
                Filter("event", "ne", "view"),
                Filter("user_id", "eq", ODD),
                Filter("properties.plan", "in", ["pro", ODD]),
                Filter("properties.plan", "not_set"),
                Filter("properties.price", "gt", 1),
            )
        ),
        max_size=2,
    ),
    by=st.sampled_from(("event", "bot", "user_id", "properties.plan")),
    interval=st.sampled_from(("hour", "day", "week")),
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("differential")) as found:
        yield found


def properties(one: Row) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(one.properties_raw)
    return found


def user_key(one: Row) -> str:
    return f"u:{one.user_id}" if one.user_id else f"a:{one.anonymous_id}" if one.anonymous_id else ""


def moment(one: Row) -> datetime:
    return datetime.fromisoformat(one.timestamp).replace(tzinfo=UTC)


def matches(one: Row, wanted: Filter) -> bool:
    plan, price = properties(one).get("plan"), properties(one).get("price")
    return {
        "bot": one.bot,
        "event": one.event != "view",
        "user_id": one.user_id == ODD,
        "properties.price": price is not None and price > 1,
        "properties.plan": plan in {"pro", ODD} if wanted.op == "in" else plan is None,
    }[wanted.property]


def measured(rows: Sequence[Row], measure: str) -> float | None:
    prices = [found["price"] for found in map(properties, rows) if "price" in found]
    plans = {found["plan"] for found in map(properties, rows) if "plan" in found}
    return {
        "count": len(rows),
        "users": len({key for key in map(user_key, rows) if key}),
        "event_types": len({one.event for one in rows}),
        "unique:plan": len(plans),
        "sum:price": sum(prices) if prices else None,
    }[measure]


def grouped(rows: Sequence[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    found = defaultdict(list)
    for one in rows:
        found[key(one)].append(one)
    return found


KEYS: dict[str, Callable[[Row], str | None]] = {
    "event": lambda one: one.event,
    "bot": lambda one: str(one.bot).lower(),
    "user_id": lambda one: one.user_id or None,
    "properties.plan": lambda one: properties(one).get("plan"),
}


class Project:
    """What was written to a project of its own, by identity: the last write of each counts."""

    def __init__(self, engine: Stored) -> None:
        self.id = uuid.uuid4()
        self.rows: dict[Identity, Row] = {}
        self.warehouse = Remembering(engine.warehouse)
        self._engine = engine
        self._writes = 0

    def put(self, rows: Sequence[Row]) -> None:
        """Write them, received later than all before."""
        if not rows:
            return
        written = []
        for one in rows:
            self._writes += 1
            written.append(msgspec.structs.replace(one, received_at=text_of(START + self._writes * MICRO)))
            self.rows[one.event, user_key(one), one.timestamp, one.event_id] = written[-1]
        self._engine.put(batch(self.id, *written))

    def erase(self, user_id: str) -> None:
        """Delete a person's events as an erasure does: first the rows, then the ledger."""
        where = "project_id = {project:UUID} AND user_key = {key:String}"
        which = Rows("events", where, {"project": str(self.id), "key": f"u:{user_id}"})

        async def erase() -> None:
            hours = await touched_hours(self._engine.warehouse, which)
            await delete_rows(self._engine.warehouse, which, lambda: None)
            await note_hours(self._engine.warehouse, self.id, hours)

        self._engine.run(erase())
        self.rows = {key: one for key, one in self.rows.items() if one.user_id != user_id}

    @contextmanager
    def repeating(self, rows: Sequence[Row], *, on: bool) -> Iterator[None]:
        """Within this block the same events arrive over and over again, which changes no answer."""
        self.put(rows)
        again = batch(self.id, *(self.rows[one.event, user_key(one), one.timestamp, one.event_id] for one in rows))
        ended, faults = threading.Event(), list[BaseException]()

        def repeat() -> None:
            try:
                while not ended.wait(0.05):
                    self._engine.put(again)
            except BaseException as error:  # noqa: BLE001 (shown by the test)
                faults.append(error)

        repeater = threading.Thread(target=repeat)
        if on:
            repeater.start()
        try:
            yield
        finally:
            ended.set()
            if on:
                repeater.join()
        assert not faults

    def check(self, asked: Question) -> None:
        """Ask for the number, the series and the groups."""
        self._engine.run(self._check(asked))

    async def _check(self, asked: Question) -> None:
        start, end = (edge.isoformat() for edge in asked.edges)
        given: dict[str, Any] = {
            "start": start,
            "end": end,
            "timezone": asked.zone,
            "events": asked.names,
            "filters": asked.filters,
            "measure": asked.measure,
        }
        rows = [
            one
            for one in self.rows.values()
            if asked.edges[0] <= moment(one) < asked.edges[1]
            and (not asked.names or one.event in asked.names)
            and all(matches(one, wanted) for wanted in asked.filters)
        ]
        for _ in range(2):  # the second time it may be known
            answer = await count(CountQuery(**given), self.id, self.warehouse)
            assert answer.value == measured(rows, asked.measure), answer.plan
        series = await timeseries(
            TimeseriesQuery(**given, interval=asked.interval), self.id, self.warehouse, SYSTEM_CLOCK
        )
        expected = {
            label: measured(group, asked.measure)
            for label, group in grouped(rows, lambda one: bucket(one, asked)).items()
        }
        points = dict(series.series[0].points)
        assert set(expected) <= set(points)
        empty = measured([], asked.measure) or 0 if asked.measure != "sum:price" else 0
        assert points == {label: expected.get(label) or empty for label in points}, series.plan
        parts = await breakdown(BreakdownQuery(**given, by=asked.by, limit=100), self.id, self.warehouse)
        groups = grouped(rows, KEYS[asked.by])
        assert Counter({one.key: one.value for one in parts.rows}) == {
            key: measured(group, asked.measure) for key, group in groups.items()
        }, parts.plan
        assert parts.total == measured(rows, asked.measure)


def bucket(one: Row, asked: Question) -> str:
    """The begin of the interval an event is in, as the answer writes it."""
    zone = ZoneInfo(asked.zone)
    local = moment(one).astimezone(zone)
    if asked.interval == "hour":
        within = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return (moment(one) - within).astimezone(zone).isoformat()
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if asked.interval == "week":
        day = (day.replace(tzinfo=None) - timedelta(days=day.weekday())).replace(tzinfo=zone)
    return day.isoformat()


def roll(engine: Stored, most: int) -> None:
    engine.run(run(engine.warehouse, SYSTEM_CLOCK, AT_ONCE, most))


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(
    first=st.lists(events, min_size=3, max_size=12),
    later=st.lists(events, max_size=4),
    asked=st.lists(questions, min_size=2, max_size=3),
    erased=st.sampled_from(("u1", ODD)),
    inserting=st.booleans(),
)
def test_every_answer_is_that_of_plain_python_at_every_state_of_the_ledger(
    engine: Stored, first: list[Row], later: list[Row], asked: list[Question], erased: str, *, inserting: bool
) -> None:
    project = Project(engine)
    whole = Question((EDGES[0], EDGES[-1]), "UTC", "count", [], [], "event", "day")
    steady = [msgspec.structs.replace(one, user_id=STEADY) for one in first[:2]]

    def check() -> None:
        for one in (whole, *asked):
            project.check(one)

    project.put(first)
    with project.repeating(steady, on=inserting):
        check()  # nothing rolled up
        roll(engine, max(1, len({one.timestamp[:13] for one in project.rows.values()}) // 2))
        check()
        roll(engine, ALL)
        check()
        project.put(later)  # late events, and other writes of known ones
        project.put(list(project.rows.values())[:2])
        check()  # dirty again
        project.erase(erased)
        check()
        roll(engine, ALL)
        check()
    roll(engine, ALL)
    assert mode(engine, project) == "rollup"
    check()


def mode(engine: Stored, project: Project) -> str:
    query = CountQuery(start=EDGES[0].isoformat(), end=EDGES[-1].isoformat())
    return engine.run(count(query, project.id, engine.warehouse)).plan.mode
