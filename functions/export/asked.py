"""What an export is asked for: by POST as a job, by GET as a page."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from functions.export.columns import columns
from functions.export.formats import Compression, Format, Layout, layout
from shared.notifications import Language
from shared.query.filters import Filter
from shared.query.pages import Micros, UInt64
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.query.scope import scope
from shared.recipients import MOST_ADDRESSES, Addresses
from shared.refusals import Refusal, Rejected

MOST_PAGE_ROWS = 50_000
_FIRST_DAY = "1970-01-01"
_RENAMED = {"start": "from", "end": "to"}


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is told of the end, besides the project's webhooks that subscribe to it; mails are in `language`."""

    emails: Addresses = []
    webhooks: Annotated[list[uuid.UUID], msgspec.Meta(max_length=MOST_ADDRESSES)] = []
    language: Language = "en"


# A list is addresses.
Told = Addresses | Notify


def told(given: Told) -> Notify:
    """Who is told, however it was written."""
    return given if isinstance(given, Notify) else Notify(emails=given)


class ExportRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename=_RENAMED):
    """A job: the events of a range as files. Without `from` the range begins in 1970, without `to` it ends now.

    Without `timezone` it is the project's. `destination` is a name the operator gave a storage, empty the instance's
    own. Who is in `notify` is told when it is done. `formulas` says whether cells of CSV that a spreadsheet would run
    get a `'` in front.
    """

    format: Format = "parquet"
    compression: Compression | None = None
    formulas: Literal["escape", "keep"] = "escape"
    start: str = ""
    end: str = ""
    timezone: str | None = None
    events: list[str] = []
    filters: list[Filter] = []
    columns: list[str] = []
    destination: str = ""
    notify: Told = []

    def settled(self, now: datetime) -> "ExportRequest":
        """The same with absolute times and all that can be refused refused: what the job's row keeps."""
        period = parse_period(self.start or _FIRST_DAY, self.end or now.isoformat(), self.timezone)
        columns(self.columns)
        layout(self.format, self.compression, self.formulas)
        scope(uuid.UUID(int=0), period, Parameters(), events=self.events, filters=self.filters)
        return msgspec.structs.replace(
            self,
            start=period.start.isoformat(),
            end=period.end.isoformat(),
            timezone=period.zone.key,
            compression=self.layout.compression,
        )

    @property
    def told(self) -> Notify:
        """Who is told, however it was written."""
        return told(self.notify)

    @property
    def period(self) -> Period:
        return parse_period(self.start, self.end, self.timezone)

    @property
    def layout(self) -> Layout:
        return layout(self.format, self.compression, self.formulas)

    def query(self) -> dict[str, Any]:
        """Which events these are, for the manifest: what query_count takes."""
        filters = msgspec.to_builtins(self.filters)
        return {**self.period.echo(), "events": self.events, "filters": filters}


class ExportJob(ExportRequest, frozen=True, forbid_unknown_fields=True, kw_only=True, rename=_RENAMED):
    """What the row of a job holds: a request, and where the job is a schedule's, whose it is and where its files go.

    `keep_days`: after so many days the files are removed; without, a schedule's stay and others have the setting's.
    """

    schedule_id: uuid.UUID | None = None
    folder: str = ""
    keep_days: int | None = None

    @property
    def manifest(self) -> str:
        """The manifest's name; readers of partitions pass over names that begin with `_`."""
        return "_manifest.json" if self.folder else "manifest.json"


class Key(NamedTuple):
    """Where a page ended, in the order of the rows."""

    timestamp: Micros
    event_id: uuid.UUID
    event: str
    user_hash: UInt64


class ExportPageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename=_RENAMED):
    """A page of events, the oldest first; `start_date`, `end_date` and `event_type` are the same in older words."""

    start: str = ""
    end: str = ""
    start_date: str = ""
    end_date: str = ""
    event_type: str = ""
    timezone: str | None = None
    events: list[str] = []
    filters: list[Filter] = []
    columns: list[str] = []
    compression: Compression | None = None
    formulas: Literal["escape", "keep"] = "escape"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_PAGE_ROWS)] = 10_000
    cursor: str = ""

    def settled(self) -> "ExportPageQuery":
        """The same in our own words; refuses both words for one thing (`bad_request`)."""
        for older, ours in (("start_date", "from"), ("end_date", "to"), ("event_type", "events")):
            if getattr(self, older) and getattr(self, {"from": "start", "to": "end"}.get(ours, ours)):
                raise Rejected(Refusal.BAD_REQUEST, f"`{older}` is `{ours}` in older words; give one of them")
        return msgspec.structs.replace(
            self,
            start=self.start or self.start_date,
            end=self.end or self.end_date,
            events=self.events or ([self.event_type] if self.event_type else []),
            start_date="",
            end_date="",
            event_type="",
        )


def same_but_end(kept: bytes, asked: bytes) -> bool:
    """Whether two requests of jobs are the same but for where they end: for those that end when they come."""
    first, second = (msgspec.json.decode(one, type=dict[str, Any]) for one in (kept, asked))
    return {**first, "to": ""} == {**second, "to": ""}
