"""Sessions on the real engine, at every state of their rollup, against a slow and obvious reference in plain Python."""

import itertools
import math
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from functions.query_people.sessions import SessionsQuery, sessions
from functions.query_sessions.asked import (
    SessionFiguresQuery,
    SessionItem,
    SessionListQuery,
    SessionPeopleQuery,
    SessionsAnswer,
)
from functions.query_sessions.listed import latest
from functions.query_sessions.logic import find, sessions_of
from functions.query_sessions.people import people
from functions.rollup import sessions as rollup
from functions.rollup.generations import Pace
from shared.clock import FixedClock, to_micros
from shared.events import Row
from shared.query.ask import Asker
from shared.query.filters import Filter
from shared.query.parameters import Parameters
from shared.query.period import parse_period
from shared.query.sessions import WantedSessions
from shared.refusals import Rejected
from tests.integration.data_sets import ABSENT, PRESENT, SETS, project_of, published, warehouse_of_sets
from tests.integration.reading import NOW, Stored, batch, row, stored, text_of

pytestmark = pytest.mark.slow

GAP = timedelta(minutes=30)
LONGEST = timedelta(hours=24)
AT_ONCE = Pace(over=0, quiet=-86_400, waited=0, run_seconds=300)
START = NOW - timedelta(days=6)
WHOLE = {"start": (START - timedelta(days=9)).isoformat(), "end": (NOW + timedelta(days=30)).isoformat()}
PROJECTS, PEOPLE = 4, 2_500


class NoCatalog:
    """A catalog in which every project has the usual gap, or these."""

    def __init__(self, **gaps: int) -> None:
        self.gaps = gaps

    async def rows(self, name: str, _parameters: Any = None) -> list[dict[str, Any]]:
        assert name == "session_gaps"
        return [{"id": uuid.UUID(project), "seconds": gap} for project, gap in self.gaps.items()]


class Session(NamedTuple):
    """A session as the reference finds it."""

    person: str
    session_id: str
    rows: Sequence[Row]

    @property
    def began(self) -> datetime:
        return moment(self.rows[0])

    @property
    def seconds(self) -> float:
        return (moment(self.rows[-1]) - self.began).total_seconds()

    @property
    def active(self) -> int:
        return 60 * len({moment(one).replace(second=0, microsecond=0) for one in self.rows})

    def page(self, *, last: bool) -> str | None:
        pages = [one.path for one in self.rows if one.path]
        return pages[-1 if last else 0] if pages else None


def moment(one: Row) -> datetime:
    return datetime.fromisoformat(one.timestamp).replace(tzinfo=UTC)


def key_of(one: Row) -> str:
    return f"u:{one.user_id}" if one.user_id else f"a:{one.anonymous_id}" if one.anonymous_id else ""


def warehouse_order(event_id: str) -> tuple[int, int]:
    """Of events at one microsecond the ids decide, compared by their second half first."""
    first, second = divmod(uuid.UUID(event_id).int, 1 << 64)
    return second, first


def reference(rows: Sequence[Row], gap: timedelta = GAP) -> list[Session]:
    """Each person's events with one session_id, or none, in order; a pause strictly longer than allowed ends one."""
    linked = {f"a:{one.anonymous_id}": f"u:{one.user_id}" for one in rows if one.event == "identify"}
    streams: dict[tuple[str, str], list[Row]] = {}
    for one in sorted(rows, key=lambda one: (one.timestamp, warehouse_order(one.event_id))):
        key = key_of(one)
        if key or one.session_id:
            streams.setdefault((linked.get(key, key), one.session_id), []).append(one)
    found = []
    for (person, session_id), events in streams.items():
        cuts = [0]
        for place, (before, after) in enumerate(itertools.pairwise(events), start=1):
            if moment(after) - moment(before) > (LONGEST if session_id else gap):
                cuts.append(place)
        found += [Session(person, session_id, events[a:b]) for a, b in itertools.pairwise([*cuts, len(events)])]
    return found


