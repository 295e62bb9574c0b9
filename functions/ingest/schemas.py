"""Schemas at ingest: an event that breaks its project's schema is refused, or taken and said to break it.

Only projects whose mode is `warn` or `reject` are known here. What is judged is what is stored: the properties after
the project's PII rules, so that the hourly check of what is stored comes to the same.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from functions.ingest.known import KnownOfProjects
from shared import metrics
from shared.catalog.client import Row
from shared.refusals import Refusal, Rejected
from shared.schemas import Compiled, Mode, said


class _Version(NamedTuple):
    """One version of one schema; a schema that is made anew begins at 1 again, under another id."""

    schema_id: uuid.UUID
    version: int
    compiled: Compiled


class ProjectSchemas:
    """The schemas of one project by the names of events, and what becomes of an event that breaks its own."""

    def __init__(self, mode: Mode, of: Mapping[str, _Version]) -> None:
        self.mode = mode
        self.of = of

    def check(self, event: str, properties: dict[str, Any]) -> str:
        """'' for an event that is as its schema says, or has none; else what is not.

        Raises Rejected (SCHEMA_MISMATCH) where the project refuses such events.
        """
        wanted = self.of.get(event)
        if wanted is None or wanted.compiled.holds(properties):
            return ""
        detail = f"version {wanted.version} of the schema: {said(wanted.compiled.violations(properties))}"
        if self.mode == "reject":
            raise Rejected(Refusal.SCHEMA_MISMATCH, detail)
        metrics.INGEST_SCHEMA_WARNINGS.inc()
        return detail


class Schemas(KnownOfProjects[ProjectSchemas]):
    """The schemas of all projects that judge events at ingest."""

    query = "quality/all_schemas"
    what = "the project's schemas"

    def same_or_new(self, rows: Sequence[Row], before: ProjectSchemas | None) -> ProjectSchemas:
        made = {row["event"]: _version(row, before) for row in rows}
        mode: Mode = rows[0]["mode"]
        return before if before is not None and (before.mode, before.of) == (mode, made) else ProjectSchemas(mode, made)


def _version(row: Row, before: ProjectSchemas | None) -> _Version:
    known = before.of.get(row["event"]) if before is not None else None
    if known is not None and known[:2] == (row["id"], row["version"]):
        return known
    return _Version(row["id"], row["version"], Compiled(row["schema"]))
