"""What a replay is asked for."""

import uuid
from datetime import datetime, timedelta

import msgspec

from functions.replay.edits import Edit, check
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period, zone_of
from shared.query.scope import rejected_scope
from shared.query.zone import timezone_or_own
from shared.refusals import Refusal, Rejected

SOURCES = ("ingest", "store")
_BEGINNING = "1970-01-01T00:00:00Z"


class ReplayRequest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}
):
    """Which refused events (as in GET /api/v1/rejected), how each is edited, and whether it is only tried.

    What was replayed before and taken is left out. Without `from` and `to`, all there are.
    """

    start: str = ""
    end: str = ""
    timezone: str | None = None
    reason: str = ""
    event: str = ""
    source: str = ""
    edits: list[Edit] = []
    dry_run: bool = False

    def settled(self, now: datetime) -> "ReplayJob":
        """The job; refuses what cannot be asked (`bad_range`, `bad_filter`, `bad_value`)."""
        if self.reason and self.reason not in set(Refusal):
            raise Rejected(Refusal.BAD_FILTER, f"there is no reason {self.reason!r}")
        if self.source and self.source not in SOURCES:
            raise Rejected(Refusal.BAD_FILTER, f"`source` is {' or '.join(SOURCES)}, not {self.source!r}")
        if "\0" in self.event:
            raise Rejected(Refusal.BAD_TEXT, "`event` holds a null character")
        check(self.edits)
        zone = timezone_or_own(self.timezone)
        period = parse_period(self.start or _BEGINNING, self.end or now.isoformat(), zone)
        # Those refused from now on are for another replay: this one has an end.
        end = min(period.end, now)
        return ReplayJob(
            start=period.start,
            end=max(end, period.start + timedelta(microseconds=1)),
            timezone=zone,
            reason=self.reason,
            event=self.event,
            source=self.source,
            edits=self.edits,
            dry_run=self.dry_run,
        )


class ReplayJob(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """The same as the job's row keeps it: a range with both ends, and its zone."""

    start: datetime
    end: datetime
    timezone: str
    reason: str
    event: str
    source: str
    edits: list[Edit]
    dry_run: bool

    def scope(self, project_id: uuid.UUID, parameters: Parameters) -> str:
        """The WHERE of what it is about."""
        period = Period(self.start, self.end, zone_of(self.timezone))
        return rejected_scope(project_id, period, parameters, reason=self.reason, event=self.event, source=self.source)