def history(dice: random.Random, person: str) -> list[Row]:
    """What one person did: over midnight, with pauses of exactly the gap, ties, ids of clients, under several ids."""
    at = START + timedelta(seconds=dice.randrange(5 * 86_400))
    if dice.random() < 0.3:
        at = at.replace(hour=23, minute=dice.randrange(60))
    rows: list[Row] = []
    linked = dice.random() < 0.3
    session = ""
    for _ in range(dice.randrange(1, 9)):
        pauses = [0, 1, 60, 600, 1_799, 1_800, 1_801, 7_200, 80_000, 86_400, 86_401]
        at += timedelta(seconds=dice.choice(pauses), microseconds=dice.choice([0, 0, 0, 1]))
        session = dice.choice([session, session, session, "", f"s{dice.randrange(3)}"])
        who = {"anonymous_id": f"{person}-a"} if linked and dice.random() < 0.5 else {"user_id": person}
        who = {} if dice.random() < 0.02 else who
        path, country = dice.choice(["", "/", "/a", "/b"]), dice.choice(["DE", "FR", ""])
        name = dice.choice(["view", "view", "buy"])
        rows.append(row(name, NOW - at, path=path, country=country, session_id=session, **who))
    if linked:
        rows.append(row("identify", NOW - at, user_id=person, anonymous_id=f"{person}-a"))
    return rows


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("sessions")) as found:
        yield found


def clock() -> FixedClock:
    return FixedClock(time.time_ns() // 1_000)


def make(engine: Stored, **gaps: int) -> int:
    return engine.run(rollup.run(engine.warehouse, NoCatalog(**gaps), clock(), AT_ONCE)).days


def listed(engine: Stored, project: uuid.UUID, own: int = 1_800, **more: Any) -> tuple[list[SessionItem], str]:
    """All pages of the list, and the mode they were reached by."""
    items: list[SessionItem] = []
    query = SessionListQuery(**{"limit": 1_000, **WHOLE, **more})
    while True:
        answer = engine.run(latest(query, project, own, engine.warehouse, FixedClock(to_micros(NOW))))
        items += answer.items
        if answer.next_cursor is None:
            return items, answer.plan.mode
        query = SessionListQuery(**{"limit": 1_000, **WHOLE, **more, "cursor": answer.next_cursor})


def summed(engine: Stored, project: uuid.UUID, own: int = 1_800, **more: Any) -> SessionsAnswer:
    return engine.run(sessions_of(SessionFiguresQuery(**{**WHOLE, **more}), project, own, engine.warehouse, clock()))


def told(found: Sequence[Session]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            one.person or None,
            one.session_id or None,
            one.began.isoformat(timespec="microseconds"),
            one.seconds,
            one.active,
            len(one.rows),
            one.page(last=False),
            one.page(last=True),
            one.rows[0].country or None,
            one.rows[0].event_id,
        )
        for one in found
    )


def shown(items: Sequence[SessionItem]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            one.person,
            one.session_id,
            one.started,
            one.duration,
            one.active,
            one.events,
            one.entry_page,
            one.exit_page,
            one.country,
            one.id,
        )
        for one in items
    )


def everything(engine: Stored, project: uuid.UUID, own: int) -> tuple[Counter[tuple[Any, ...]], str]:
    """All sessions in one statement, and the mode they were reached by."""

    async def ask() -> tuple[Counter[tuple[Any, ...]], str]:
        asker = Asker(engine.warehouse, function="test", project_id=project)
        wanted = WantedSessions(project, parse_period(WHOLE["start"], WHOLE["end"]), own)
        found = await find(wanted, [], ["country"], asker, clock())
        parameters = Parameters()
        columns = "person, session_id, timestamp, seconds, active, number, entry_page, exit_page, first.2, first_id"
        rows = (await asker.ask(f"SELECT {columns} FROM {found.sessions.sql(parameters)}", parameters.values)).rows
        return Counter(map(_told, rows)), found.plan.mode

    return engine.run(ask())


