"""An attribution query → its SQL → its answer."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from functions.query_attribution.question import AttributionQuery, Model
from shared.clock import to_micros
from shared.query.acts import names_of
from shared.query.ask import Warehouse
from shared.query.durations import seconds
from shared.query.fields import field
from shared.query.measures import number_of
from shared.query.parameters import Parameters
from shared.query.period import EARLIEST, Period, parse_period
from shared.query.planner import Plan
from shared.query.question import Question, plan_question

_FOLDER = Path(__file__).parent
_MICROS = 1_000_000


class Credit(msgspec.Struct, frozen=True):
    """What one model credits a value with: conversions, in parts, and what these are worth."""

    conversions: float
    value: float


class AttributionRow(msgspec.Struct, frozen=True):
    """A value of the field; null is the key of conversions without any touch."""

    key: str | None
    credits: dict[Model, Credit]


class AttributionAnswer(msgspec.Struct, frozen=True):
    """The values with most credit by the first model, all other ones as one, and all conversions."""

    rows: list[AttributionRow]
    other: dict[Model, Credit]
    conversions: float
    value: float
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


async def attribution(query: AttributionQuery, project_id: uuid.UUID, warehouse: Warehouse) -> AttributionAnswer:
    """Answer exactly; refuses what cannot be shared out (`bad_question`) and what other queries refuse."""
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
    )
    rows = [AttributionRow(key, _credits(query, found)) for key, *found in await _ask(question, query, period)]
    model = query.models[0]
    return AttributionAnswer(
        rows=rows[: query.limit],
        other={one: _sum(rows[query.limit :], one) for one in query.models},
        conversions=_sum(rows, model).conversions,
        value=_sum(rows, model).value,
        exact=True,
        took_ms=question.asker.took_ms,
        rows_read=question.asker.rows_read,
        range=period.echo(),
        plan=question.plan,
    )


async def _ask(question: Question, query: AttributionQuery, period: Period) -> Sequence[Sequence[Any]]:
    parameters = Parameters()
    named = field(query.by)
    half_life = seconds(query.half_life) * _MICROS
    decay = f"exp2((touch.1 - at) / {half_life})"
    weights = {
        "first": "toFloat64(place = 1)",
        "last": "toFloat64(place = number)",
        "linear": "1 / number",
        "position": "multiIf(number = 1, 1., number = 2, 0.5, place = 1 OR place = number, 0.4, 0.2 / (number - 2))",
        "time_decay": f"{decay} / decayed",
    }
    numbers = range(1, len(query.models) + 1)
    shares = (f"sum(part.{number + 1}) AS credit_{number}" for number in numbers)
    worths = (f"sum(part.{number + 1} * worth) AS worth_{number}" for number in numbers)
    return await question.ask(
        "shares",
        parameters,
        credits=", ".join([*shares, *worths]),
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
    )


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
