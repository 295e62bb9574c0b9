"""Every analysis of people with several ids is that of the same people with one; merges taken back leave no trace.

What the analyses say of people with one id is held against plain Python in a test of each; who is who against
tests/identity_reference.py. Here both come together: two projects have the same events, in one under the ids they were
sent with, in the other under the person that the reference finds. The clocks change within the range.
"""

import asyncio
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from functions.query_attribution.logic import attribution
from functions.query_attribution.question import AttributionQuery
from functions.query_funnel.logic import funnel
from functions.query_paths.logic import paths
from functions.query_paths.question import PathsQuery
from functions.query_retention.activity import lifecycle, stickiness
from functions.query_retention.logic import retention
from functions.query_retention.question import LifecycleQuery, RetentionQuery, StickinessQuery
from functions.query_sessions.asked import SessionFiguresQuery
from functions.query_sessions.logic import sessions_of
from shared.clock import FixedClock, to_micros
from shared.events import Row
from shared.identity import note
from shared.query.acts import Act
from shared.query.ask import Asker
from shared.query.filters import Filter
from shared.query.funnel.question import Exclusion, FunnelQuery, Step
from shared.query.identity import look
from shared.query.parameters import Parameters
from shared.query.segment_rules import And, Condition, Did, InOrder, Not, Property, Seen
from shared.query.segments import Segments, members_sql
from tests.identity_reference import Event, Merge, people
from tests.integration.reading import Stored, batch, row, stored

pytestmark = pytest.mark.slow

SENT, RESOLVED, MERGED = (uuid.UUID(f"018f0000-0000-7000-8000-0000000001f{place}") for place in range(3))
PEOPLE = 2_000
QUESTIONS = 5  # of each analysis: 10,000 histories
START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 4, 20, 12, tzinfo=UTC)
RANGE: dict[str, Any] = {"start": "2026-03-16", "end": "2026-04-12", "timezone": "Europe/Berlin"}
NAMES = ["view", "search", "cart", "buy"]
PAGE = "properties.page"

Asked = Callable[[uuid.UUID], Any]


def histories(chance: random.Random) -> list[Event]:
    """Somebody's events under their user id and up to two devices, which may be shared and need not be linked."""
    found: list[Event] = []
    for person in range(PEOPLE):
        devices = [f"d{chance.choice([person, person, person, person // 2])}-{number}" for number in range(2)]
        ids = [(f"{person}", ""), *(("", device) for device in devices), (f"{person}", devices[0])]
        for _ in range(chance.randrange(9)):
            user, device = chance.choice(ids)
            linking = bool(user and device)
            said: dict[str, Any] = {"page": chance.choice(["/", "/a", None]), "price": chance.choice([None, 2.0, 10.0])}
            properties: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
            if linking:
                properties["$set"] = {"born": f"2026-03-{10 + chance.randrange(20)}"}
            moment = START + timedelta(hours=6 * chance.randrange(4 * 45), minutes=chance.choice([0, 0, 20, 50]))
            name = "identify" if linking else chance.choice(NAMES)
            at = moment.replace(tzinfo=None).isoformat(" ", "microseconds")
            found.append(Event(name, user, device, at, str(uuid.UUID(int=len(found) + 1)), 0, properties))
    return found


def merges(events: Sequence[Event], chance: random.Random) -> list[Merge]:
    """People made one with others, a few of them after one another."""
    keys = sorted({event.key for event in events})
    who = people(list(events), [])
    ends = sorted({who.get(key, key) for key in keys})
    return [
        Merge(
            str(uuid.UUID(int=number)),
            f"2026-05-01 00:{number // 60:02}:{number % 60:02}.000000",
            *chance.sample(ends, 2),
        )
        for number in range(300)
    ]


