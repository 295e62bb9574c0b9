"""Segments on the real engine, against a slow and obvious reference in plain Python."""

import asyncio
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest

from functions.query_breakdown.logic import BreakdownQuery, breakdown
from functions.query_count.logic import CountQuery, count
from functions.query_sessions.asked import SessionFiguresQuery
from functions.query_sessions.logic import sessions_of
from functions.segment.presets import PRESETS
from shared.clock import FixedClock, to_micros
from shared.events import Row
from shared.query.acts import Act
from shared.query.answers import Remembering
from shared.query.ask import Asker
from shared.query.filters import Filter
from shared.query.identity import look
from shared.query.parameters import Parameters
from shared.query.segment_rules import And, Condition, Did, InOrder, InSegment, Not, Or, Property, Seen
from shared.query.segment_rules import Stored as Definition
from shared.query.segments import Kept, Segments, members_sql
from shared.query.segments import moment as segment_moment
from shared.query.zone import project_timezone
from shared.refusals import Rejected
from tests.integration.reading import NOW, Stored, batch, row, stored

pytestmark = pytest.mark.slow

PROJECTS, PEOPLE = 4, 2_500
ZONE = "Asia/Kolkata"
Person = str
Histories = dict[Person, list[Row]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("segments")) as found:
        yield found


@cache
def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moment(one: Row) -> datetime:
    return instant(one.timestamp)


def people_of(rows: Sequence[Row]) -> Histories:
    """What each person did, in the order of time; an identify links the anonymous id it has."""
    linked = {f"a:{one.anonymous_id}": f"u:{one.user_id}" for one in rows if one.event == "identify"}
    found: Histories = {}
    for one in sorted(rows, key=lambda one: one.timestamp):
        key = f"u:{one.user_id}" if one.user_id else f"a:{one.anonymous_id}"
        found.setdefault(linked.get(key, key), []).append(one)
    return found


def matching(act: Act, rows: Sequence[Row]) -> list[Row]:
    kept = [one for one in rows if not act.events or one.event in act.events]
    for wanted in act.filters:
        assert (wanted.property, wanted.op) == ("country", "eq")
        kept = [one for one in kept if one.country == wanted.value]
    return kept


COMPARED: dict[str, Callable[[float, float], bool]] = {
    "gte": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "lte": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}


def figure(wanted: Did, rows: Sequence[Row]) -> float | None:
    prices = [one.revenue for one in rows if one.revenue is not None]
    match wanted.measure:
        case "count":
            return len(rows)
        case "days":
            return len({moment(one).astimezone(ZoneInfo(ZONE)).date() for one in rows})
        case "sum:revenue":
            return sum(prices)
        case "max:revenue":
            return max(prices, default=None)
        case _:
            raise AssertionError(wanted.measure)


class Reference(NamedTuple):
    """Everybody's history at a moment, and the segments that can be named; `tops` are those found already."""

    people: Histories
    as_of: datetime
    known: dict[uuid.UUID, Kept]
    tops: dict[str, set[Person]]


def holds(wanted: Definition, person: Person, among: Reference) -> bool:
    """Whether a condition holds of a person, read from the definition word by word."""
    people, as_of, known, tops = among
    match wanted:
        case And():
            return all(holds(one, person, among) for one in wanted.of)
        case Or():
            return any(holds(one, person, among) for one in wanted.of)
        case Not():
            return not holds(wanted.of, person, among)
        case InSegment():
            return holds(known[wanted.id].definition, person, among)
        case Did(op="top_percent"):
            key = f"{as_of} {msgspec.json.encode(wanted)!r}"
            if key not in tops:
                tops[key] = top(wanted, people, as_of)
            return person in tops[key]
        case _:
            return holds_of(wanted, [one for one in people.get(person, []) if moment(one) < as_of], as_of)


def holds_of(wanted: Definition, rows: Sequence[Row], as_of: datetime) -> bool:
    """Whether one condition holds of what a person did before the moment."""
    days = getattr(wanted, "days", None)
    if days is not None and not isinstance(wanted, Seen):
        rows = [one for one in rows if moment(one) >= as_of - timedelta(days=days)]
    match wanted:
        case Did():
            value = figure(wanted, matching(wanted.act, rows))
            return value is not None and COMPARED[wanted.op](value, wanted.value)
        case Seen():
            times = [moment(one) for one in matching(wanted.act, rows)]
            if not times:
                return False
            at = min(times) if wanted.which == "first" else max(times)
            return (at >= as_of - timedelta(days=wanted.days)) == (wanted.op == "within")
        case InOrder():
            return in_order(wanted, rows, as_of)
        case Property():
            values = [one.country for one in rows if one.country]
            last = values[-1] if values else None
            return {"eq": last == wanted.value, "ne": last != wanted.value, "not_set": last is None}[wanted.op]
        case _:
            raise AssertionError(wanted)


