"""One person's keys, found by following links from one of them: a few small reads, however many people there are.

The rule is that of sql/people_followed.sql, which resolves everybody at once; a test holds both together.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shared.query.ask import Asker
from shared.query.identity import MOST_STEPS, end_from, look
from shared.query.parameters import Parameters, chunks
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected

# Of one person.
MOST_KEYS = 1_000

_HERE = Path(__file__).parent


class Person(NamedTuple):
    """A person and all their keys, in order; the person is the one of them at which links end.

    `linked` says of keys, others' too, which other key each is linked to.
    """

    person: str
    keys: Sequence[str]
    linked: Mapping[str, str]


class Relatives:
    """Looks for the keys of people of one project."""

    def __init__(self, project_id: uuid.UUID, asker: Asker) -> None:
        self._project_id = project_id
        self._asker = asker
        self._parents: dict[str, str] = {}
        self._looked_at: set[str] = set()
        self._chained = True

    async def of(self, key: str) -> Person:
        """The person of a key, which may be of nobody yet; refuses more than MOST_KEYS (`query_too_expensive`)."""
        identity = await look(self._project_id, self._asker, follow=False)
        if not identity.linked:
            return Person(key, [key], {})
        self._chained = identity.chained
        person = await self._person(key)
        found = {person, key}
        latest = found
        while latest:
            latest = await self._children(latest) - found
            found |= latest
            if len(found) > MOST_KEYS:
                raise Rejected(Refusal.QUERY_TOO_EXPENSIVE, f"{person} has more than {MOST_KEYS:,} linked ids")
            if not self._chained:  # nobody who is linked is linked to
                break
        keys = sorted([one for one in found if await self._person(one) == person])
        return Person(person, keys, self._parents)

    async def _person(self, key: str) -> str:
        """Follow the links of a key as far as they are looked at anyway."""
        at: str | None = key
        for _ in range(MOST_STEPS + 1 if self._chained else 1):
            if at is None:
                break
            await self._look([at])
            at = self._parents.get(at)
        parent = self._parents.get(key)
        return key if parent is None else end_from(parent, self._parents)

    async def _look(self, keys: Iterable[str]) -> None:
        new = sorted(set(keys) - self._looked_at)
        for some in chunks(new):
            self._parents.update((str(key), str(parent)) for key, parent in await self._ask("parents", some))
        self._looked_at.update(new)

    async def _children(self, keys: Iterable[str]) -> set[str]:
        found = {str(key) for some in chunks(sorted(keys)) for (key,) in await self._ask("children", some)}
        await self._look(found)
        return found

    async def _ask(self, statement: str, keys: list[str]) -> list[tuple[str, ...]]:
        parameters = Parameters()
        project, bound = (
            parameters.bind("UUID", str(self._project_id)),
            parameters.bind("Array(String)", keys),
        )
        sql = read_sql(_HERE, statement, project=project, keys=bound, most=str(MOST_KEYS + 1))
        return (await self._asker.ask(sql, parameters.values, small=True)).rows


async def everybody(project_id: uuid.UUID, asker: Asker, keys: Sequence[str]) -> dict[str, str]:
    """All ids of the people of these keys, which are among them, each with its person: a read of all links for many.

    Raises as `Relatives.of` does, but for the number of ids, which nothing bounds.
    """
    found = {key: key for key in keys}
    identity = await look(project_id, asker)
    if not identity.linked:
        return found
    for some in chunks(sorted(keys)):
        parameters = Parameters()
        sql = read_sql(
            _HERE,
            "relatives",
            pairs=identity.pairs(parameters),
            keys=parameters.bind("Array(String)", some),
        )
        for key, person in (await asker.ask(sql, parameters.values)).rows:
            found[str(key)] = found[str(person)] = str(person)
    return found
