"""The proof for one project: what was accepted is what was stored, rejected, or is still on its way."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec

from functions.ledger_check.logic import MOST_GAPS, MOST_WAITING, Gap, Warehouse, counted, gap_of
from shared.bus.inspection import Inspection
from shared.catalog.client import Catalog
from shared.catalog.dead_letters import list_letters
from shared.clock import Clock
from shared.dead_letters import DEAD_LETTERS, read_letter
from shared.events import ACCEPTED, EVENTS_TOPIC
from shared.freshness import WRITER
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.query.scope import read_sql, received_scope
from shared.refusals import Refusal, Rejected

MOST_PERIODS = 10_000
_HERE = Path(__file__).parent
_RESENDER = "dead-letter"
_FROM_EVER, _TO_EVER = "1970-01-01", "2149-06-05"
_BUCKETS = {"minute": "toStartOfMinute(received_at, 'UTC')", "hour": "toStartOfHour(received_at, 'UTC')"}


class ProofQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}
):
    """Of when events were accepted; without `from` and `to` all of them. With `by`, each minute or hour as well."""

    start: str = ""
    end: str = ""
    timezone: str | None = None
    by: Literal["", "minute", "hour"] = ""


class Sums(msgspec.Struct, frozen=True):
    """Of one period, by when events were accepted: `accepted` is ingest's count, the others are batch_write's."""

    start: str
    records: int
    accepted: int
    stored: int
    rejected: int


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """`accepted` = `stored` + `rejected` + `in_flight` + `dead_letters` + `missing`, and `missing` is 0: `balanced`.

    `accepted` is what ingest counted into the records the bus took, `stored` and `rejected` what batch_write wrote of
    them. Of the stored, `kept` events are there now; `gone` were repeats of others, or erased or expired since.
    `in_flight` (of the first thousand records that wait) and `dead_letters` are on their way to batch_write, whenever
    they were accepted. `gaps` are the instance's: where records are missing nobody can say whose they were.
    `checked_at`: until then there is no other; null before the first check.
    """

    project_id: UUID
    range: dict[str, str]
    state: Literal["proven", "gap", "unchecked"]
    balanced: bool
    records: int
    accepted: int
    stored: int
    rejected: int
    in_flight: int
    dead_letters: int
    missing: int
    kept: int
    gone: int
    gaps: list[Gap]
    checked_at: datetime | None
    periods: list[Sums]


async def prove(  # noqa: PLR0917 (what it is read from)
    query: ProofQuery,
    project_id: UUID,
    warehouse: Warehouse,
    catalog: Catalog,
    inspection: Inspection,
    clock: Clock,
) -> Proof:
    """The sums of a project, each from where it is known; raises Rejected for what cannot be asked."""
    period = parse_period(query.start or _FROM_EVER, query.end or _TO_EVER, query.timezone)
    # What waits is read first: what is written meanwhile is then counted twice at most for a moment, and never missing.
    waiting = counted(await inspection.waiting(EVENTS_TOPIC, WRITER, MOST_WAITING), project_id)
    dead = await _dead(project_id, catalog, inspection, clock)
    [total] = await _sums(project_id, period, warehouse, "")
    kept = await _kept(project_id, period, warehouse)
    periods = await _sums(project_id, period, warehouse, query.by) if query.by else []
    gaps = [gap_of(row) for row in await catalog.rows("ledger/open_gaps", {"most": MOST_GAPS})]
    [state] = await catalog.rows("ledger/state")
    missing = total.accepted - total.stored - total.rejected
    return Proof(
        project_id=project_id,
        range=period.echo(),
        state="gap" if gaps or missing else "proven" if state["checked_at"] else "unchecked",
        balanced=not gaps and not missing,
        records=total.records,
        accepted=total.accepted + waiting + dead,
        stored=total.stored,
        rejected=total.rejected,
        in_flight=waiting,
        dead_letters=dead,
        missing=missing,
        kept=kept,
        gone=total.stored - kept,
        gaps=gaps,
        checked_at=state["checked_at"],
        periods=periods,
    )


async def _sums(project_id: UUID, period: Period, warehouse: Warehouse, by: str) -> list[Sums]:
    parameters = Parameters()
    scope = received_scope(project_id, period, parameters)
    bucket = _BUCKETS[by] if by else "toDateTime(0, 'UTC')"
    sql = read_sql(_HERE, "periods" if by else "total", bucket=bucket, scope=scope)
    values: dict[str, Any] = {**parameters.values, **({"most": MOST_PERIODS + 1} if by else {})}
    rows = (await warehouse.query(sql, values)).rows
    if len(rows) > MOST_PERIODS:
        raise Rejected(Refusal.BAD_RANGE, f"more than {MOST_PERIODS} periods: ask for a shorter range, or by hour")
    return [Sums(f"{start:%Y-%m-%dT%H:%M:%SZ}", *map(int, sums)) for start, *sums in rows]


async def _kept(project_id: UUID, period: Period, warehouse: Warehouse) -> int:
    parameters = Parameters()
    sql = read_sql(_HERE, "kept", scope=received_scope(project_id, period, parameters))
    return int((await warehouse.query(sql, parameters.values)).value)


async def _dead(project_id: UUID, catalog: Catalog, inspection: Inspection, clock: Clock) -> int:
    """Events of a project in dead letters for batch_write: those that wait, and those kept for people."""
    waiting = await inspection.waiting(DEAD_LETTERS, _RESENDER, MOST_WAITING)
    letters = [read_letter(one.message, clock.micros()) for one in waiting]
    return sum(
        int(letter.event.attributes.get("eventcount", "0"))
        for letter in [*letters, *await list_letters(catalog)]
        if letter.sink in {WRITER, ""}
        and letter.event.attributes.get("type") == ACCEPTED
        and letter.event.attributes.get("project") == str(project_id)
    )
