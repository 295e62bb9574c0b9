"""An attribution query → its SQL → its answer."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from functions.query_attribution.question import AttributionPeopleQuery, AttributionQuery, Model
from shared.clock import to_micros
from shared.query.acts import names_of
from shared.query.ask import Warehouse
from shared.query.behind import PeopleBehind, is_key, is_none_of, page_of, page_parts
from shared.query.durations import seconds
from shared.query.fields import field
from shared.query.measures import number_of
from shared.query.parameters import Parameters
from shared.query.period import EARLIEST, Period, parse_period
from shared.query.planner import Plan
from shared.query.question import Question, plan_question
from shared.query.scope import read_sql

_FOLDER = Path(__file__).parent
_MICROS = 1_000_000
_HINT = "nobody converted in this range: look at the spelling of `conversion` and its filters"


class Credit(msgspec.Struct, frozen=True):
    """What one model credits a value with: conversions, in parts, and what these are worth."""

    conversions: float
    value: float


class AttributionRow(msgspec.Struct, frozen=True):
    """A value of the field; null is the key of conversions without any touch."""

    key: str | None
    credits: dict[Model, Credit]


class AttributionAnswer(msgspec.Struct, frozen=True):
    """The values with most credit by the first model, all other ones as one, and all conversions.

    `hint` says what to look at where there is no conversion.
    """

    rows: list[AttributionRow]
    other: dict[Model, Credit]
    conversions: float
    value: float
    hint: str
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


async def attribution(query: AttributionQuery, project_id: uuid.UUID, warehouse: Warehouse) -> AttributionAnswer:
    """Answer exactly; refuses what cannot be shared out (`bad_question`) and what other queries refuse."""
    period, question = await _plan(query, project_id, warehouse)
    rows = await _rows(question, query, period)
    model = query.models[0]
    return AttributionAnswer(
        rows=rows[: query.limit],
        other={one: _sum(rows[query.limit :], one) for one in query.models},
        conversions=_sum(rows, model).conversions,
        value=_sum(rows, model).value,
        hint="" if rows or query.explain else _HINT,
        exact=True,
        took_ms=question.asker.took_ms,
        rows_read=question.asker.rows_read,
        range=period.echo(),
        plan=question.plan,
    )


async def people(query: AttributionPeopleQuery, project_id: uuid.UUID, warehouse: Warehouse) -> PeopleBehind:
    """A page of those whose conversions are credited to a value; refuses what `attribution` does."""
    period, question = await _plan(query, project_id, warehouse)
    shown = (await _rows(question, query, period))[: query.limit] if query.others else []
    parameters = Parameters()
    rows = await question.ask(
        "converters",
        parameters,
        parts=_parts(question, query, period, parameters),
        place=str(query.place + 1),
        wanted=is_none_of("key", [one.key for one in shown], parameters)
        if query.others
        else is_key("key", query.key, parameters),
        **page_parts(query, parameters),
    )
    return page_of(query, rows, period.echo())


async def _plan(query: AttributionQuery, project_id: uuid.UUID, warehouse: Warehouse) -> tuple[Period, Question]:
    query.check()
    period = parse_period(query.start, query.end, query.timezone)
    earlier = max(EARLIEST, period.start - timedelta(seconds=seconds(query.lookback)))
    question = await plan_question(
        query,
        names_of([query.conversion, query.touch]),
        Period(earlier, period.end, period.zone),
        project_id=project_id,
        warehouse=warehouse,
        folder=_FOLDER,
        groups=[query.by],
    )
    return period, question


async def _rows(question: Question, query: AttributionQuery, period: Period) -> list[AttributionRow]:
    """Every value with its credits, those with most by the first model first."""
    parameters = Parameters()
    numbers = range(1, len(query.models) + 1)
    shares = (f"sum(part.{number + 1}) AS credit_{number}" for number in numbers)
    worths = (f"sum(part.{number + 1} * worth) AS worth_{number}" for number in numbers)
    rows = await question.ask(
        "shares",
        parameters,
        credits=", ".join([*shares, *worths]),
        parts=_parts(question, query, period, parameters),
    )
    return [AttributionRow(key, _credits(query, found)) for key, *found in rows]


def _parts(question: Question, query: AttributionQuery, period: Period, parameters: Parameters) -> str:
    """SQL of each conversion's parts: whose it is, its worth, and what each model credits a key with."""
    named = field(query.by)
    # From the last touch on, which changes no share: from the conversion on, long ago would be nothing.
    decay = f"exp2((touch.1 - touches[-1].1) / {seconds(query.half_life) * _MICROS})"
    weights = {
        "first": "toFloat64(place = 1)",
        "last": "toFloat64(place = number)",
        "linear": "1 / number",
        "position": "multiIf(number = 1, 1., number = 2, 0.5, place = 1 OR place = number, 0.4, 0.2 / (number - 2))",
        "time_decay": f"{decay} / decayed",
    }
    return read_sql(
        _FOLDER,
        "parts",
        subject=question.subject,
        nothing=", ".join("1." for _ in query.models),
        types=", ".join("Float64" for _ in query.models),
        weights=", ".join(weights[model] for model in query.models),
        lookback=str(seconds(query.lookback) * _MICROS),
        collapsed=_COLLAPSED if query.collapse else "seen",
        decay=decay,
        key=f"if({named.present}, {named.text}, NULL)",
        converts=query.conversion.sql(parameters),
        touched=query.touch.sql(parameters),
        worth=f"toFloat64(ifNull({number_of(query.value)}, 0))",
        rows=question.rows(parameters),
        **{"from": parameters.bind("Int64", to_micros(period.start))},
    ).rstrip()


# Of successive touches with the same value the first stays.
_COLLAPSED = "arrayFilter((touch, place) -> place = 1 OR seen[place - 1].2 != touch.2, seen, arrayEnumerate(seen))"


def _credits(query: AttributionQuery, found: Sequence[float]) -> dict[Model, Credit]:
    number = len(query.models)
    return {
        model: Credit(conversions, value)
        for model, conversions, value in zip(query.models, found[:number], found[number:], strict=True)
    }


def _sum(rows: Sequence[AttributionRow], model: Model) -> Credit:
    return Credit(sum(row.credits[model].conversions for row in rows), sum(row.credits[model].value for row in rows))
