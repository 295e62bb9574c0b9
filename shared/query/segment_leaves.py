"""The leaves of a segment: one condition each, as a SELECT of the people of whom it holds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from shared.query.acts import Act
from shared.query.durations import seconds
from shared.query.fields import field
from shared.query.filters import Filter, Op, condition
from shared.query.identity import Identity
from shared.query.measures import measure
from shared.query.parameters import Parameters
from shared.query.period import LATEST, Period
from shared.query.profiles import PROFILE_PREFIX, field_of_json, profile_sql, property_of
from shared.query.scope import read_sql, scope
from shared.query.segment_rules import Did, InOrder, Listed, Property, Seen, Stored, refused
from shared.query.zone import project_timezone
from shared.refusals import Refusal, Rejected

_HERE = Path(__file__).parent
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_UTC = ZoneInfo("UTC")
_COMPARISONS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "eq": "=", "ne": "!="}
# What holds of somebody without the property, too, and what it is the opposite of.
_OPPOSITES: dict[Op, Op] = {"ne": "eq", "not_in": "in", "not_contains": "contains", "not_set": "is_set"}
_NOTHING_IS_ZERO = ("count", "days", "sum:", "unique:")
_KNOWN = "count, days, sum|avg|min|max|unique:<property>"
_MOST_PERCENT = 100
_MOST_STEPS = 500


class Leaf(NamedTuple):
    """The people of whom a condition holds; where `negated`, those of whom it does not."""

    sql: str
    negated: bool = False


class Leaves:
    """The leaves of one definition at one moment, each once, with their values bound."""

    def __init__(self, identity: Identity, as_of: datetime, parameters: Parameters) -> None:
        self.sql: list[str] = []
        self._identity = identity
        self._as_of = min(as_of, LATEST)
        self._parameters = parameters
        self._places: dict[bytes, tuple[str, bool]] = {}
        self._steps = 0

    def step(self) -> None:
        """Count one more condition, named segments opened up; refuses too many (`bad_segment`)."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise refused(f"`definition` has more than {_MOST_STEPS} conditions with those of the segments it names")

    @staticmethod
    def name(place: int) -> str:
        """Whether somebody is in the leaf of that place."""
        return f"max(leaf = {place})"

    def add(self, wanted: Stored) -> tuple[str, bool]:
        """What stands for a condition in the formula, and whether it holds of somebody who is in no leaf."""
        key = msgspec.json.encode(wanted)
        if key not in self._places:
            leaf = self._leaf(wanted)
            self.sql.append(leaf.sql)
            name = self.name(len(self.sql) - 1)
            self._places[key] = (f"NOT {name}" if leaf.negated else name, leaf.negated)
        return self._places[key]

    def everybody(self) -> str:
        """A SELECT of everybody who did anything; what tells people apart is the same in all repeats of an event."""
        return f"SELECT DISTINCT person FROM events WHERE {self._scope(Act(), None)}"

    def _leaf(self, wanted: Stored) -> Leaf:
        if isinstance(wanted, Did):
            return self._did(wanted)
        if isinstance(wanted, Seen):
            return self._seen(wanted)
        if isinstance(wanted, InOrder):
            return self._in_order(wanted)
        if isinstance(wanted, Property):
            return self._property(wanted)
        if isinstance(wanted, Listed):
            return self._listed(wanted)
        raise TypeError(wanted)

    def _did(self, wanted: Did) -> Leaf:
        wanted.act.check("act")
        figure = self._figure(wanted.measure)
        where = self._scope(wanted.act, wanted.days)
        if wanted.op == "top_percent":
            if not 0 < wanted.value <= _MOST_PERCENT:
                raise refused("`value` of top_percent is more than 0 and at most 100")
            share = self._parameters.bind("Float64", wanted.value / _MOST_PERCENT)
            return Leaf(read_sql(_HERE, "segment_top", figure=figure, scope=where, share=share))
        holds = f"{figure} {_COMPARISONS[wanted.op]} {self._parameters.bind('Float64', wanted.value)}"
        negated = wanted.measure.startswith(_NOTHING_IS_ZERO) and _holds_of_zero(wanted)
        if negated:
            holds = f"NOT ({holds})"
        once = (
            wanted.measure == "count"
            and (wanted.op, wanted.value) in {("gte", 1), ("gt", 0)}
            and not wanted.act.filters
        )
        table = "events" if once else "events FINAL"
        return Leaf(f"SELECT person FROM {table} WHERE {where} GROUP BY person HAVING {holds}", negated)

    def _figure(self, text: str) -> str:
        if text == "count":
            return "count()"
        if text == "days":
            zone = self._parameters.bind("String", project_timezone.get())
            return f"uniqExact(toDate(timestamp, {zone}))"
        kind = text.partition(":")[0]
        if kind not in {"sum", "avg", "min", "max", "unique"}:
            raise Rejected(Refusal.BAD_MEASURE, f"{text!r}; a segment knows {_KNOWN}")
        return f"ifNull({measure(text)}, 0)" if kind == "sum" else measure(text)

    def _seen(self, wanted: Seen) -> Leaf:
        wanted.act.check("act")
        recent = wanted.which == "last" and wanted.op == "within"
        where = self._scope(wanted.act, wanted.days if recent else None)
        since = self._moment(self._start(wanted.days))
        which = "min" if wanted.which == "first" else "max"
        compared = ">=" if wanted.op == "within" else "<"
        return Leaf(_grouped(wanted.act, where, f"{which}(timestamp) {compared} {since}", keyed=True))

    def _in_order(self, wanted: InOrder) -> Leaf:
        wanted.first.check("first")
        wanted.then.check("then")
        length = 0 if wanted.within is None else seconds(wanted.within) * 1_000_000
        if wanted.within is not None and not length:
            raise refused("`within` is 0 long; write at least 1s, such as 7d")
        soon = f" AND after.at <= before.at + {length}" if length else ""
        holds = f"after.at > before.at{soon}"
        if not wanted.happens:
            over = f" AND before.at + {length} < toUnixTimestamp64Micro({self._moment(self._as_of)})" if length else ""
            holds = f"NOT ({holds}){over}"
        return Leaf(
            read_sql(
                _HERE,
                "segment_in_order",
                first=self._scope(wanted.first, wanted.days),
                then=self._scope(wanted.then, wanted.days),
                holds=holds,
            )
        )

    def _property(self, wanted: Property) -> Leaf:
        op = _OPPOSITES.get(wanted.op, wanted.op)
        asked = Filter(wanted.property, op, wanted.value)
        if wanted.property.startswith(PROFILE_PREFIX):
            name = property_of(wanted.property)
            found = condition(asked, self._parameters, lambda _: field_of_json(wanted.property, "value"))
            profiles = profile_sql(self._identity, name, self._parameters)
            return Leaf(f"SELECT person FROM ({profiles}) WHERE person != '' AND {found}", op != wanted.op)
        known = field(wanted.property)
        where = f"{self._scope(Act(), None)} AND {known.present}"
        found = condition(asked, self._parameters)
        last = "(timestamp, event_id, event)"
        sql = f"SELECT person FROM events FINAL WHERE {where} GROUP BY person HAVING argMax(toUInt8({found}), {last})"
        return Leaf(sql, op != wanted.op)

    def _listed(self, wanted: Listed) -> Leaf:
        person = self._identity.person(self._parameters)
        project = self._parameters.bind("UUID", str(self._identity.project_id))
        which = self._parameters.bind("UUID", str(wanted.id))
        version = self._parameters.bind("UInt64", wanted.version)
        where = f"project_id = {project} AND segment_id = {which} AND version = {version}"
        return Leaf(f"SELECT DISTINCT {person} AS person FROM segment_lists WHERE {where}")

    def _scope(self, act: Act, days: int | None) -> str:
        """The rows of an act, of somebody, before the moment and within so many days."""
        start = _EARLIEST if days is None else self._start(days)
        period = Period(min(start, self._as_of - timedelta(microseconds=1)), self._as_of, _UTC)
        filters: Sequence[Filter] = act.filters
        found = scope(
            self._identity.project_id,
            period,
            self._parameters,
            events=act.events,
            filters=filters,
            identity=self._identity,
        )
        return f"{found}\n    AND person != ''"

    def _start(self, days: int) -> datetime:
        return max(self._as_of - timedelta(days=days), _EARLIEST)

    def _moment(self, moment: datetime) -> str:
        return self._parameters.bind("DateTime64(6, 'UTC')", str(moment.replace(tzinfo=None)))


def _grouped(act: Act, where: str, holds: str, *, keyed: bool) -> str:
    """A SELECT of people of whose rows something holds; repeats do not matter where only their key is looked at."""
    table = "events" if keyed and not act.filters else "events FINAL"
    return f"SELECT person FROM {table} WHERE {where} GROUP BY person HAVING {holds}"


def _holds_of_zero(wanted: Did) -> bool:
    """Whether the comparison holds of a figure of 0: of somebody who did none of it."""
    value = wanted.value
    found: dict[Literal["gte", "gt", "lte", "lt", "eq", "ne", "top_percent"], bool] = {
        "gte": value <= 0,
        "gt": value < 0,
        "lte": value >= 0,
        "lt": value > 0,
        "eq": value == 0,
        "ne": value != 0,
    }
    return found[wanted.op]
