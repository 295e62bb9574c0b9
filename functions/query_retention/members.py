"""Who is in which cohort and came back at which offsets, as SQL: what is counted, and what is listed."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from functions.query_retention.cohorts import DAYS
from functions.query_retention.question import RetentionPeopleQuery, RetentionQuery
from shared.query.behind import is_key
from shared.query.buckets import Buckets
from shared.query.fields import field
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.profiles import moment_of_json, profile_sql
from shared.query.question import Question
from shared.query.scope import read_sql

_FOLDER = Path(__file__).parent
_MICROS_A_DAY = 86_400_000_000


class Members:
    """The people of each cohort of a planned question, and at which offsets they came back."""

    def __init__(self, question: Question, query: RetentionQuery, period: Period, buckets: Buckets) -> None:
        self._question = question
        self._query = query
        self._period = period
        self._buckets = buckets

    def sql(self, parameters: Parameters, by: str = "") -> str:
        """What stands after FROM: subject, cohort, offsets; and touch, what they say in the field `by`, if any."""
        query = self._query
        parts = {
            "from": _bound(self._period.start, parameters),
            "bucket": self._buckets.number_sql(parameters),
            "touch": ", touch" if by else "",
            "touched": _touched(query) if by else "",
            "offsets": _offsets(query, parameters),
            "came": _came(query),
        }
        parts["acts"] = self._acts(parameters, by, parts)
        if query.dated:
            return read_sql(
                _FOLDER,
                "dated_members",
                dated=moment_of_json("value", self._period, parameters),
                profiles=profile_sql(self._question.identity, query.dated, parameters),
                to=_bound(self._period.end, parameters),
                **parts,
            )
        cohorts = "first_bucket" if query.first_time else "arrayJoin(buckets)"
        return read_sql(_FOLDER, "members", cohorts=cohorts, **parts)

    def _acts(self, parameters: Parameters, by: str, parts: Mapping[str, str]) -> str:
        query = self._query
        named = field(by) if by else None
        return read_sql(
            _FOLDER,
            "acts",
            subject=self._question.subject,
            started=query.begins.sql(parameters),
            returned=query.returning.sql(parameters),
            amount=f"ifNull({query.amount}, 0.)" if query.amount else "0.",
            key="" if named is None else f",\n        if({named.present}, {named.text}, NULL) AS key",
            rows=self._question.rows(parameters),
            bucket=parts["bucket"],
            **{"from": parts["from"]},
        ).rstrip()


def behind(query: RetentionPeopleQuery, parameters: Parameters) -> dict[str, str]:
    """What says who of the members is behind a number."""
    offset = parameters.bind("Int32", query.offset)
    found = f"one.1 = {offset}"
    if query.amount:
        found = f"one.1 {'<=' if query.cumulative else '='} {offset} AND one.2 != 0"
    return {"behind": found, "group": "".join(f" AND {is_key('touch', key, parameters)}" for key in query.group)}


def _touched(query: RetentionQuery) -> str:
    """SQL of what the first event that makes somebody part of a cohort says."""
    counts = "true" if query.dated else "started AND bucket >= 0"
    first = f"argMinIf(tuple(key), (moment, ifNull(key, '')), {counts})"
    return f",\n                tupleElement({first}, 1) AS touch"


def _came(query: RetentionQuery) -> str:
    """SQL of when a person came back: intervals, or instants on a person's own clock; with amounts all of a row."""
    if query.amount:
        return "groupArrayIf((toInt64(bucket), moment, amount), returned AND bucket >= 0)"
    at = "moment" if query.rolling else "toInt64(bucket)"
    return f"groupUniqArrayIf({at}, returned AND bucket >= 0)"


def _offsets(query: RetentionQuery, parameters: Parameters) -> str:
    """SQL of an array of (offset, amount, whether it stands for a person)."""
    length = DAYS[query.interval] * _MICROS_A_DAY
    if query.amount:
        later = "one.2 >= anchor" if query.first_time else "one.1 >= cohort"
        offset = f"intDiv(one.2 - anchor, {length})" if query.rolling else "one.1 - cohort"
        spent = f"arrayMap(one -> ({offset}, one.3, toUInt8(0)), arrayFilter(one -> {later}, came))"
        return f"arrayConcat([(toInt64(0), toFloat64(0), toUInt8(1))], {spent})"
    offset = f"intDiv(at - anchor, {length})" if query.rolling else "at - cohort"
    back = f"arrayDistinct(arrayFilter(one -> one > 0, arrayMap(at -> {offset}, came)))"
    if query.cumulative:
        back = f"range(if(empty({back} AS later), toInt64({query.periods + 1}), arrayMin(later)), {query.periods + 1})"
    elif query.mode == "on_or_after":
        back = f"range(toInt64(1), 1 + arrayMax(arrayConcat([toInt64(0)], {back})))"
    elif query.mode == "bracket":
        lows = parameters.bind("Array(Int64)", [low for low, _ in query.brackets])
        highs = parameters.bind("Array(Int64)", [high for _, high in query.brackets])
        inside = f"arrayExists(one -> one >= {lows}[place] AND one <= {highs}[place], back)"
        places = f"range(toInt64(1), toInt64({len(query.brackets) + 1}))"
        back = (
            f"arrayMap((place, back) -> if({inside}, place, toInt64(0)), {places}, arrayMap(place -> {back}, {places}))"
        )
        back = f"arrayFilter(one -> one > 0, {back})"
    return f"arrayMap(one -> (one, toFloat64(0), toUInt8(1)), arrayConcat([toInt64(0)], {back}))"


def _bound(moment: datetime, parameters: Parameters) -> str:
    return parameters.bind("DateTime64(6, 'UTC')", str(moment.replace(tzinfo=None)))
