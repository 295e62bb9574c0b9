"""Merges that people make and take back: who, when and why, kept beside the links that events made.

A merge links the person of one key to the person of another. It is one row, so that to take it back restores exactly
what was; links of events stay as they are.
"""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from shared.clock import to_datetime
from shared.identity import note
from shared.ids import uuid7
from shared.query.ask import Asker
from shared.query.parameters import Parameters
from shared.query.relatives import MOST_KEYS, Person, Relatives
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected
from shared.security.changes import Changes

if TYPE_CHECKING:
    from functions.query_people.ports import Ports
    from shared.http import Request
    from shared.security.access import Caller

_HERE = Path(__file__).parent
Reason = Annotated[str, msgspec.Meta(max_length=1_000)]


class MergeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`into`: who the person of the address turns out to be, by any of their ids; `reason` is kept with the merge."""

    into: str
    reason: Reason = ""


class RemoveQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a merge is taken back; for the log."""

    reason: Reason = ""


class Merge(msgspec.Struct, frozen=True):
    """A merge; `removed_at` is null while it holds. `merged_by` and `removed_by` are `user:<id>` or `key:<id>`."""

    id: str
    from_key: str
    to_key: str
    merged_at: str
    merged_by: str
    reason: str
    removed_at: str | None
    removed_by: str | None


class MergeAnswer(msgspec.Struct, frozen=True):
    """The merge, and the person as they are after it."""

    merge: Merge
    person: str
    keys: list[str]


class _Row(msgspec.Struct, frozen=True):
    """A row of `identity_merges`; a later version of a merge takes the place of an earlier one."""

    project_id: str
    merge_id: str
    from_key: str
    to_key: str
    merged_at: str
    merged_by: str
    reason: str
    removed_at: str | None
    removed_by: str
    version: int

    @property
    def id(self) -> uuid.UUID:
        return uuid.UUID(self.merge_id)


def _logged(row: _Row) -> dict[str, Any]:
    """What the audit log keeps: nobody's id, as nothing can be erased from it."""
    return {"id": row.merge_id, "removed": row.removed_at is not None}


