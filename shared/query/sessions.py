"""Sessions: a person's events in the order of time, cut where a pause is strictly longer than the project's gap.

docs/sessions.md has the rule. Sessions are put together from runs, the activity of one id within one UTC day. Runs of
days that have not changed come from their rollup, those of the others from the events, and whose they are is asked
when the question is: neither midnight nor a merge of people changes a run that is kept (decision 0028).
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from shared.query.ask import Asker, Version
from shared.query.fields import Field, field
from shared.query.filters import Filter, condition
from shared.query.identity import Identity
from shared.query.parameters import Parameters
from shared.query.period import LATEST, Period
from shared.query.scope import read_sql, scope

if TYPE_CHECKING:
    from shared.catalog.client import Queries

# Of a client's session_id: after a longer pause the same id is another session.
LONGEST_SECONDS = 86_400
# A project's gap, where it has set no other.
USUAL_GAP = 1_800
# What a run keeps of its first event.
KEPT = ["event", "user_id", "anonymous_id", "path", "hostname", "referrer_domain", "channel", "country", "utm_source"]
KEPT += ["utm_medium", "utm_campaign", "browser", "os", "device", "bot"]
_KEPT = frozenset({*KEPT, "session_id"})
# How many runs of days are read beside the rollup, before everything is read.
MOST_RUNS = 40
_MOST_DAYS = 2_000
_DAY = timedelta(days=1)
# How far sessions are followed at first beyond where a question's range ends.
_BEYOND = timedelta(days=2)
_LEDGER_END = datetime(2106, 1, 1, tzinfo=UTC)
_HERE = Path(__file__).parent

Mode = Literal["rollup", "rows", "rollup and rows"]


class SessionPlan(msgspec.Struct, frozen=True):
    """How an answer was reached: `days_rolled` and `days_rows` are the days read from the rollup and from the events.

    `version` is the ledger's, of those days; `identity` that of who is who; `segments` that of what members depend on.
    """

    mode: Mode
    days_rolled: int
    days_rows: int
    version: int
    identity: int
    segments: int | None = None
    estimated_rows: int | None = None
    cached: bool = False

    def explained(self, estimated_rows: int) -> "SessionPlan":
        return msgspec.structs.replace(self, estimated_rows=estimated_rows)

    def reached(self, asker: Asker) -> "SessionPlan":
        """The plan once its question is answered."""
        return msgspec.structs.replace(self, cached=asker.known > 0)


class WantedSessions(NamedTuple):
    """Sessions that begin within a period; `fields` and `filters` are of a session's first event."""

    project_id: uuid.UUID
    period: Period
    gap: int
    fields: Sequence[str] = ()
    filters: Sequence[Filter] = ()
    events: Sequence[str] = ()
    beyond: timedelta = _BEYOND

    @property
    def days(self) -> tuple[datetime, datetime]:
        """The whole UTC days whose runs may belong to them."""
        before = timedelta(seconds=max(self.gap, LONGEST_SECONDS))
        start = max(self.period.start, datetime(1970, 1, 2, tzinfo=UTC) + before) - before
        end = min(self.period.end, LATEST - self.beyond - _DAY) + self.beyond + _DAY
        return _midnight(start), _midnight(end)

    def further(self) -> "WantedSessions":
        """The same, with sessions followed four times as far."""
        return self._replace(beyond=self.beyond * 4)

    @property
    def keepable(self) -> bool:
        """Whether what runs keep is enough."""
        return not self.events and {*self.fields, *(one.property for one in self.filters)} <= _KEPT


class Sessions:
    """What stands after FROM in a statement about sessions.

    Its columns: person, session_id, timestamp (the begin), over, seconds, number (of events), active (seconds),
    entry_page, exit_page, first_id, first (whether the filters hold, then each field's text or NULL), holds (whether
    one of the events is in it), open_until (up to when another event would go on with it).
    """

    def __init__(self, wanted: WantedSessions, identity: Identity, unrolled: Sequence[int] | None = None) -> None:
        """`unrolled` are the days to make from their events, in seconds since 1970; None means all."""
        self._wanted = wanted
        self._identity = identity
        self._unrolled = unrolled

    def sql(self, parameters: Parameters) -> str:
        wanted = self._wanted
        parts = [runs_sql(wanted, parameters, self._unrolled)] if self._unrolled is None or self._unrolled else []
        if parts:
            columns = "user_key, session_id, started, ended, run_id, events, minutes, entry, exit, run_first, run_holds"
            parts = [f"SELECT {columns} FROM (\n{parts[0]}\n)"]
        if self._unrolled is not None:
            parts.append(self._kept(self._unrolled, parameters))
        return read_sql(
            _HERE,
            "sessions",
            runs="\nUNION ALL\n".join(parts),
            person=self._identity.person(parameters),
            gap=str(wanted.gap),
            longest=str(LONGEST_SECONDS),
            **{"from": _bind(wanted.period.start, parameters), "to": _bind(wanted.period.end, parameters)},
        )

    def _kept(self, unrolled: Sequence[int], parameters: Parameters) -> str:
        start, end = self._wanted.days
        return read_sql(
            _HERE,
            "session_kept",
            first=_first(self._wanted, parameters),
            project=parameters.bind("UUID", str(self._wanted.project_id)),
            start=_bind(start, parameters),
            end=_bind(end, parameters),
            unrolled=parameters.bind("Array(UInt32)", list(unrolled)),
        )


