"""Who a row is of: the person behind its user key, resolved at query time, so that the past joins up too.

A user key (`u:`+user_id, else `a:`+anonymous_id) is linked to another by what identify, alias and group events and
merges say; docs/people.md has the rule. A statement that names `person` takes `identity.defines(parameters)` among the
conditions of its WHERE: that gives `person` its meaning in every part of the same SELECT (measure, filter, group) and
filters nothing. Without links the person is the user key, and the statement reads nothing more.
"""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from shared.query.ask import Asker
from shared.query.fields import PERSON
from shared.query.parameters import Parameters
from shared.query.scope import read_sql

# How many links are followed from one known id to the next; see docs/people.md.
MOST_STEPS = 8
# Of what `look` binds: values travel in an address, which servers bound.
_MOST_BYTES = 50_000

_HERE = Path(__file__).parent


class Identity(NamedTuple):
    """How the keys of one project are resolved to people.

    `version` grows with every change of the project's links and is part of every cached answer about people; None
    says that nobody has looked, and links are followed in any case. `linked`: there are links. `chained`: a person a
    key is linked to may be linked to another; `ends` says of each such one who is at the end, None has it computed in
    the statement, which takes longer.
    """

    project_id: uuid.UUID
    version: int | None = None
    linked: bool = True
    chained: bool = True
    ends: Mapping[str, str] | None = None

    def person(self, parameters: Parameters, key: str = "user_key") -> str:
        """SQL of the person of a key, '' for the empty one; `key` is an expression of ours, never a client's text."""
        if not self.linked:
            return key
        people = f"({self.people(parameters)})"
        return f"transform({key}, tupleElement({people}, 1), tupleElement({people}, 2), {key})"

    def people(self, parameters: Parameters) -> str:
        """A SELECT of one row, a pair of arrays: keys that are linked, and the person of each, in the same order."""
        return f"SELECT (groupArray(key), groupArray(person)) FROM ({self.pairs(parameters)})"

    def pairs(self, parameters: Parameters) -> str:
        """A SELECT of `key`, `person`: one row for each key that is linked to somebody."""
        project = parameters.bind("UUID", str(self.project_id))
        if not self.chained or self.ends is not None:
            return self._ended(read_sql(_HERE, "people", project=project).rstrip(), parameters)
        steps = "(SELECT arrayJoin(between.1) AS step_0)"
        for number in range(1, MOST_STEPS + 1):
            step = f"transform(step_{number - 1}, between.1, between.2, '') AS step_{number}"
            steps = f"(SELECT *, {step} FROM {steps})"
        return read_sql(
            _HERE,
            "people_followed",
            project=project,
            steps=steps,
            passed=", ".join(f"step_{number}" for number in range(1, MOST_STEPS + 1)),
            half=str(MOST_STEPS // 2),
        ).rstrip()

    def _ended(self, first_links: str, parameters: Parameters) -> str:
        if not self.ends:
            return first_links
        bound = ", ".join(parameters.bind("Array(String)", list(texts)) for texts in (self.ends, self.ends.values()))
        return f"SELECT key, transform(first.person, {bound}, first.person) AS person FROM ({first_links}) AS first"

    def defines(self, parameters: Parameters) -> str:
        """A condition that is always true and lets every part of the same SELECT say `person`."""
        return f"({self.person(parameters)} AS {PERSON}) IS NOT NULL"


async def look(project_id: uuid.UUID, asker: Asker, *, follow: bool = True) -> Identity:
    """The project's identity now, by one read of few rows; to `follow` links between people, by those too.

    Raises UnavailableError where the warehouse is away.
    """
    parameters = Parameters()
    sql = read_sql(_HERE, "identity", project=parameters.bind("UUID", str(project_id)))
    [(version, links, chains)] = (await asker.ask(sql, parameters.values, small=True)).rows
    identity = Identity(project_id, int(version), bool(links), bool(chains), ends=None if chains else {})
    return identity._replace(ends=await _ends(identity, asker)) if chains and follow else identity


async def _ends(identity: Identity, asker: Asker) -> Mapping[str, str] | None:
    """Who is at the end of the links of each key that is linked and linked to; None where these are too many."""
    parameters = Parameters()
    links = identity._replace(chained=False, ends={}).pairs(parameters)
    sql = f"SELECT key, person FROM ({links}) WHERE key IN (SELECT person FROM ({links}))"
    rows = (await asker.ask(sql, parameters.values, (identity.version or 0,), small=True)).rows
    between = {str(key): str(linked_to) for key, linked_to in rows}
    ends = {key: end_from(key, between) for key in between}
    size = sum(len(text.encode()) for pair in ends.items() for text in pair)
    return ends if size <= _MOST_BYTES else None


def end_from(key: str, parents: Mapping[str, str]) -> str:
    """The person at the end of the links from a key, where each key of `parents` is linked to another.

    Where there is no end within MOST_STEPS, the smallest key passed in the second half of them; see docs/people.md.
    """
    passed: list[str] = []
    while len(passed) < MOST_STEPS and key in parents:
        key = parents[key]
        passed.append(key)
    return key if len(passed) < MOST_STEPS else min(passed[MOST_STEPS // 2 :], key=str.encode)
