"""The end of a project's rows in the warehouse."""

import uuid
from typing import Protocol

# The ledger last: a run that broke off before may be repeated, and until then knows which hours had rows.
_TABLES = ("events", "rejected_events", "batches", "hour_changes")


class _Warehouse(Protocol):
    async def command(self, sql: str) -> None: ...


async def delete_rows(warehouse: _Warehouse, project_id: uuid.UUID) -> None:
    """Delete every row of a project that nobody sends to any more; harmless to repeat.

    By the first key column alone, so that no repeat of a row survives its newest. The hour ledger's rows go too:
    the project ends, and with it whoever could ask whether a rollup of it is current.
    Raises UnavailableError where the warehouse does not answer.
    """
    for table in _TABLES:
        await warehouse.command(f"DELETE FROM {table} WHERE project_id = '{project_id}'")