def _told(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    person, session_id, began, seconds, active, number, entry, exit_page, country, first_id = cells
    at = began.replace(tzinfo=UTC).isoformat(timespec="microseconds")
    who = (person or None, session_id or None)
    return (*who, at, seconds, active, number, entry or None, exit_page or None, country, str(first_id))


def check(engine: Stored, project: uuid.UUID, rows: Sequence[Row], gap: timedelta = GAP) -> str:
    """Compare every session and the sums over a part of the range; returns the mode of the list."""
    seconds = int(gap.total_seconds())
    wanted = reference(rows, gap)
    every, mode = everything(engine, project, seconds)
    assert every == told(wanted)
    start, end = START + timedelta(days=1, hours=5, minutes=7), START + timedelta(days=3, hours=23, minutes=31)
    part = [one for one in wanted if start <= one.began < end]
    part_of = {"start": start.isoformat(), "end": end.isoformat(), "timezone": "Asia/Kolkata"}
    answer = summed(engine, project, seconds, **part_of, by="country", interval="day", limit=50)
    assert answer.total.sessions == len(part)
    assert answer.total.people == len({one.person for one in part} - {""})
    assert answer.total.events == sum(len(one.rows) for one in part)
    assert answer.total.bounced == sum(len(one.rows) == 1 for one in part)
    assert {one.key: one.summary.sessions for one in answer.rows} == dict(
        Counter(one.rows[0].country or None for one in part)
    )
    kolkata = timedelta(hours=5, minutes=30)
    days = Counter(f"{one.began + kolkata:%Y-%m-%d}" for one in part)
    assert {one.time[:10]: one.summary.sessions for one in answer.points if one.summary.sessions} == dict(days)
    assert sum(one.sessions for one in answer.durations) == len(part)
    if part:
        mean = sum(one.seconds for one in part) / len(part)
        assert answer.total.duration_mean == pytest.approx(mean)
    return mode


@pytest.mark.timeout(900)
def test_ten_thousand_histories_have_the_sessions_that_plain_python_finds_whatever_is_rolled_up(engine: Stored) -> None:
    dice = random.Random(10)
    projects = {
        uuid.UUID(int=dice.getrandbits(128)): [one for n in range(PEOPLE) for one in history(dice, f"p{n}")]
        for _ in range(PROJECTS)
    }
    for project, rows in projects.items():
        repeats = dice.sample(rows, k=len(rows) // 20)
        sent = [*rows, *repeats]
        engine.put(*(batch(project, *sent[begin : begin + 900]) for begin in range(0, len(sent), 900)))
    for project, rows in projects.items():
        assert check(engine, project, rows) == "rows"
    assert make(engine) > PROJECTS
    for project, rows in projects.items():
        assert check(engine, project, rows) == "rollup"
    late = {project: [*history(dice, "p7"), *history(dice, "new")] for project in list(projects)[:2]}
    for project, rows in late.items():
        engine.put(batch(project, *rows))
        assert check(engine, project, [*projects[project], *rows]) == "rollup and rows"
    make(engine)
    for project, rows in late.items():
        assert check(engine, project, [*projects[project], *rows]) == "rollup"


def test_a_gap_of_its_own_makes_the_kept_days_old_until_they_are_made_for_it(engine: Stored) -> None:
    project, dice = uuid.uuid4(), random.Random(3)
    rows = [one for n in range(60) for one in history(dice, f"g{n}")]
    engine.put(batch(project, *rows))
    make(engine)
    other = timedelta(minutes=10)
    assert check(engine, project, rows, other) == "rows"
    assert make(engine, **{str(project): 600}) > 0
    assert check(engine, project, rows, other) == "rollup"
    assert check(engine, project, rows) == "rows"


def test_a_session_of_weeks_without_a_pause_is_one_and_is_followed_to_its_end(engine: Stored) -> None:
    project = uuid.uuid4()
    rows = [row("ping", timedelta(minutes=29 * number), user_id="bot") for number in range(300)]
    engine.put(batch(project, *rows))
    first = moment(rows[-1])
    for _ in range(2):
        answer = summed(engine, project, start=first.isoformat(), end=(first + timedelta(hours=1)).isoformat())
        assert (answer.total.sessions, answer.total.events) == (1, 300)
        later = summed(engine, project, start=(first + timedelta(hours=1)).isoformat(), end=NOW.isoformat())
        assert later.total.sessions == 0
        make(engine)


def test_pages_of_the_list_show_each_session_once_the_newest_first(engine: Stored) -> None:
    project, dice = uuid.uuid4(), random.Random(5)
    rows = [one for n in range(40) for one in history(dice, f"l{n}")]
    engine.put(batch(project, *rows))
    items, _ = listed(engine, project, limit=33)
    assert shown(items) == told(reference(rows))
    assert [one.started for one in items] == sorted((one.started for one in items), reverse=True)


def test_behind_each_number_are_the_people_of_its_sessions(engine: Stored) -> None:
    project, dice = uuid.uuid4(), random.Random(5)
    engine.put(batch(project, *(row for number in range(60) for row in history(dice, f"p{number}"))))
    items, _ = listed(engine, project)
    asked: dict[str, Any] = {"by": ["country", "session.exit_page"], "interval": "day", "limit": 1_000}
    answer = summed(engine, project, **asked)

    def behind(**more: Any) -> set[str]:
        query = SessionPeopleQuery(**{**WHOLE, **asked, **more, "page": 1_000})
        found = engine.run(people(query, project, 1_800, engine.warehouse, clock()))
        return {one.id for one in found.items}

    def whose(some: Iterable[SessionItem]) -> set[str]:
        return {one.person for one in some if one.person is not None}

    assert behind() == whose(items)
    for one in answer.rows:
        assert behind(group=one.key) == whose(it for it in items if [it.country, it.exit_page] == one.key)
    for point in answer.points[::7]:
        day = point.time[:10]
        for bounced in (False, True):
            some = [it for it in items if it.started[:10] == day and it.bounced is bounced]
            assert behind(time=point.time, bounced=bounced) == whose(some)
    for step in answer.durations:
        within = [it for it in items if step.start <= it.duration < (step.end or math.inf)]
        assert behind(took=(step.start, step.end)) == whose(within)


def test_a_persons_own_page_has_the_same_sessions(engine: Stored) -> None:
    project, dice = uuid.uuid4(), random.Random(6)
    engine.put(batch(project, *(row for number in range(40) for row in history(dice, f"p{number}"))))
    items, _ = listed(engine, project)
    for person in sorted({one.person for one in items if one.person is not None})[::3]:
        found: list[tuple[Any, ...]] = []
        cursor = ""
        while True:
            page = engine.run(
                sessions(
                    SessionsQuery(limit=2, cursor=cursor), person, project, engine.warehouse, FixedClock(to_micros(NOW))
                )
            )
            found += [(it.started, it.session_id, it.seconds, it.active, it.events, it.exit_page) for it in page.items]
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        mine = [it for it in items if it.person == person]
        wanted = [(it.started, it.session_id, it.duration, it.active, it.events, it.exit_page) for it in mine]
        assert sorted(found, key=str) == sorted(wanted, key=str)
        assert [one[0] for one in found] == sorted((one[0] for one in found), reverse=True)


def test_filters_fields_and_events_speak_of_whole_sessions(engine: Stored) -> None:
    project, dice = uuid.uuid4(), random.Random(4)
    rows = [one for n in range(80) for one in history(dice, f"f{n}")]
    engine.put(batch(project, *rows))
    found = reference(rows)
    for _ in range(2):
        for more, wanted in (
            ({"filters": [Filter("country", "eq", "DE")]}, [one for one in found if one.rows[0].country == "DE"]),
            ({"filters": [Filter("session.duration", "gt", 60)]}, [one for one in found if one.seconds > 60]),
            ({"filters": [Filter("session.events", "lte", 2)]}, [one for one in found if len(one.rows) <= 2]),
            ({"filters": [Filter("session.entry_page", "eq", "/a")]}, [s for s in found if s.page(last=False) == "/a"]),
            ({"filters": [Filter("person", "eq", "u:f3")]}, [one for one in found if one.person == "u:f3"]),
            ({"events": ["buy"]}, [one for one in found if any(event.event == "buy" for event in one.rows)]),
            ({"filters": [Filter("properties.x", "not_set")]}, found),
        ):
            assert shown(listed(engine, project, **more)[0]) == told(wanted), more
        by = summed(engine, project, by=["session.exit_page", "session.bounced"], limit=50)
        assert {tuple(one.key or ()): one.summary.sessions for one in by.rows} == dict(
            Counter((one.page(last=True), str(len(one.rows) == 1).lower()) for one in found)
        )
        make(engine)


def test_superseded_runs_go_and_a_day_without_events_left_has_no_sessions(engine: Stored) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, row("view", timedelta(days=2), user_id="a")))
    make(engine)
    engine.put(batch(project, row("view", timedelta(days=2), user_id="b")))
    make(engine)
    later = FixedClock(int(time.time() + 3_600) * 1_000_000)
    assert engine.run(rollup.forget_superseded(engine.warehouse, later)) > 0
    assert summed(engine, project).total.sessions == 2
    values = {"project": str(project), "before": text_of(NOW)}
    engine.run(engine.warehouse.change("DELETE FROM events WHERE project_id = {project:UUID}", values))
    changes = [{"project_id": str(project), "hour": text_of(NOW - timedelta(days=2))[:13] + ":00:00", "changes": 1}]
    engine.insert("hour_changes", changes)
    assert summed(engine, project).total.sessions == 0
    make(engine)
    answer = summed(engine, project)
    assert (answer.total.sessions, answer.plan.mode) == (0, "rollup")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"by": "nothing"}, "unknown_field"),
        ({"by": "session.nothing"}, "unknown_field"),
        ({"filters": [Filter("session.nothing", "eq", 1)]}, "unknown_field"),
        ({"filters": [Filter("segment", "gt", str(uuid.UUID(int=5)))]}, "bad_filter"),
        ({"filters": [Filter("segment", "in", ["x"])]}, "unknown_field"),
        ({"filters": [Filter("segment", "eq", str(uuid.UUID(int=5)))]}, "bad_filter"),
        ({"gap": "0s"}, "bad_request"),
        ({"gap": "2d"}, "bad_request"),
        ({"by": "country", "group_by": "country"}, "bad_request"),
        ({"by": ["country", "os", "device", "path"]}, "bad_request"),
        ({"timezone": "Nowhere"}, "bad_timezone"),
        ({"start": "2026-02-01", "end": "2026-01-01"}, "bad_range"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(engine: Stored, query: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as refused:
        summed(engine, uuid.uuid4(), **query)
    assert refused.value.refusal == code


@pytest.mark.skipif(not PRESENT, reason=ABSENT)
def test_the_edits_have_the_published_sessions(tmp_path_factory: pytest.TempPathFactory) -> None:
    wanted = published("wikiticker")["sessions"]
    with warehouse_of_sets(tmp_path_factory.mktemp("edits")) as warehouse:
        found = Stored(warehouse)
        answer = summed(found, project_of("wikiticker"), wanted["gap_s_strictly_greater"], **SETS["wikiticker"].range)
        many = [Filter("session.events", "gte", 3_000)]
        longest, _ = listed(found, project_of("wikiticker"), filters=many, **SETS["wikiticker"].range)
    total = answer.total
    assert total.sessions == wanted["sessions"]
    assert total.events_per_session == pytest.approx(wanted["events_per_session_mean"], abs=1e-5)
    assert total.duration_mean == pytest.approx(wanted["mean_duration_s"], abs=1e-4)
    assert total.duration_p50 == wanted["median_duration_s"]
    assert total.bounced == wanted["single_event_sessions"]
    assert max(one.events for one in longest) == wanted["max_events"]
