"""Who is who and what they are like on the real engine, against plain Python over the same histories."""

import asyncio
import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from functions.query_breakdown.logic import BreakdownQuery, breakdown
from functions.query_count.logic import CountQuery, count
from shared.identity import note
from shared.query.answers import Remembering
from shared.query.ask import Asker
from shared.query.filters import Filter
from shared.query.identity import Identity, look
from shared.query.parameters import Parameters
from shared.query.profiles import profile_sql
from shared.query.relatives import Relatives
from tests.identity_reference import NAMES, Event, Merge, history, line, people, profiles, stored, written
from tests.integration.reading import Stored, batch, row
from tests.integration.reading import stored as warehouse_of

pytestmark = pytest.mark.slow

PROJECT = uuid.UUID("018f0000-0000-7000-8000-0000000000aa")
RANGE: dict[str, Any] = {"start": "2026-01-05", "end": "2026-01-05"}
HISTORIES = 10_000


class Told:
    """Ten thousand histories in one project, each with ids of its own: whoever mixes two of them up is found out."""

    def __init__(self, warehouse: Stored) -> None:
        self.warehouse = warehouse
        chance = random.Random(6)
        made = [history(f"h{number}", chance) for number in range(HISTORIES)]
        self.events: list[Event] = stored(event for events, _ in made for event in events)
        self.merges: list[Merge] = [merge for _, merges in made for merge in merges]
        lines = [line(event, str(PROJECT)) for events, _ in made for event in events]
        chance.shuffle(lines)
        for part in range(3):
            warehouse.run(warehouse.warehouse.insert_json_lines("events", "\n".join(lines[part::3]).encode()))
        warehouse.run(note(warehouse.warehouse, PROJECT))

    def ask(self, sql: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        return self.warehouse.run(self.warehouse.warehouse.query(sql, parameters.values)).rows

    def look(self) -> Identity:
        return asyncio.run(look(PROJECT, Asker(self.warehouse.warehouse, function="test")))

    def pairs(self, identity: Identity) -> dict[str, str]:
        parameters = Parameters()
        return dict(self.ask(identity.pairs(parameters), parameters))

    def profiles(self, name: str) -> dict[str, Any]:
        parameters = Parameters()
        rows = self.ask(profile_sql(self.look(), name, parameters), parameters)
        return {person: written(json.loads(value)) for person, value in rows}

    def users(self) -> Any:
        query = CountQuery(measure="users", **RANGE)
        return asyncio.run(count(query, PROJECT, self.warehouse.warehouse))

    def keep(self, removed_at: str | None, version: int) -> None:
        """Make all merges, or take them back."""
        rows = [
            {
                "project_id": str(PROJECT),
                "merge_id": merge.merge_id,
                "from_key": merge.from_key,
                "to_key": merge.to_key,
                "merged_at": merge.at,
                "merged_by": "user:x",
                "reason": "",
                "removed_at": removed_at,
                "removed_by": "",
                "version": version,
            }
            for merge in self.merges
        ]
        self.warehouse.insert("identity_merges", rows)
        self.warehouse.run(note(self.warehouse.warehouse, PROJECT))

    def check(self, merges: list[Merge]) -> dict[str, str]:
        """Every answer about people is the reference's; returns who is who."""
        who = people(self.events, merges)
        assert self.pairs(Identity(PROJECT)) == who, "as a statement that nobody looked for resolves them"
        assert self.pairs(self.look()) == who
        expected = profiles(self.events, who)
        for name in [*NAMES, "groups.team"] if merges else NAMES[:1]:
            assert self.profiles(name) == {one: written(held[name]) for one, held in expected.items() if name in held}
        mine = [who.get(event.key, event.key) for event in self.events if event.key]
        assert self.users().value == len(set(mine))
        return who


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with warehouse_of(tmp_path_factory.mktemp("identity")) as warehouse:
        yield Told(warehouse)


@pytest.mark.timeout(600)
def test_ten_thousand_histories_are_resolved_as_by_hand_and_a_merge_taken_back_leaves_no_trace(told: Told) -> None:
    before = told.check([])
    versions = [told.users().plan.identity]
    told.keep(None, 1)
    merged = told.check(told.merges)
    versions.append(told.users().plan.identity)
    assert merged != before
    told.keep("2026-03-01 00:00:00.000000", 2)
    assert told.check([]) == before
    versions.append(told.users().plan.identity)
    assert versions == sorted(set(versions)), "each change has a version of its own"


def test_links_that_go_on_are_followed_beforehand_where_they_are_few(told: Told) -> None:
    project, chance = uuid.uuid4(), random.Random(7)
    made = [history(f"few{number}", chance) for number in range(100)]
    lines = [line(event, str(project)) for events, _ in made for event in events]
    warehouse = told.warehouse.warehouse
    told.warehouse.run(warehouse.insert_json_lines("events", "\n".join(lines).encode()))
    told.warehouse.run(note(warehouse, project))
    identity = asyncio.run(look(project, Asker(warehouse, function="test")))
    assert identity.ends
    assert told.pairs(identity) == people(stored(event for events, _ in made for event in events), [])


def test_a_breakdown_and_a_filter_by_person_hold_everything_under_any_of_their_ids(told: Told) -> None:
    who = people(told.events, [])
    counted = Counter(who.get(event.key, event.key) or None for event in told.events)
    by_person = BreakdownQuery(by="person", limit=50, **RANGE)
    answer = asyncio.run(breakdown(by_person, PROJECT, told.warehouse.warehouse))
    expected = sorted(counted.items(), key=lambda one: (-one[1], one[0] is None, (one[0] or "").encode()))[:50]
    assert [(row.key, row.value) for row in answer.rows] == expected
    person, number = next((one, number) for one, number in expected if one)
    found = CountQuery(filters=[Filter("person", "eq", person)], **RANGE)
    assert asyncio.run(count(found, PROJECT, told.warehouse.warehouse)).value == number


def test_the_ids_of_one_person_are_found_by_a_few_reads_as_everybody_s_at_once(told: Told) -> None:
    who = people(told.events, [])
    keys = sorted({event.key for event in told.events if event.key} | set(who))
    asker = Asker(told.warehouse.warehouse, function="test")

    async def all_of_some() -> None:
        for key in random.Random(3).sample(keys, 15):
            found = await Relatives(PROJECT, asker).of(key)
            person = who.get(key, key)
            assert found.person == person
            assert list(found.keys) == sorted(
                {person, *(one for one, other in who.items() if other == person)}, key=str
            )

    asyncio.run(all_of_some())


def test_an_answer_that_was_kept_is_not_given_once_somebody_is_linked(told: Told) -> None:
    project, warehouse = uuid.uuid4(), told.warehouse
    ago = timedelta(minutes=1)
    warehouse.put(batch(project, row("view", ago, anonymous_id="phone"), row("view", ago, user_id="ann")))
    kept = Remembering(warehouse.warehouse)

    async def users() -> tuple[Any, bool, int | None]:
        answer = await count(CountQuery(start="2026-03-31", end="2026-03-31", measure="users"), project, kept)
        return answer.value, answer.plan.cached, answer.plan.identity

    assert [asyncio.run(users()) for _ in range(2)] == [(2, False, 0), (2, True, 0)]
    told_of = row("identify", timedelta(days=5), user_id="ann", anonymous_id="phone")  # outside the range, and late
    warehouse.put(batch(project, told_of))
    assert asyncio.run(users()) == (1, False, 1)
    warehouse.put(batch(project, told_of))
    assert asyncio.run(users())[0] == 1, "delivered again it changes nothing"


def test_a_project_without_links_reads_the_plain_key(told: Told) -> None:
    asker = Asker(told.warehouse.warehouse, function="test")
    identity = asyncio.run(look(uuid.uuid4(), asker))
    assert (identity.version, identity.linked, identity.person(Parameters())) == (0, False, "user_key")