class Merging:
    """What one request does to merges of its project."""

    def __init__(self, ports: "Ports", caller: "Caller", request: "Request") -> None:
        self._ports = ports
        self._project_id = caller.project_id
        self._by = f"{caller.kind}:{caller.id}"
        self._asker = Asker(ports.warehouse, function="query_people", project_id=caller.project_id)
        self._changes = Changes[_Row](
            "person_merge", _logged, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
        )

    async def merge(self, key: str, into: str, reason: str) -> MergeAnswer:
        """Link the person of one key to that of another.

        Refuses a key that nobody has (`not_found`, in the body `bad_value`) and, as a merge with itself or in a
        circle would be, one that is the same person already (`bad_value`).
        """
        relatives = Relatives(self._project_id, self._asker)
        who, other = await relatives.of(key), await relatives.of(into)
        known = await self._known([*who.keys, *other.keys])
        if known.isdisjoint(who.keys):
            raise Rejected(Refusal.NOT_FOUND, f"nobody has the id {key[:80]!r}")
        if known.isdisjoint(other.keys):
            raise Rejected(Refusal.BAD_VALUE, f"`into`: nobody has the id {into[:80]!r}; name one that events have")
        if who.person == other.person:
            raise Rejected(
                Refusal.BAD_VALUE,
                f"`into`: {into[:80]!r} is the same person as {key[:80]!r} already; name another person's id",
            )
        if len(who.keys) + len(other.keys) > MOST_KEYS:
            raise Rejected(Refusal.BAD_VALUE, f"`into`: together they would have more than {MOST_KEYS:,} ids")
        now = self._ports.clock.micros()
        made = _Row(
            project_id=str(self._project_id),
            merge_id=str(uuid7(now // 1_000)),
            from_key=who.person,
            to_key=other.person,
            merged_at=_text(now),
            merged_by=self._by,
            reason=reason,
            removed_at=None,
            removed_by="",
            version=now,
        )
        await self._keep("made", made, None)
        return await self._answer(made, other.person)

    async def remove(self, key: str, merge_id: str, reason: str) -> MergeAnswer:
        """Take a merge of the person back, which may be repeated; refuses one that is none of theirs (`not_found`)."""
        who = await Relatives(self._project_id, self._asker).of(key)
        rows = await _rows_of(who.keys, self._project_id, self._asker)
        found = next((row for row in rows if row[0] == merge_id), None)
        if found is None:
            raise Rejected(Refusal.NOT_FOUND, f"{who.person} has no merge {merge_id[:80]!r}")
        _, from_key, to_key, merged_at, merged_by, why, removed_at, removed_by, version = found
        now = self._ports.clock.micros()
        before = _Row(
            project_id=str(self._project_id),
            merge_id=merge_id,
            from_key=from_key,
            to_key=to_key,
            merged_at=_text(merged_at),
            merged_by=merged_by,
            reason=why,
            removed_at=None if removed_at is None else _text(removed_at),
            removed_by=removed_by,
            version=version,
        )
        if removed_at is not None:
            return await self._answer(before, key)
        after = msgspec.structs.replace(
            before,
            removed_at=_text(now),
            removed_by=self._by,
            reason=f"{why}\n{reason}".strip() if reason else why,
            version=max(now, version + 1),
        )
        await self._keep("removed", after, before)
        return await self._answer(after, key)

    async def _keep(self, verb: str, after: _Row, before: _Row | None) -> None:
        """The audit row first: a merge without one must not be; one whose merge failed is repeated with it."""

        async def changed(_: object) -> _Row:
            return after

        await self._changes.make(verb, changed, before)
        await self._ports.writes.insert_json_lines("identity_merges", msgspec.json.encode(after))
        await note(self._ports.writes, self._project_id)

    async def _known(self, keys: Sequence[str]) -> set[str]:
        """Which of the keys events have."""
        parameters = Parameters()
        project, bound = parameters.bind("UUID", str(self._project_id)), parameters.bind("Array(String)", list(keys))
        sql = read_sql(_HERE, "known", project=project, keys=bound)
        return {str(key) for (key,) in (await self._asker.ask(sql, parameters.values)).rows}

    async def _answer(self, row: _Row, key: str) -> MergeAnswer:
        who: Person = await Relatives(self._project_id, self._asker).of(key)
        return MergeAnswer(
            Merge(
                id=row.merge_id,
                from_key=row.from_key,
                to_key=row.to_key,
                merged_at=_shown(row.merged_at),
                merged_by=row.merged_by,
                reason=row.reason,
                removed_at=None if row.removed_at is None else _shown(row.removed_at),
                removed_by=row.removed_by or None,
            ),
            who.person,
            list(who.keys),
        )


async def merges_of(
    keys: Sequence[str], project_id: uuid.UUID, asker: Asker, moment: Callable[[int], str]
) -> list[Merge]:
    """The merges that touch some keys, those taken back too, the oldest first."""
    return [
        Merge(
            id=merge_id,
            from_key=from_key,
            to_key=to_key,
            merged_at=moment(merged_at),
            merged_by=merged_by,
            reason=reason,
            removed_at=None if removed_at is None else moment(removed_at),
            removed_by=removed_by or None,
        )
        for merge_id, from_key, to_key, merged_at, merged_by, reason, removed_at, removed_by, _ in await _rows_of(
            keys, project_id, asker
        )
    ]


async def _rows_of(keys: Sequence[str], project_id: uuid.UUID, asker: Asker) -> list[tuple[Any, ...]]:
    parameters = Parameters()
    project, bound = parameters.bind("UUID", str(project_id)), parameters.bind("Array(String)", list(keys))
    return (await asker.ask(read_sql(_HERE, "merges", project=project, keys=bound), parameters.values, small=True)).rows


def _text(micros: int) -> str:
    return to_datetime(micros).replace(tzinfo=None).isoformat(" ", "microseconds")


def _shown(text: str) -> str:
    return text.replace(" ", "T") + "+00:00"
