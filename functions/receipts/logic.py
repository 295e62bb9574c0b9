"""A receipt → point look-ups → where its events are now."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from shared.clock import to_datetime
from shared.events import Receipt, read_receipt
from shared.ids import uuid7_micros
from shared.query.ask import Asker, Warehouse
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected

_YEAR_10000 = 253_402_300_800_000_000  # in microseconds; a made-up id may name any time


class Times(msgspec.Struct, frozen=True):
    """When the events were taken, and when the last of them was stored (null until then). UTC."""

    received_at: str | None
    stored_at: str | None


class ReceiptAnswer(msgspec.Struct, frozen=True):
    """Where a request's events are: `accepted` of them were acknowledged, of which `stored` can be queried by now.

    `rejected` are kept with their reason: those refused at once and those the warehouse would not take. `state` is
    "stored" once nothing waits: accepted = stored + what the warehouse refused.
    """

    state: Literal["queued", "stored"]
    accepted: int
    stored: int
    rejected: int
    times: Times


class Batch(NamedTuple):
    """A record that batch_write is done with: how many lines it has, how many of them the warehouse refused."""

    lines: int
    rejected: int
    received_at: int
    stored_at: int


async def look_up(token: str, project_id: uuid.UUID, warehouse: Warehouse) -> ReceiptAnswer:
    """Where the events behind a token are; refuses a malformed token and one of another project (`not_found`)."""
    receipt = read_receipt(token)
    if receipt is None or receipt.project_id != project_id:
        raise Rejected(Refusal.NOT_FOUND, "there is no such receipt in this project")
    asker = Asker(warehouse, function="receipts")
    accepted = await _found(receipt.batches(), project_id, asker)
    refused = await _found(receipt.refused_batches(), project_id, asker)
    left_out = 0
    own = own_lines(receipt, [batch.lines if batch else None for batch in accepted])
    if any(batch and batch.rejected for batch in accepted):
        left_out = await _left_out(receipt, own, asker)
    done = [batch for batch in (*accepted, *refused) if batch is not None]
    complete = len(done) == receipt.parts + receipt.refused_parts
    return ReceiptAnswer(
        state="stored" if complete else "queued",
        accepted=receipt.rows,
        stored=sum(map(len, own)) - left_out,
        rejected=receipt.refused + left_out,
        times=_times(receipt, done, complete=complete),
    )


async def _found(batch_ids: Sequence[uuid.UUID], project_id: uuid.UUID, asker: Asker) -> list[Batch | None]:
    """The batch of each id, None of those the warehouse does not have."""
    if not batch_ids:
        return []
    found: dict[str, Batch] = {
        batch_id: Batch(rows + rejected, rejected, received_at, stored_at)
        for batch_id, rows, rejected, received_at, stored_at in await _rows("batches", batch_ids, project_id, asker)
    }
    return [found.get(str(batch_id)) for batch_id in batch_ids]


async def _left_out(receipt: Receipt, own: Sequence[range], asker: Asker) -> int:
    """How many of the receipt's own rows the warehouse refused."""
    places = dict(zip(map(str, receipt.batches()), own, strict=True))
    refused = await _rows("refused_rows", receipt.batches(), receipt.project_id, asker)
    return sum(position in places.get(batch_id, ()) for batch_id, position in refused)


async def _rows(
    name: str, batch_ids: Sequence[uuid.UUID], project_id: uuid.UUID, asker: Asker
) -> list[tuple[Any, ...]]:
    parameters = Parameters()
    sql = read_sql(
        Path(__file__).parent,
        name,
        project=parameters.bind("UUID", str(project_id)),
        first=parameters.bind("UUID", str(batch_ids[0])),
        last=parameters.bind("UUID", str(batch_ids[-1])),
    )
    return (await asker.ask(sql, parameters.values)).rows


def own_lines(receipt: Receipt, sizes: Sequence[int | None]) -> list[range]:
    """Which lines of each record are the receipt's own, by how many lines it has; None of one that is not stored.

    They begin in the first record and fill it to its end, then the next. In the last one they end where all are
    there; how many that are is known once the records before it are.
    """
    own: list[range] = []
    left: int | None = receipt.rows
    for part, size in enumerate(sizes):
        if size is None:
            left = None
            own.append(range(0))
            continue
        start = receipt.first if part == 0 else 0
        end = size if part + 1 < len(sizes) else min(size, start + (left or 0))
        own.append(range(start, end))
        left = None if left is None else left - len(own[-1])
    return own


def _times(receipt: Receipt, done: Sequence[Batch], *, complete: bool) -> Times:
    """Until the warehouse says when the events came, the id of their record does, to the millisecond."""
    received = min((batch.received_at for batch in done), default=_time_inside(receipt.batch_id))
    stored = max((batch.stored_at for batch in done), default=None) if complete else None
    return Times(_moment(received), _moment(stored))


def _time_inside(batch_id: uuid.UUID) -> int | None:
    inside = uuid7_micros(batch_id)
    return inside if inside is not None and inside < _YEAR_10000 else None


def _moment(micros: int | None) -> str | None:
    return None if micros is None else to_datetime(micros).isoformat(timespec="microseconds")