def top(wanted: Did, people: Histories, as_of: datetime) -> set[Person]:
    since = as_of - timedelta(days=wanted.days or 40_000)
    figures: dict[Person, float] = {}
    for person, rows in people.items():
        kept = matching(wanted.act, [one for one in rows if since <= moment(one) < as_of])
        if kept and (value := figure(wanted, kept)) is not None:
            figures[person] = value
    if not figures:
        return set()
    place = -(-len(figures) * int(wanted.value) // 100)
    least = sorted(figures.values(), reverse=True)[place - 1]
    return {person for person, value in figures.items() if value >= least}


def in_order(wanted: InOrder, rows: Sequence[Row], as_of: datetime) -> bool:
    then = [moment(one) for one in matching(wanted.then, rows)]
    within = None if wanted.within is None else timedelta(hours=int(wanted.within[:-1]))
    for one in matching(wanted.first, rows):
        at = moment(one)
        follows = any(at < other and (within is None or other <= at + within) for other in then)
        if wanted.happens and follows:
            return True
        if not wanted.happens and not follows and (within is None or at + within < as_of):
            return True
    return False


def history(dice: random.Random, person: str) -> list[Row]:
    linked = dice.random() < 0.25
    rows = []
    at = NOW - timedelta(days=dice.randrange(80), seconds=dice.randrange(86_400))
    for _ in range(dice.randrange(1, 8)):
        at += timedelta(seconds=dice.choice([0, 0, 1, 3_600, 3_601, 86_400, 200_000, 1_000_000]))
        who = {"anonymous_id": f"{person}-a"} if linked and dice.random() < 0.5 else {"user_id": person}
        name = dice.choice(["view", "view", "cart", "buy"])
        revenue = float(dice.randrange(20)) if name == "buy" and dice.random() < 0.8 else None
        rows.append(row(name, NOW - at, country=dice.choice(["DE", "FR", ""]), revenue=revenue, **who))
    if linked:
        rows.append(row("identify", NOW - at, user_id=person, anonymous_id=f"{person}-a"))
    # no tie of two countries: which of two events of a microsecond is last is the ids' business, tested elsewhere
    times = set()
    for one in rows:
        if one.country and one.timestamp in times:
            one.country = ""
        times.add(one.timestamp)
    return rows


def act(*names: str, country: str = "") -> Act:
    return Act(any_of=list(names), filters=[Filter("country", "eq", country)] if country else [])


def condition(dice: random.Random, inner: uuid.UUID, deep: int = 0) -> Condition:
    """A definition of any kind."""
    days = dice.choice([None, 1, 7, 30])
    some = act(*dice.sample(["view", "cart", "buy"], k=dice.randrange(3)), country=dice.choice(["", "", "DE"]))
    kinds = ["did", "did", "seen", "order", "property", "segment"] + (["and", "or", "not"] * 2 if deep < 2 else [])
    match dice.choice(kinds):
        case "and":
            return And(of=[condition(dice, inner, deep + 1) for _ in range(dice.randrange(1, 4))])
        case "or":
            return Or(of=[condition(dice, inner, deep + 1) for _ in range(dice.randrange(1, 4))])
        case "not":
            return Not(of=condition(dice, inner, deep + 1))
        case "did":
            measure = dice.choice(["count", "count", "days", "sum:revenue", "max:revenue"])
            op: Any = dice.choice([*COMPARED, "top_percent"])
            return Did(
                act=some, measure=measure, op=op, value=dice.randrange(1, 5) if op != "top_percent" else 20, days=days
            )
        case "seen":
            which: Any = dice.choice(["first", "last"])
            near: Any = dice.choice(["within", "before"])
            return Seen(which=which, act=some, op=near, days=dice.choice([1, 10, 40]))
        case "order":
            within = dice.choice([None, "1h", "30h"])
            then = act(dice.choice(["view", "cart", "buy"]))
            return InOrder(first=some, then=then, within=within, happens=dice.random() < 0.5, days=days)
        case "property":
            wanted: Any = dice.choice(["eq", "ne", "not_set"])
            return Property(property="country", op=wanted, value=None if wanted == "not_set" else "DE")
        case _:
            return InSegment(id=inner)


def found(engine: Stored, segments: Segments, definition: Definition) -> list[str]:
    parameters = Parameters()
    sql = members_sql(definition, segments, parameters)
    return [person for (person,) in engine.run(engine.warehouse.query(sql, parameters.values)).rows]


@pytest.mark.timeout(900)
def test_ten_thousand_histories_are_in_the_segments_that_plain_python_puts_them_in(engine: Stored) -> None:
    dice = random.Random(20)
    token = project_timezone.set(ZONE)
    inner = uuid.uuid4()
    named = Or(of=[Did(act=act("buy"), op="gte", value=2), Property(property="country", value="FR")])
    known = {inner: Kept("inner", 1, named)}
    for _ in range(PROJECTS):
        project = uuid.UUID(int=dice.getrandbits(128))
        rows = [one for n in range(PEOPLE) for one in history(dice, f"p{n}")]
        repeats = dice.sample(rows, k=len(rows) // 20)
        engine.put(*(batch(project, *part) for part in parts(rows + repeats)))
        people = people_of(rows)
        identity = engine.run(look(project, Asker(engine.warehouse, function="test")))
        assert identity.linked
        for _ in range(20):
            as_of = NOW + timedelta(hours=1) - timedelta(days=dice.choice([0, 0, 3, 20]))
            wanted = condition(dice, inner)
            among = Reference(people, as_of, known, {})
            expected = {
                person
                for person, did in people.items()
                if any(moment(one) < as_of for one in did) and holds(wanted, person, among)
            }
            got = found(engine, Segments(identity, as_of, (), known), wanted)
            assert len(got) == len(set(got)), wanted
            assert set(got) == expected, (as_of, msgspec.json.encode(wanted))
    project_timezone.reset(token)


def parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for begin in range(0, len(rows), 900):
        yield rows[begin : begin + 900]


def test_every_preset_can_be_asked(engine: Stored) -> None:
    project, dice = uuid.uuid4(), random.Random(1)
    rows = [one for n in range(100) for one in history(dice, f"p{n}")]
    engine.put(batch(project, *rows))
    identity = engine.run(look(project, Asker(engine.warehouse, function="test")))
    as_of, people = NOW + timedelta(hours=1), people_of(rows)
    token = project_timezone.set(ZONE)
    for preset in PRESETS.values():
        expected = {person for person in people if holds(preset.definition, person, Reference(people, as_of, {}, {}))}
        assert set(found(engine, Segments(identity, as_of), preset.definition)) == expected, preset.id
    project_timezone.reset(token)


def keep(
    engine: Stored, project: uuid.UUID, definition: Definition, version: int = 1, which: uuid.UUID | None = None
) -> str:
    """Let questions know a segment; its id."""
    segment = which or uuid.uuid4()
    text = msgspec.json.encode(definition).decode()
    line = {"project_id": project, "segment_id": segment, "version": version, "name": "s", "definition": text}
    engine.insert("segments", [line])
    return str(segment)


def test_a_segment_is_a_filter_and_a_breakdown_and_its_answers_are_never_old(engine: Stored) -> None:
    project = uuid.uuid4()
    now = datetime.now(UTC)
    ago = NOW - now

    def event(name: str, user: str) -> Row:
        return row(name, ago + timedelta(minutes=5), user_id=user)

    engine.put(batch(project, event("buy", "a"), event("view", "a"), event("view", "b"), event("view", "c")))
    buyers = keep(engine, project, Did(act=act("buy")))
    others = keep(engine, project, Not(of=InSegment(id=uuid.UUID(buyers))))
    span: dict[str, Any] = {
        "start": (now - timedelta(days=1)).isoformat(),
        "end": (now + timedelta(days=1)).isoformat(),
    }
    remembering = Remembering(engine.warehouse)

    async def ask(*filters: Filter) -> tuple[Any, bool]:
        answer = await count(CountQuery(**span, events=["view"], filters=list(filters)), project, remembering)
        assert answer.plan.segments is not None
        return answer.value, answer.plan.cached

    async def asked() -> None:
        assert await ask(Filter("segment", "in", [buyers])) == (1, False)
        assert await ask(Filter("segment", "in", [buyers])) == (1, True)
        assert (await ask(Filter("segment", "eq", others)))[0] == 2
        assert (await ask(Filter("segment", "in", [buyers, others])))[0] == 3
        assert (await ask(Filter("segment", "not_in", [buyers])))[0] == 2
        assert (await ask(Filter(f"segment.{buyers}", "eq", "in")))[0] == 1
        by = await breakdown(BreakdownQuery(**span, by=f"segment.{buyers}", measure="users"), project, remembering)
        assert {one.key: one.value for one in by.rows} == {"in": 1, "out": 2}

    asyncio.run(asked())
    engine.put(batch(project, event("buy", "b")))
    remembering = Remembering(engine.warehouse)  # of this loop
    assert asyncio.run(ask(Filter("segment", "in", [buyers])))[0] == 2
    keep(engine, project, Did(act=act("nothing")), 2, uuid.UUID(buyers))
    assert asyncio.run(ask(Filter("segment", "in", [buyers])))[0] == 0
    query = SessionFiguresQuery(**span, filters=[Filter("segment", "in", [others])], by=f"segment.{others}")
    sessions = engine.run(sessions_of(query, project, 1_800, engine.warehouse))
    assert [(one.key, one.summary.sessions) for one in sessions.rows] == [("in", 3)]


def test_a_segment_that_is_not_there_or_is_of_another_project_is_refused(engine: Stored) -> None:
    segment = keep(engine, uuid.uuid4(), Did())
    for value in (segment, str(uuid.uuid4())):
        query = CountQuery(start="2026-01-01", end="2026-01-02", filters=[Filter("segment", "eq", value)])
        with pytest.raises(Rejected) as refused:
            engine.run(count(query, uuid.uuid4(), engine.warehouse))
        assert refused.value.refusal == "bad_filter"


def test_the_moment_of_a_segment_is_the_end_of_the_hour() -> None:
    clock = FixedClock(to_micros(datetime(2026, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC)))
    assert segment_moment(clock) == datetime(2026, 4, 1, tzinfo=UTC)
    assert segment_moment(FixedClock(to_micros(datetime(2026, 4, 1, tzinfo=UTC)))) == datetime(
        2026, 4, 1, 1, tzinfo=UTC
    )
