"""Lookup enrichment: what a project's reference tables say about a value of an event, as `table.attribute`."""

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from shared.catalog.client import Catalog
from shared.catalog.reference_tables import ReferenceTable, list_tables, read_tables
from shared.clock import Clock
from shared.events import Row
from shared.refusals import UnavailableError

# Asked for anew in the background after the first; nobody uses what is older than the second.
REFRESH_SECONDS = 15.0
FRESH_SECONDS = 30.0
_PROPERTIES = "properties."
_MOST_PROJECTS = 1_000
_MOST_ROWS = 500_000

log = structlog.get_logger()


class Lookup(NamedTuple):
    """One rule, ready to use: `rows` has the attributes of each key under their names in the `lookups` column."""

    column: str
    path: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]


def prepare(table: ReferenceTable) -> Lookup:
    """A table as a rule."""
    rows = {
        key: {f"{table.name}.{name}": value for name, value in attributes.items()}
        for key, attributes in table.rows.items()
    }
    if table.field.startswith(_PROPERTIES):
        return Lookup("", tuple(table.field.removeprefix(_PROPERTIES).split(".")), rows)
    return Lookup(table.field, (), rows)


def look_up(row: Row, properties: Mapping[str, Any], lookups: Sequence[Lookup]) -> None:
    """Fill `row.lookups`; a value no table knows adds nothing."""
    found: dict[str, str] = {}
    for lookup in lookups:
        value = getattr(row, lookup.column) if lookup.column else _at(properties, lookup.path)
        if attributes := lookup.rows.get(_key(value)):
            found.update(attributes)
    if found:
        row.lookups = found


def _at(properties: Mapping[str, Any], path: tuple[str, ...]) -> object:
    value: object = properties
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _key(value: object) -> str:
    """A value as the key of a table: 7, 7.0 and "7" are the same one; an object or a list is none."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            return ""


class _Known:
    """What is known of one project: its tables by version, ready for use; when they were last asked for."""

    __slots__ = ("asked_at", "by_version", "ready", "refresh")

    def __init__(self) -> None:
        self.asked_at = float("-inf")
        self.by_version: dict[uuid.UUID, tuple[int, Lookup]] = {}
        self.ready: tuple[Lookup, ...] = ()
        self.refresh: asyncio.Task[None] | None = None


class Lookups:
    """The reference tables of the projects in use, at most FRESH_SECONDS old while the catalog answers.

    While it does not, what was known last is used. Of many projects those used longest ago are forgotten.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._known: OrderedDict[uuid.UUID, _Known] = OrderedDict()

    async def of(self, project_id: uuid.UUID) -> Sequence[Lookup]:
        """A project's rules; waits for the catalog where nothing is known, or nothing fresh. Never raises."""
        known = self._known.get(project_id)
        if known is None:
            known = self._known[project_id] = _Known()
            self._forget()
        age = self._clock.monotonic() - known.asked_at
        if known.refresh is None and age > REFRESH_SECONDS:
            known.refresh = asyncio.create_task(self._refresh(project_id, known))
        if age > FRESH_SECONDS and known.refresh is not None:
            await asyncio.shield(known.refresh)
        self._known.move_to_end(project_id)
        return known.ready

    def known(self, project_id: uuid.UUID) -> Sequence[Lookup] | None:
        """A project's rules where `of` would not wait nor ask; None says nothing."""
        known = self._known.get(project_id)
        if known is None or self._clock.monotonic() - known.asked_at > REFRESH_SECONDS:
            return None
        return known.ready

    async def close(self) -> None:
        """End what is under way."""
        tasks = [known.refresh for known in self._known.values() if known.refresh is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refresh(self, project_id: uuid.UUID, known: _Known) -> None:
        asked_at = self._clock.monotonic()
        try:
            listed = await list_tables(self._catalog, project_id)
            versions = [table.version for table in listed]
            kept = {version: known.by_version[version] for version in versions if version in known.by_version}
            missing = await read_tables(self._catalog, project_id, list(kept)) if len(kept) < len(versions) else []
        except UnavailableError as error:
            log.warning("reference_tables_stale", project_id=str(project_id), detail=str(error))
        else:
            read = {table.version: (len(table.rows), prepare(table)) for table in missing}
            known.by_version = kept | read
            known.ready = tuple(lookup for _, lookup in known.by_version.values())
        finally:
            known.asked_at = asked_at
            known.refresh = None

    def _forget(self) -> None:
        rows = sum(count for known in self._known.values() for count, _ in known.by_version.values())
        while len(self._known) > _MOST_PROJECTS or (rows > _MOST_ROWS and len(self._known) > 1):
            _, gone = self._known.popitem(last=False)
            rows -= sum(count for count, _ in gone.by_version.values())