def resolved(events: Sequence[Event], who: dict[str, str]) -> list[Event]:
    """The same events under one id of the person each; what linked ids has nothing to link any more."""
    found = []
    for event in events:
        kind, _, name = who.get(event.key, event.key).partition(":")
        user, device = (name, "") if kind == "u" else ("", name)
        found.append(replace(event, user_id=user, anonymous_id=device))
    return found


class World:
    """One engine with the events as they were sent, and as they are once people and merges are resolved."""

    def __init__(self, engine: Stored) -> None:
        chance = random.Random(20_261_121)
        self.engine = engine
        self.events = histories(chance)
        self.merges = merges(self.events, chance)
        self.put(SENT, self.events)
        self.put(RESOLVED, resolved(self.events, people(self.events, [])))
        self.put(MERGED, resolved(self.events, people(self.events, self.merges)))

    def put(self, project: uuid.UUID, events: Sequence[Event]) -> None:
        """In no order, half of them later than the others, every third one twice."""
        rows = [_row(event) for event in events]
        random.Random(1).shuffle(rows)
        half = len(rows) // 2
        self.engine.put(batch(project, *rows[half:]))
        self.engine.put(batch(project, *rows[:half], *rows[::3]))

    def keep(self, removed_at: str | None, version: int) -> None:
        """Make all merges, or take them back."""
        of = {"project_id": str(SENT), "merged_by": "user:x", "reason": "", "removed_by": ""}
        of |= {"removed_at": removed_at, "version": version}  # type: ignore[dict-item]  # a row of a table
        rows = [
            {**of, "merge_id": one.merge_id, "from_key": one.from_key, "to_key": one.to_key, "merged_at": one.at}
            for one in self.merges
        ]
        self.engine.insert("identity_merges", rows)
        self.engine.run(note(self.engine.warehouse, SENT))

    def answers(self, project: uuid.UUID) -> list[Any]:
        return [_plain(asyncio.run(ask(project))) for ask in asked(self.engine)]


def _row(event: Event) -> Row:
    at = datetime.fromisoformat(event.timestamp).replace(tzinfo=UTC)
    given = {"event_id": event.event_id, "user_id": event.user_id, "anonymous_id": event.anonymous_id}
    return msgspec.structs.replace(row(event.event, timedelta(0), event.properties, **given), timestamp=_text(at))


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def _plain(answer: Any) -> Any:
    """An answer without what is of the way it was reached."""
    if isinstance(answer, msgspec.Struct):
        answer = msgspec.to_builtins(answer)
    if isinstance(answer, dict):
        return {name: _plain(value) for name, value in answer.items() if name not in {"took_ms", "rows_read", "plan"}}
    if isinstance(answer, list):
        return [_plain(one) for one in answer]
    return round(answer, 6) if isinstance(answer, float) else answer  # sums of parts depend on their order


def asked(engine: Stored) -> list[Asked]:
    """The same questions each time, one analysis after the other."""
    chance = random.Random(7)
    found: list[Asked] = []
    for _ in range(QUESTIONS):
        found += _asked_once(engine, chance)
    return found


def _asked_once(engine: Stored, chance: random.Random) -> list[Asked]:
    warehouse, clock = engine.warehouse, FixedClock(to_micros(NOW))
    interval: Any = chance.choice(["day", "week", "month"])
    act = chance.choice([Act(), Act(event="buy"), Act(any_of=["view", "cart"], filters=[Filter(PAGE, "eq", "/a")])])
    funnels, kept, credit, walked = _funnel(chance), _retention(chance), _attribution(chance), _paths(chance)
    visits = SessionFiguresQuery(**RANGE, by="session.entry_page", interval="day", gap=chance.choice(["30m", "6h"]))
    definition = _segment(chance)
    return [
        lambda project: funnel(funnels, project, warehouse),
        lambda project: retention(kept, project, warehouse, NOW),
        lambda project: lifecycle(LifecycleQuery(**RANGE, interval=interval, act=act), project, warehouse, NOW),
        lambda project: stickiness(StickinessQuery(**RANGE, interval=interval, act=act), project, warehouse),
        lambda project: paths(walked, project, warehouse),
        lambda project: attribution(credit, project, warehouse),
        lambda project: sessions_of(visits, project, 1_800, warehouse, clock),
        lambda project: _members(definition, project, engine),
    ]


