"""Which events say who is who or what somebody is like, and the ledger that grows with each of them.

The warehouse makes `identity_events` of them (migration 0006), under the same names. Whoever changes that table, or
`identity_merges`, appends to `identity_changes` afterwards, so that no answer is kept beyond the change.
"""

import functools
import re
import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import msgspec

_BETWEEN_WORDS = re.compile(r"[$ ._-]")
_LINKING = frozenset({"identify", "group"})
# Their ids may be those of known people, too.
_CHAINING = frozenset({"alias", "createalias", "mergedangerously"})
_PROFILES = frozenset({"identify", "group", "set", "profile"})
_REMEMBERED = 8_192


class Changed(NamedTuple):
    """What of identity a change touches: who is who, whether known ids are linked to others, and profiles."""

    links: bool = False
    chains: bool = False
    profiles: bool = False


EVERYTHING = Changed(links=True, chains=True, profiles=True)


class Inserts(Protocol):
    """What is needed of the warehouse."""

    async def insert_json_lines(self, table: str, lines: bytes) -> None: ...


@functools.lru_cache(_REMEMBERED)
def changed_by(event: str) -> Changed:
    """What an event of that name changes, however it is spelt."""
    name = _BETWEEN_WORDS.sub("", event).lower()
    chains = name in _CHAINING
    return Changed(chains or name in _LINKING, chains, name in _PROFILES)


def changes(events: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """The rows of the ledger for events as (project id, name): one a project, none where nothing is touched."""
    found: dict[str, Changed] = {}
    for project_id, event in events:
        now = changed_by(event)
        if any(now):
            before = found.get(project_id, Changed())
            found[project_id] = Changed(*(one or other for one, other in zip(now, before, strict=True)))
    return [ledger_row(project_id, changed) for project_id, changed in sorted(found.items())]


def ledger_row(project_id: str, changed: Changed) -> dict[str, Any]:
    return {"project_id": project_id, **{name: int(value) for name, value in changed._asdict().items()}}


async def note(warehouse: Inserts, project_id: uuid.UUID, changed: Changed = EVERYTHING) -> None:
    """Append to the ledger: after the change, never before. Raises as the warehouse does."""
    await warehouse.insert_json_lines("identity_changes", msgspec.json.encode(ledger_row(str(project_id), changed)))
