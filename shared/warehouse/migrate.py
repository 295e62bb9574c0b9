"""Migrations of the warehouse: numbered files of frozen SQL, forwards and backwards.

`migrations/NNNN_name.up.sql` and `.down.sql` hold statements separated by a semicolon at a line's end. A step
may be repeated after a crash in its middle: objects that exist already (or are gone already) are skipped.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shared.failpoints import reach
from shared.warehouse.client import Warehouse, WarehouseError
from shared.warehouse.cluster import emitted

FOLDER = Path(__file__).parent / "migrations"

_TABLE_EXISTS = 57
_UNKNOWN_TABLE = 60
_STATEMENT_END = re.compile(r";[ \t]*(?:\n|\Z)")
_COMMENT = re.compile(r"^\s*--.*\n?", re.MULTILINE)

_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    version UInt32,
    applied Int8,
    at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree ORDER BY (version, at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


class NewerSchemaError(Exception):
    """A newer release has been at work on this warehouse."""


class Step(NamedTuple):
    """One numbered migration."""

    version: int
    name: str
    up: Sequence[str]
    down: Sequence[str]


def steps(folder: Path = FOLDER) -> list[Step]:
    """Every migration in order; raises ValueError where one lacks its way back or a number is missing."""
    found = []
    for number, path in enumerate(sorted(folder.glob("*.up.sql")), start=1):
        version, _, name = path.name.removesuffix(".up.sql").partition("_")
        down = path.with_name(f"{version}_{name}.down.sql")
        if int(version) != number or not down.is_file():
            raise ValueError(f"{path.name}: numbers must be gapless and every step needs its .down.sql")
        found.append(Step(number, name, statements(path.read_text()), statements(down.read_text())))
    return found


def statements(text: str) -> list[str]:
    """The statements of a file, comments removed."""
    parts = (_COMMENT.sub("", part).strip() for part in _STATEMENT_END.split(text))
    return [part for part in parts if part]


async def current_version(warehouse: Warehouse) -> int:
    """The version the warehouse is at; 0 where nothing was applied."""
    for statement in emitted(_VERSIONS.strip(), warehouse.cluster):
        await warehouse.command(statement)
    await warehouse.sync("schema_migrations")
    answer = await warehouse.query(
        "SELECT version, argMax(applied, at) AS now FROM schema_migrations GROUP BY version HAVING now = 1"
    )
    return max((row[0] for row in answer.rows), default=0)


async def migrate(warehouse: Warehouse, target: int | None = None) -> int:
    """Go forwards or backwards to `target` (the newest by default); returns the version reached."""
    known = steps()
    wanted = len(known) if target is None else target
    at = await current_version(warehouse)
    if at > len(known):
        raise NewerSchemaError(f"the warehouse is at version {at}, this code knows {len(known)}: run the newer release")
    for step in known[at:wanted]:
        await _apply(warehouse, step.up, harmless=_TABLE_EXISTS)
        reach("migrate.before_record")
        await _record(warehouse, step.version, applied=True)
        reach("migrate.after_record")
    for step in reversed(known[wanted:at]):
        await _apply(warehouse, step.down, harmless=_UNKNOWN_TABLE)
        await _record(warehouse, step.version, applied=False)
    return wanted


async def _apply(warehouse: Warehouse, sql: Sequence[str], *, harmless: int) -> None:
    for statement in (part for frozen in sql for part in emitted(frozen, warehouse.cluster)):
        try:
            await warehouse.command(statement)
            reach("migrate.after_statement")
        except WarehouseError as error:
            if error.code != harmless:
                raise


async def _record(warehouse: Warehouse, version: int, *, applied: bool) -> None:
    await warehouse.command(f"INSERT INTO schema_migrations (version, applied) VALUES ({version}, {int(applied)})")