def _funnel(chance: random.Random) -> FunnelQuery:
    number = chance.randint(2, 4)
    order = chance.choice(["sequential", "sequential", "strict", "any"])
    exclude = [Exclusion(event="search", between=(1, 2))] if order != "any" and chance.random() < 0.5 else []
    return FunnelQuery(
        **RANGE,
        steps=[Step(event=name) for name in chance.sample(NAMES, number)],
        window=chance.choice(["6h", "3d", "30d"]),
        order=order,  # type: ignore[arg-type]  # one of its values
        ties=chance.choice(["after", "at_or_after"]) if order == "sequential" else "after",
        exclude=exclude,
        hold=chance.choice([[], [PAGE]]),
        breakdown=chance.choice([None, PAGE]),
        interval="day",
    )


def _retention(chance: random.Random) -> RetentionQuery:
    kind = chance.choice(["event", "event", "first_seen", "profile.born"])
    return RetentionQuery(
        **RANGE,
        interval=chance.choice(["day", "week"]),
        starting=Act(event="view") if kind == "event" else Act(),
        returning=chance.choice([Act(), Act(event="buy")]),
        cohort_by=kind,
        first_time=kind != "event" or chance.random() < 0.5,
        measure=chance.choice(["users", "sum:price"]),
        cumulative=chance.random() < 0.5,
        breakdown=chance.choice([None, PAGE]),
    )


def _attribution(chance: random.Random) -> AttributionQuery:
    lookback, collapse = chance.choice(["1d", "10d", "30d"]), chance.random() < 0.5
    more: dict[str, Any] = {"lookback": lookback, "collapse": collapse, "value": "price"}
    return AttributionQuery(**RANGE, conversion=Act(event="buy"), by=PAGE, **more)


def _paths(chance: random.Random) -> PathsQuery:
    start = chance.choice([None, Act(event="view")])
    return PathsQuery(**RANGE, starting=start, steps=chance.randint(2, 6), by=chance.choice(["event", PAGE]))


def _segment(chance: random.Random) -> Condition:
    days = chance.choice([7, 30, 60])
    leaves: list[Condition] = [
        Did(act=Act(event="buy"), op=chance.choice(["gte", "lt", "eq"]), value=chance.randrange(3), days=days),
        Did(measure="sum:price", op="gt", value=10, days=days),
        Seen(which=chance.choice(["first", "last"]), op=chance.choice(["within", "before"]), days=days),
        InOrder(first=Act(event="view"), then=Act(event="buy"), within="3d", happens=chance.random() < 0.5),
        Property(property="profile.born", op="gt", value="2026-03-20"),
    ]
    one, other = chance.sample(leaves, 2)
    return And(of=[one, Not(of=other)])


async def _members(definition: Condition, project: uuid.UUID, engine: Stored) -> list[str]:
    identity = await look(project, Asker(engine.warehouse, function="test"))
    parameters = Parameters()
    sql = members_sql(definition, Segments(identity, NOW), parameters)
    return sorted(person for (person,) in (await engine.warehouse.query(sql, parameters.values)).rows)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with stored(tmp_path_factory.mktemp("linked")) as engine:
        yield World(engine)


@pytest.mark.timeout(600)
def test_analyses_are_of_people_whatever_ids_they_have_and_a_merge_taken_back_leaves_no_trace(world: World) -> None:
    before = world.answers(SENT)
    assert before == world.answers(RESOLVED)
    world.keep(None, 1)
    merged = world.answers(SENT)
    assert merged == world.answers(MERGED)
    assert merged != before, "else the merges are of nobody"
    world.keep("2026-06-01 00:00:00.000000", 2)
    assert world.answers(SENT) == before