def runs_sql(wanted: WantedSessions, parameters: Parameters, days: Sequence[int] | None = None, first: str = "") -> str:
    """A SELECT of the runs of these days (all of them), as they are in the events.

    `first` is a tuple of columns of ours to keep of the first event, by default what the question asks of it.
    """
    start, end = wanted.days
    holds = "true"
    if wanted.events:
        names = parameters.bind("Array(String)", list(wanted.events))
        holds = f"arrayExists(item -> has({names}, item.3), run)"
    return read_sql(
        _HERE,
        "session_runs",
        gap=str(wanted.gap * 1_000_000),
        longest=str(LONGEST_SECONDS * 1_000_000),
        first=first or _first(wanted, parameters),
        holds=holds,
        scope=scope(wanted.project_id, Period(start, end, wanted.period.zone), parameters),
        days="true" if days is None else " OR ".join(_days_sql(one, parameters) for one in day_runs(days)),
    ).rstrip()


def _first(wanted: WantedSessions, parameters: Parameters) -> str:
    """What is kept of a first event: whether the filters hold, and the text of each field or NULL."""
    conditions = [condition(one, parameters) for one in wanted.filters]
    fields = [_text_or_null(field(name)) for name in wanted.fields]
    return f"({', '.join([' AND '.join(conditions) or 'true', *fields])}, 0)"


def _text_or_null(one: Field) -> str:
    return f"if({one.present}, toString({one.text}), NULL)"


def day_runs(days: Sequence[int]) -> list[tuple[int, int]]:
    """Days in a row as one range each, begin and end in seconds; `days` are in order."""
    found: list[tuple[int, int]] = []
    for day in days:
        if found and found[-1][1] == day:
            found[-1] = (found[-1][0], day + 86_400)
        else:
            found.append((day, day + 86_400))
    return found


def _days_sql(run: tuple[int, int], parameters: Parameters) -> str:
    start, end = (_bind(datetime.fromtimestamp(second, UTC), parameters) for second in run)
    return (
        f"timestamp >= {start} AND timestamp < {end}"
        f" AND indexHint(toDate(timestamp) >= toDate({start}) AND toDate(timestamp) < toDate({end}))"
    )


async def plan_sessions(
    wanted: WantedSessions, identity: Identity, asker: Asker
) -> tuple[Sessions, SessionPlan, Version]:
    """Look which days are current; the version is that of everything an answer depends on but segments.

    Raises UnavailableError where the warehouse does not answer.
    """
    parameters = Parameters()
    start, end = (min(one, _LEDGER_END) for one in wanted.days)
    sql = read_sql(
        _HERE,
        "session_days",
        most=str(_MOST_DAYS),
        gap=parameters.bind("UInt32", wanted.gap),
        project=parameters.bind("UUID", str(wanted.project_id)),
        start=parameters.bind("DateTime('UTC')", _text(start)),
        end=parameters.bind("DateTime('UTC')", _text(end)),
    )
    [(version, days, unrolled)] = (await asker.ask(sql, parameters.values, small=True)).rows
    unrolled = sorted(unrolled)
    at = identity.version or 0
    # also where the ledger knows no day: rows brought in by hand are found
    all_rows = len(unrolled) == days or len(unrolled) >= _MOST_DAYS or len(day_runs(unrolled)) > MOST_RUNS
    if all_rows or not wanted.keepable:
        return Sessions(wanted, identity), SessionPlan("rows", 0, days, version, at), (version, at)
    mode: Mode = "rollup and rows" if unrolled else "rollup"
    plan = SessionPlan(mode, days - len(unrolled), len(unrolled), version, at)
    return Sessions(wanted, identity, unrolled), plan, (version, at)


async def project_gap(catalog: "Queries", project_id: uuid.UUID) -> int:
    """The pause in seconds that ends a session of a project; raises CatalogUnavailableError."""
    rows = await catalog.rows("session_gap", {"project_id": project_id})
    return int(rows[0]["seconds"]) if rows else USUAL_GAP


def _bind(moment: datetime, parameters: Parameters) -> str:
    return parameters.bind("DateTime64(6, 'UTC')", _text(moment))


def _text(moment: datetime) -> str:
    return str(moment.replace(tzinfo=None))


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
