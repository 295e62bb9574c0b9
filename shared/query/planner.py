"""Where a question is read from: counts of hours that are rolled up as they are, the rows for all the rest.

One look at the ledger decides it. The plan stays right while its question is asked: hours that change meanwhile are
answered as they were at the look or newer, each as a whole.
"""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from shared.query.ask import Asker, Version
from shared.query.fields import PERSON
from shared.query.filters import Filter, condition
from shared.query.identity import Identity, look
from shared.query.measures import measure, of_people
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import read_sql, scope
from shared.query.segments import Segments, named_segments, segments_in

# What a rollup keeps of an event.
KEPT = frozenset({"event", "bot"})
# How many runs of hours are read beside the rollup, before the whole range is read.
MOST_RUNS = 40
_MOST_HOURS = 1_000
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The last hours that the ledger's column can hold.
_LEDGER_END = datetime(2106, 1, 1, tzinfo=UTC)
_MEASURES = {"count": "sum(n)", "event_types": "uniqExact(event)"}

Mode = Literal["rollup", "rows", "rollup and rows"]


class Plan(msgspec.Struct, frozen=True):
    """How an answer was reached.

    `hours_rolled` and `hours_rows` are how many of the range's hours with events came from the rollup and from the
    rows. `version` is the ledger's, of the range: every change of its rows raises it. `estimated_rows` are those to
    be read at most, where the question was only to be explained. `cached` says that the answer, or a part of it,
    was known from before, at this very version. `identity` is the version of who is who, where people are asked for,
    `segments` that of all events, which decide who is in a segment, where one is named.
    """

    mode: Mode
    hours_rolled: int
    hours_rows: int
    version: int
    estimated_rows: int | None = None
    cached: bool = False
    identity: int | None = None
    segments: int | None = None

    def explained(self, estimated_rows: int) -> "Plan":
        return msgspec.structs.replace(self, estimated_rows=estimated_rows)

    def reached(self, asker: Asker) -> "Plan":
        """The plan once its question is answered."""
        return msgspec.structs.replace(self, cached=asker.known > 0)


def joined(plans: Sequence[Plan]) -> Plan:
    """The plan of all the ranges that one question reads."""
    modes = {one.mode for one in plans}
    return Plan(
        modes.pop() if len(modes) == 1 else "rollup and rows",
        sum(one.hours_rolled for one in plans),
        sum(one.hours_rows for one in plans),
        sum(one.version for one in plans),
        identity=max((one.identity for one in plans if one.identity is not None), default=None),
        segments=max((one.segments for one in plans if one.segments is not None), default=None),
    )


class Wanted(NamedTuple):
    """What a question reads of one range, before it is known from where."""

    project_id: uuid.UUID
    period: Period
    events: Sequence[str]
    filters: Sequence[Filter]
    measure: str
    groups: Sequence[str] = ()
    edges: Sequence[int] = ()
    """Where its buckets begin, in seconds since 1970."""

    @property
    def personal(self) -> bool:
        """Whether it asks who a row is of."""
        fields = {*self.groups, *(one.property for one in self.filters)}
        return PERSON in fields or of_people(self.measure) or bool(segments_in(self.filters, self.groups))

    @property
    def countable(self) -> bool:
        """Whether counts of whole hours can answer it."""
        fields = {*self.groups, *(one.property for one in self.filters)}
        return self.measure in _MEASURES and fields <= KEPT and not any(edge % 3_600 for edge in self.edges)


class Source:
    """What stands in the statements of one planned question."""

    def __init__(
        self,
        wanted: Wanted,
        version: int | None = None,
        unrolled: Sequence[int] | None = None,
        identity: Identity | None = None,
        segments: Segments | None = None,
    ) -> None:
        """`version` is the ledger's, of the range; `unrolled` are the hours to count from their rows, in order.

        By default everything comes from the rows, and people are found without having looked whether any are linked.
        `self.version` is that of all an answer depends on, `self.identity` who is who where people are asked for.
        """
        if identity is None and wanted.personal:
            identity = Identity(wanted.project_id)
        self.version: Version | None = None
        if version is not None:
            self.version = (version,) if identity is None or identity.version is None else (version, identity.version)
        if self.version is not None and segments is not None:
            self.version += segments.version
        self.identity = identity
        self._segments = segments
        self._wanted = wanted
        self._unrolled = unrolled

    def check(self) -> None:
        """Refuse what cannot be asked (`bad_measure`, `bad_filter`, `unknown_field`)."""
        measure(self._wanted.measure)
        Source(self._wanted, identity=self.identity, segments=self._segments).rows(Parameters())

    @property
    def small(self) -> bool:
        """Whether it is read from counts of hours alone."""
        return self._unrolled is not None and not self._unrolled

    @property
    def measure(self) -> str:
        """The SQL of the measure."""
        return measure(self._wanted.measure) if self._unrolled is None else _MEASURES[self._wanted.measure]

    def rows(self, parameters: Parameters) -> str:
        """What stands after FROM, the WHERE too."""
        wanted = self._wanted
        if self._unrolled is None:
            where = scope(
                wanted.project_id,
                wanted.period,
                parameters,
                events=wanted.events,
                filters=wanted.filters,
                identity=self._segments or self.identity,
            )
            return f"events FINAL\nWHERE {where}"
        conditions = ["n > 0"]
        if wanted.events:
            conditions.append(f"event IN {parameters.bind('Array(String)', list(wanted.events))}")
        conditions.extend(condition(one, parameters) for one in wanted.filters)
        return f"{self._rolled(self._unrolled, parameters)}WHERE {' AND '.join(conditions)}"

    def _rolled(self, unrolled: Sequence[int], parameters: Parameters) -> str:
        wanted = self._wanted
        rows = ""
        if unrolled:
            rows = read_sql(
                Path(__file__).parent,
                "unrolled",
                scope=scope(wanted.project_id, wanted.period, parameters, events=wanted.events),
                hours="\n                OR ".join(_run_sql(run, parameters) for run in runs(unrolled)),
            ).rstrip("\n")
        start, end = _whole(wanted.period)
        return read_sql(
            Path(__file__).parent,
            "rolled",
            scope=_hours_scope(wanted, parameters),
            whole_from=_bind(start, parameters),
            whole_to=_bind(end, parameters),
            unrolled=parameters.bind("Array(UInt32)", list(unrolled)),
            rows=rows,
        )


