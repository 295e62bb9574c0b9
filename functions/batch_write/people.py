"""Of people of whom nothing is stored nothing is kept but that there was something; see shared.tombstones."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from shared import metrics
from shared.events import RefusedEvent, RejectedRow, rejected_row
from shared.identity import changed_by
from shared.refusals import Refusal, UnavailableError, describe
from shared.tombstones import Known, Tombstones

if TYPE_CHECKING:
    from functions.batch_write.logic import Inserts, Line
    from functions.batch_write.records import Record


class Guarded:
    """Inserts only while what is known of people holds: bisecting may take longer than anybody may be hidden for."""

    def __init__(self, warehouse: "Inserts", tombstones: Tombstones, known: Known) -> None:
        self._warehouse = warehouse
        self._tombstones = tombstones
        self._known = known

    async def insert_json_lines(self, table: str, lines: bytes) -> None:
        if (await self._tombstones.now()).state != self._known.state:
            raise UnavailableError("whom nothing is stored of has changed meanwhile; sent again, it is sorted anew")
        await self._warehouse.insert_json_lines(table, lines)


def without_people(
    good: Sequence["Line"], refused: Sequence[RejectedRow], known: Known
) -> tuple[list["Line"], list[RejectedRow]]:
    """Take out the rows of people of whom nothing is stored, and the content of what was refused of them."""
    kept: list[Line] = []
    emptied: list[RejectedRow] = []
    for line in good:
        blocked = known.projects.get(line.record.project_id)
        why = blocked and blocked.why_not(line.data, links=changed_by(line.event).chains)
        if why:
            emptied.append(nobody(why, line.record, line.position))
        else:
            kept.append(line)
    for row in refused:
        blocked = known.projects.get(row.project_id)
        why = blocked and blocked.why_not_payload(_payload(row))
        emptied.append(_emptied(why, row) if why else row)
    return kept, emptied


def nobody(why: Refusal, record: "Record", position: int) -> RejectedRow:
    """That something was refused, and nothing of what it was."""
    metrics.PEOPLE_REFUSED.labels(str(why)).inc()
    row = rejected_row(RefusedEvent(position, why, describe(why).title, b""), record.received_at, "store")
    row.project_id, row.batch_id = record.project_id, record.batch_id
    return row


def _emptied(why: Refusal, row: RejectedRow) -> RejectedRow:
    metrics.PEOPLE_REFUSED.labels(str(why)).inc()
    return msgspec.structs.replace(
        row, reason=str(why), detail=describe(why).title, raw="", raw_encoding="utf-8", event=""
    )


def _payload(row: RejectedRow) -> str:
    if row.raw_encoding == "utf-8":
        return row.raw
    return base64.b64decode(row.raw).decode("utf-8", "replace")
