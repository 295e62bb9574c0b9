"""The one place that says which rows a query may see: one project, one range, its events and filters."""

import functools
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from shared.query.fields import PERSON, SEGMENT, SEGMENT_PREFIX
from shared.query.filters import MAX_FILTERS, Filter, condition
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.refusals import Refusal, Rejected

MAX_EVENTS = 200

_MARK = re.compile(r"/\*(\w+)\*/")


class Defines(Protocol):
    """What says who a row is of: shared.query.identity.Identity."""

    def defines(self, parameters: Parameters) -> str: ...


@runtime_checkable
class KnowsSegments(Protocol):
    """What says who is in a segment, besides: shared.query.segments.Segments."""

    def conditions(self, parameters: Parameters) -> list[str]: ...


def scope(
    project_id: uuid.UUID,
    period: Period,
    parameters: Parameters,
    *,
    events: Sequence[str] = (),
    filters: Sequence[Filter] = (),
    identity: Defines | None = None,
) -> str:
    """The WHERE of every query on events, with all values bound; with `identity` all of the SELECT may say `person`.

    The day is bounded besides the time, for the index only: FINAL reads whole primary-key ranges, and the day stands
    in the key.
    """
    if len(filters) > MAX_FILTERS or len(events) > MAX_EVENTS:
        raise Rejected(Refusal.BAD_FILTER, f"at most {MAX_FILTERS} filters and {MAX_EVENTS} events")
    if identity is None and any(wanted.property == PERSON for wanted in filters):
        raise Rejected(Refusal.UNKNOWN_FIELD, f"`{PERSON}` is no filter here; take user_id or anonymous_id")
    of_segments = any(one.property == SEGMENT or one.property.startswith(SEGMENT_PREFIX) for one in filters)
    if of_segments and not isinstance(identity, KnowsSegments):
        raise Rejected(Refusal.UNKNOWN_FIELD, f"`{SEGMENT}` is no filter here; filter the whole question by it")
    parts = _of_project(project_id, period, parameters, "timestamp")
    if identity is not None:
        parts.append(identity.defines(parameters))
    if events:
        parts.append(f"event IN {parameters.bind('Array(String)', list(events))}")
    parts.extend(condition(wanted, parameters) for wanted in filters)
    return "\n    AND ".join(parts)


def rejected_scope(project_id: uuid.UUID, period: Period, parameters: Parameters, **equal: str) -> str:
    """The WHERE of every query on rejected events, those received in the range, with all values bound.

    A text of `equal` that is not empty must be what stands in the column of its name.
    """
    parts = _of_project(project_id, period, parameters, "received_at")
    parts += [f"{column} = {parameters.bind('String', text)}" for column, text in equal.items() if text]
    return "\n    AND ".join(parts)


def received_scope(project_id: uuid.UUID, period: Period, parameters: Parameters) -> str:
    """The WHERE of a query on the events that were received in the range, whenever they happened."""
    return "\n    AND ".join(_of_project(project_id, period, parameters, "received_at"))


def _of_project(
    project_id: uuid.UUID, period: Period, parameters: Parameters, moment: Literal["timestamp", "received_at"]
) -> list[str]:
    start = parameters.bind("DateTime64(6, 'UTC')", _text(period.start.replace(tzinfo=None)))
    end = parameters.bind("DateTime64(6, 'UTC')", _text(period.end.replace(tzinfo=None)))
    return [
        f"project_id = {parameters.bind('UUID', str(project_id))}",
        f"{moment} >= {start}",
        f"{moment} < {end}",
        f"indexHint(toDate({moment}) >= toDate({start}) AND toDate({moment}) <= toDate({end}))",
    ]


def _text(moment: object) -> str:
    return str(moment)


def read_sql(folder: Path, name: str, **parts: str) -> str:
    """The query file `sql/<name>.sql` beside `folder`, its `/*part*/` marks replaced by what the builders made.

    All at once: a part that holds the text of a mark, as a property's name may, stays as it is.
    """
    return _MARK.sub(lambda mark: parts[mark[1]], _template(folder / "sql" / f"{name}.sql"))


@functools.cache
def _template(path: Path) -> str:
    return path.read_text(encoding="utf-8")