async def plan(wanted: Wanted, asker: Asker) -> tuple[Source, Plan]:
    """Look at the ledger and decide; raises UnavailableError where the warehouse does not answer."""
    segmented = bool(segments_in(wanted.filters, wanted.groups))
    if not segmented:
        Source(wanted).check()
    parameters = Parameters()
    start, end = _whole(wanted.period)
    sql = read_sql(
        Path(__file__).parent,
        "hours",
        most=str(_MOST_HOURS),
        whole_from=_bind(start, parameters),
        whole_to=_bind(end, parameters),
        scope=_hours_scope(wanted, parameters),
    )
    [(version, hours, unrolled)] = (await asker.ask(sql, parameters.values, small=True)).rows
    unrolled = sorted(unrolled)
    who = await look(wanted.project_id, asker) if wanted.personal else None
    segments = None
    if who is not None and segmented:
        segments = await named_segments(who, wanted.filters, wanted.groups, asker)
        Source(wanted, identity=who, segments=segments).check()
    nothing_rolled = len(unrolled) == hours  # also where the ledger knows no hour: rows brought in by hand are found
    too_many = len(unrolled) >= _MOST_HOURS or sum(1 for _ in runs(unrolled)) > MOST_RUNS
    if nothing_rolled or too_many or not wanted.countable:
        planned = Plan("rows", 0, hours, version, identity=None if who is None else who.version)
        return Source(wanted, version, None, who, segments), planned if segments is None else segments.planned(planned)
    mode: Mode = "rollup and rows" if unrolled else "rollup"
    return Source(wanted, version, unrolled), Plan(mode, hours - len(unrolled), len(unrolled), version)


def runs(hours: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Hours in a row as one range each, begin and end in seconds; `hours` are in order."""
    begin = end = -1
    for hour in hours:
        if hour != end:
            if end >= 0:
                yield begin, end
            begin = hour
        end = hour + 3_600
    if end >= 0:
        yield begin, end


def _run_sql(run: tuple[int, int], parameters: Parameters) -> str:
    start, end = (parameters.bind("DateTime64(6, 'UTC')", _text(_moment(second))) for second in run)
    return (
        f"timestamp >= {start} AND timestamp < {end}"
        f" AND indexHint(toDate(timestamp) >= toDate({start}) AND toDate(timestamp) <= toDate({end}))"
    )


def _whole(period: Period) -> tuple[datetime, datetime]:
    """The first hour that is within the period whole, and the end of the last one."""
    start = _floor(min(period.start, _LEDGER_END))
    start = start if start == period.start else start + _HOUR
    return start, max(start, _floor(min(period.end, _LEDGER_END)))


def _hours_scope(wanted: Wanted, parameters: Parameters) -> str:
    """The hours that the period touches."""
    start, end = _floor(min(wanted.period.start, _LEDGER_END)), min(wanted.period.end, _LEDGER_END)
    last = _floor(end) if _floor(end) == end else _floor(end) + _HOUR
    return (
        f"project_id = {parameters.bind('UUID', str(wanted.project_id))}"
        f" AND hour >= {_bind(start, parameters)} AND hour < {_bind(last, parameters)}"
    )


def _bind(moment: datetime, parameters: Parameters) -> str:
    return parameters.bind("DateTime('UTC')", _text(moment))


def _text(moment: datetime) -> str:
    return str(moment.replace(tzinfo=None))


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _moment(second: int) -> datetime:
    return _EPOCH + timedelta(seconds=second)
