"""The end of a project's rows in the warehouse."""

import time
import uuid
from collections.abc import Callable, Mapping

from shared.refusals import Rejected, UnavailableError
from shared.warehouse import deletion
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import DeletionUnfinishedError, Rows, Table

# The ledger check is told first: it would miss rows of `batches`.
_NOTE = "INSERT INTO removed_projects (project_id) SELECT {project_id:UUID}"
# The ledger last: a run that broke off before may be repeated, and until then knows which hours had rows.
_TABLES: tuple[Table, ...] = (
    "events",
    "identity_events",
    "identity_merges",
    "user_sessions",
    "daily_metrics",
    "segments",
    "segment_lists",
    "segment_members",
    "refused_people",
    "rejected_events",
    "rejected_replays",
    "held_keys",
    "batches",
    "rollup_hours",
    "rollup_counts",
    "hour_changes",
)
_SECONDS = 600.0
_SAY_SECONDS = 5.0


class RemovalUnfinishedError(Exception):
    """Rows are left after the time allowed; the same call goes on with these."""


async def delete_rows(
    warehouse: Warehouse, project_id: uuid.UUID, say: Callable[[str], None], *, seconds: float = _SECONDS
) -> None:
    """Delete every row of a project that nobody sends to any more, and return once no SELECT finds one.

    By the first key column alone, so that no repeat of a row survives its newest. The hour ledger's rows go too: the
    project ends, and with it whoever could ask whether a rollup of it is current. Harmless to repeat: a broken-off call
    is continued, not begun again. `say` is told of progress. The bytes leave the disk when the engine next merges those
    parts. Raises RemovalUnfinishedError after `seconds`, UnavailableError where the warehouse does not answer at all.
    """
    deadline = time.monotonic() + seconds
    await warehouse.change(_NOTE, {"project_id": str(project_id)})
    for table in _TABLES:
        which = Rows(table, "project_id = {project_id:UUID}", {"project_id": str(project_id)})
        progress = _Progress(table, say)
        while not await _emptied(warehouse, which, progress, deadline):
            await warehouse.ping()  # not away but slow: what was asked for may well go on


async def _emptied(warehouse: Warehouse, which: Rows, progress: "_Progress", deadline: float) -> bool:
    """Whether the rows are gone; False where an answer did not come in time."""
    seconds, mark = deadline - time.monotonic(), which.values["project_id"]
    try:
        await deletion.delete_rows(warehouse, which, _go_on, seconds=seconds, mark=mark, say=progress)
    except DeletionUnfinishedError as error:
        raise RemovalUnfinishedError(f"{progress.rows} of the project are still in {which.table}") from error
    except (UnavailableError, Rejected) as error:
        if time.monotonic() > deadline:
            await warehouse.ping()
            raise RemovalUnfinishedError(f"{progress.rows} of the project are still in {which.table}") from error
        return False
    return True


class _Progress:
    """Says how much of a table is left, not more often than people read."""

    def __init__(self, table: Table, say: Callable[[str], None]) -> None:
        self._table = table
        self._say = say
        self._say_at = 0.0
        self.rows = "rows"

    def __call__(self, left: Mapping[str, int]) -> None:
        self.rows = f"{sum(left.values()):,} rows"
        if time.monotonic() >= self._say_at:
            self._say(f"{self._table}: {self.rows} in {len(left)} partition(s) to delete")
            self._say_at = time.monotonic() + _SAY_SECONDS


def _go_on() -> None:
    """Nobody takes a removal away."""
