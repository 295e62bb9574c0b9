"""Was everything that the bus took written? Asked of the bus's own numbers, which batch_write does not make.

The bus numbers the records of a partition without gaps, and knows up to which number batch_write has acknowledged all
(decision 0034). So below that number each place has a row in `batches`, or it is lost; and each row says as many events
as ingest counted into the record. What has another reason (a project that was removed, a dead letter) is explained from
where that is known, and each reason is used once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

import msgspec
import structlog

from shared import metrics
from shared.bus import Delivery
from shared.bus.inspection import Inspection, Progress
from shared.catalog.client import Catalog, Row
from shared.catalog.dead_letters import list_letters
from shared.clock import Clock, to_datetime
from shared.dead_letters import DEAD_LETTERS, ONLY_FOR, read_letter
from shared.events import ACCEPTED, EVENTS_TOPIC
from shared.freshness import WRITER
from shared.ids import uuid7
from shared.query.scope import read_sql
from shared.warehouse.client import Answer

log = structlog.get_logger()

# Of one look at one partition; what is beyond is looked at the next time.
MOST_PLACES = 2_000_000
MOST_GAPS = 1_000
MOST_WAITING = 1_000
# Letters may wait for days before they are sent again.
_RESENT_WITHIN = timedelta(days=30)
# A replica of the warehouse may be behind the one that was written to.
_LOOK_AGAIN_SECONDS = 3.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Two machines' clocks, and a flush under way while a topic was lost.
_CLOCKS = timedelta(minutes=5)
_RESENDER = "dead-letter"
_HERE = Path(__file__).parent

GapKind = Literal["missing", "miscounted", "lost_log"]


class Warehouse(Protocol):
    """What is needed of the warehouse."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer: ...
    async def sync(self, table: str) -> None: ...


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot be accounted for: places without a record, or a record with another number of events than it had.

    `missing` of its places are not explained. `project_id` and `events` are null where nobody can know them.
    """

    id: UUID
    kind: GapKind
    partition: int
    first_offset: int
    last_offset: int
    missing: int
    project_id: UUID | None
    events: int | None
    detail: str
    found_at: datetime


class Checked(NamedTuple):
    """What a check did: places it looked at, and the gaps that are open now; those in `fresh` nobody was told of."""

    places: int
    gaps: list[Gap]
    fresh: list[Gap]


class _Stretch(NamedTuple):
    """What is looked at of a partition: places from `first` to before `end`, written after `begun`."""

    log: str
    partition: int
    since: int
    first: int
    end: int
    published: int
    begun: datetime


class LedgerCheck:
    """Proves the ledger further at each `run`; two at once do no harm, the slower one changes nothing."""

    def __init__(
        self,
        inspection: Callable[[], Inspection],
        warehouse: Warehouse,
        catalog: Catalog,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._inspection = inspection
        self._warehouse = warehouse
        self._catalog = catalog
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> Checked:
        """Look at what was acknowledged since the last time; raises UnavailableError where an engine is away."""
        known = await self._catalog.rows("ledger/partitions")
        progress = await self._inspection().progress(EVENTS_TOPIC, WRITER)
        places = 0
        for part in progress:
            stretch, lost = _stretch(part, known)
            if not known and await self._older():
                stretch = stretch._replace(since=part.done, first=part.done, end=part.done)
            if lost is not None:
                await self._keep(lost.log, lost.partition, "lost_log", lost.first, lost.end - 1, _lost_words(lost))
            places += await self._look(stretch)
        await self._explain()
        rows = await self._catalog.rows("ledger/open_gaps", {"most": MOST_GAPS})
        gaps = [gap_of(row) for row in rows]
        metrics.LEDGER_CHECKED.inc(places)
        metrics.LEDGER_GAPS.set(len(gaps))
        metrics.LEDGER_CHECKED_AT.set(self._clock.micros() / 1_000_000)
        fresh = [gap for gap, row in zip(gaps, rows, strict=True) if not row["told"]]
        for gap in fresh:
            log.error("ledger gap", **msgspec.to_builtins(gap))
        return Checked(places, gaps, fresh)

    async def told(self, gap: Gap) -> None:
        """Whoever wants to know was told of the gap."""
        await self._catalog.rows("ledger/told_gap", {"id": gap.id})

    async def _look(self, stretch: _Stretch) -> int:
        """Keep the gaps of a stretch, then move on; the number of places that were looked at."""
        missing, wrong = await self._faults(stretch)
        if missing or wrong:
            await self._sleep(_LOOK_AGAIN_SECONDS)
            await self._warehouse.sync("batches")
            missing, wrong = await self._faults(stretch)
        for first, last in missing:
            detail = f"{last - first + 1} records were acknowledged and are not written"
            await self._keep(stretch.log, stretch.partition, "missing", first, last, detail)
        for place, project, accepted, written in wrong:
            detail = f"of {accepted} events {written} were written or rejected"
            about = {"project_id": UUID(project), "events": int(accepted) - int(written)}
            await self._keep(stretch.log, stretch.partition, "miscounted", place, place, detail, **about)
        values = stretch._asdict()
        proven = _proven(stretch, missing)
        values |= {"was": stretch.first, "proven": proven, "begun_at": stretch.begun}
        await self._catalog.rows("ledger/advance", values)
        return proven - stretch.first

    async def _older(self) -> bool:
        """Whether records were written before any were checked: what became of them nobody noted."""
        return bool((await self._warehouse.query(read_sql(_HERE, "older"))).value)

    async def _faults(self, stretch: _Stretch) -> tuple[list[tuple[int, int]], list[tuple[Any, ...]]]:
        if stretch.first >= stretch.end:
            return [], []
        found = await self._catalog.rows("ledger/others", {**stretch._asdict(), "begun_at": stretch.begun})
        which = {
            "partition": stretch.partition,
            "first": stretch.first,
            "end": stretch.end,
            "begun": _text(stretch.begun),
            "most": MOST_GAPS,
        }
        others = {"others": [row["place"] for row in found]}
        missing = (await self._warehouse.query(read_sql(_HERE, "missing"), {**which, **others})).rows
        wrong = (await self._warehouse.query(read_sql(_HERE, "miscounted"), which)).rows
        return [(int(first), int(last)) for first, last in missing], wrong

    async def _keep(  # noqa: PLR0917 (what is kept of a gap)
        self, log_name: str, partition: int, kind: GapKind, first: int, last: int, detail: str, **about: Any
    ) -> None:
        values = {"id": uuid7(), "kind": kind, "log": log_name, "partition": partition, "first": first, "last": last}
        await self._catalog.rows(
            "ledger/keep_gap", {"project_id": None, "events": None, **values, **about, "detail": detail}
        )

    async def _explain(self) -> None:
        """Places of records that died and were published again: each record explains as many as it died at."""
        open_gaps = await self._catalog.rows("ledger/open_gaps", {"most": MOST_GAPS})
        missing = [row for row in open_gaps if row["kind"] == "missing"]
        if not missing:
            return
        resent = await self._resent()
        used = await self._catalog.rows("ledger/used_resent", {"batch_ids": list(resent)})
        left = {**resent}
        for row in used:
            left[row["batch_id"]] -= row["places"]
        for gap in missing:
            await self._explain_one(gap, left)

    async def _explain_one(self, gap: Row, left: dict[UUID, int]) -> None:
        open_places = _places(gap)
        for batch_id, places in list(left.items()):
            taken = min(places, open_places)
            if taken <= 0:
                continue
            async with self._catalog.transaction() as transaction:
                await transaction.rows("ledger/use_resent", {"batch_id": batch_id, "places": taken})
                by = f"dead letter {batch_id}"
                await transaction.rows("ledger/explain_gap", {"id": gap["id"], "places": taken, "by": by})
            left[batch_id] -= taken
            open_places -= taken

    async def _resent(self) -> dict[UUID, int]:
        """Records that were dead letters, wherever they are now, and at how many places each of them died."""
        since = _text(to_datetime(self._clock.micros()) - _RESENT_WITHIN)
        sql = read_sql(_HERE, "resent")
        written = (await self._warehouse.query(sql, {"since": since, "most": MOST_WAITING})).rows
        found = {UUID(batch): int(times) for batch, times in written}
        looking = self._inspection()
        for delivery in await looking.waiting(EVENTS_TOPIC, WRITER, MOST_WAITING):
            attributes = delivery.message.attributes
            if attributes.get(ONLY_FOR, WRITER) == WRITER and attributes.get("resent", "").isdecimal():
                _note(found, attributes, int(attributes["resent"]))
        waiting = await looking.waiting(DEAD_LETTERS, _RESENDER, MOST_WAITING)
        letters = [read_letter(delivery.message, self._clock.micros()) for delivery in waiting]
        for letter in [*letters, *await list_letters(self._catalog)]:
            if letter.sink in {WRITER, ""} and letter.event.attributes.get("type") == ACCEPTED:
                _note(found, letter.event.attributes, letter.resent + 1)
        return found


def _note(found: dict[UUID, int], attributes: Mapping[str, str], places: int) -> None:
    try:
        batch_id = UUID(attributes.get("id", ""))
    except ValueError:
        return
    found[batch_id] = max(places, found.get(batch_id, 0))


def _stretch(part: Progress, known: Sequence[Row]) -> tuple[_Stretch, _Stretch | None]:
    """What to look at of a partition; and, where its topic was lost, what of the earlier one nobody looked at."""
    of_partition = [row for row in known if row["partition"] == part.partition]
    here = next((row for row in of_partition if row["log"] == part.log), None)
    if here is not None and part.end >= here["published"]:
        first, since, begun = here["proven"], here["since"], here["begun_at"]
        end = min(max(part.done, first), first + MOST_PLACES)
        return _Stretch(part.log, part.partition, since, first, end, part.end, begun), None
    if not of_partition:
        end = min(part.done, MOST_PLACES)
        return _Stretch(part.log, part.partition, 0, 0, end, part.end, _EPOCH), None
    last = of_partition[0]
    begun = last["checked_at"] - _CLOCKS
    lost = None
    if last["published"] > last["proven"]:
        lost = _Stretch(
            last["log"], part.partition, last["since"], last["proven"], last["published"], part.end, last["begun_at"]
        )
    # A stream that begins anew under the name it had is another one all the same.
    name = part.log if part.log != last["log"] else f"{part.log}+{last['published']}"
    return _Stretch(name, part.partition, 0, 0, min(part.done, MOST_PLACES), part.end, begun), lost


def _proven(stretch: _Stretch, missing: Sequence[tuple[int, int]]) -> int:
    """Up to where a look came: no further than the gaps it could keep."""
    if len(missing) < MOST_GAPS:
        return max(stretch.end, stretch.first)
    return missing[-1][1] + 1


def _lost_words(lost: _Stretch) -> str:
    return (
        f"the topic began anew; of its {lost.end - lost.first} records from {lost.first} on nobody can say whether they"
        " were written"
    )


def _places(row: Row) -> int:
    return int(row["last_offset"] - row["first_offset"] + 1 - row["explained"])


def gap_of(row: Row) -> Gap:
    """A gap as the catalog has it."""
    named = {name: row[name] for name in Gap.__struct_fields__ if name != "missing"}
    return Gap(**named, missing=_places(row))


def _text(moment: datetime) -> str:
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def counted(deliveries: Sequence[Delivery], project_id: UUID) -> int:
    """Events of a project in records that wait on the bus, by ingest's count."""
    attributes = [one.message.attributes for one in deliveries]
    return sum(
        int(named["eventcount"])
        for named in attributes
        if named.get("project") == str(project_id)
        and named.get("type") == ACCEPTED
        and named.get("eventcount", "").isdecimal()
    )
