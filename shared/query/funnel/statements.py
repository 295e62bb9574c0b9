"""The SQL of a funnel: its files filled in, all values bound."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from shared.query.acts import SUBJECTS
from shared.query.behind import is_key, is_none_of
from shared.query.fields import field
from shared.query.funnel.levels import Levels
from shared.query.funnel.question import BehindQuery, FunnelQuery
from shared.query.funnel.ties import sequence
from shared.query.parameters import Parameters
from shared.query.planner import Source
from shared.query.scope import read_sql

# Kinds of instants with ties of several steps that are looked into one by one.
MOST_SIGNATURES = 5_000
# Where the times to convert are cut, in seconds.
_DAYS = (1, 2, 3, 7, 14, 30, 60, 90, 180)
TIMES = (0, 1, 10, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, *(days * 86_400 for days in _DAYS))
_FOLDER = Path(__file__).parent

Signature = list[tuple[int, int]]
Statement = tuple[str, dict[str, Any]]


class Statements:
    """The statements of one funnel over one source; `end` is the end of its range in microseconds."""

    def __init__(self, query: FunnelQuery, source: Source, end: int, signatures: Sequence[Signature] = ()) -> None:
        """`signatures`: what `signatures()` found, where ties count."""
        self._query = query
        self._source = source
        self._end = end
        self._signatures = signatures
        self._steps = len(query.steps)

    def signatures(self) -> Statement:
        """Which kinds of instants there are whose events can serve several steps each."""
        parameters = Parameters()
        return self._filled(
            "signatures", parameters, instants=self._instants(parameters), limit=str(MOST_SIGNATURES + 1)
        )

    def shared_steps(self) -> Statement:
        """Whether an event can be more than one step."""
        parameters = Parameters()
        return self._filled("shared_steps", parameters, columns=self._columns(parameters), rows=self._rows(parameters))

    def totals(self) -> Statement:
        parameters = Parameters()
        return self._filled(
            "totals",
            parameters,
            counts=self._counts(),
            took=self._took(),
            last=f"reached_{self._steps}",
            bins=parameters.bind("Array(Int64)", list(TIMES)),
            people=self._people(parameters),
        )

    def groups(self, name: str) -> Statement:
        parameters = Parameters()
        return self._filled(
            "groups",
            parameters,
            counts=self._counts(),
            took=self._took(),
            people=self._people(parameters, touch=name),
            limit=parameters.bind("UInt32", self._query.limit),
        )

    def trend(self, bucket: str, parameters: Parameters) -> Statement:
        """`bucket`: SQL of the number of a bucket, bound to these parameters."""
        return self._filled(
            "trend", parameters, bucket=bucket, last=f"reached_{self._steps}", people=self._people(parameters)
        )

    def behind(
        self, query: BehindQuery, parameters: Parameters, bucket: str, groups: Sequence[str | None]
    ) -> Statement:
        """`bucket`: SQL that holds of a row whose `timestamp` is in the bucket asked for, bound to these parameters.

        `groups`: those that are named in the answer, where all others are asked for.
        """
        grouped = bool(query.group or query.others)
        return self._filled(
            "behind",
            parameters,
            wanted=f"reached_{query.step}",
            only="".join(f" AND {one}" for one in [bucket, *self._only(query, parameters, groups)]),
            people=self._people(parameters, touch=(query.breakdown or "") if grouped else ""),
            after=parameters.bind("String", query.cursor),
            limit=parameters.bind("UInt32", query.page + 1),
        )

    def _only(self, query: BehindQuery, parameters: Parameters, groups: Sequence[str | None]) -> Iterator[str]:
        if query.dropped and query.step < self._steps:
            yield f"reached_{query.step + 1}.1 = 0"
        for key in query.group:
            yield is_key("touch", key, parameters)
        if query.others:
            yield is_none_of("touch", groups, parameters)
        if query.took:
            least, below = query.took
            seconds = f"intDiv(reached_{query.step}.2, 1000000)"
            yield f"{seconds} >= {parameters.bind('Int64', least)}"
            if below is not None:
                yield f"{seconds} < {parameters.bind('Int64', below)}"

    def _people(self, parameters: Parameters, *, touch: str = "") -> str:
        held = bool(self._query.hold)
        template = "minIf(each_{0}, each_{0}.1 > 0) AS reached_{0}" if held else "each_{0} AS reached_{0}"
        return self._filled(
            "people",
            parameters,
            touch=", touch" if touch else "",
            reached=", ".join(template.format(step) for step in range(1, self._steps + 1)),
            levels=Levels(self._query, end=self._bound_end(parameters)).columns(),
            paths=self._paths(parameters),
            touches=self._touches(touch, parameters) if touch else "",
            grouped=("GROUP BY subject, touch" if touch else "GROUP BY subject") if held else "",
        )[0]

    def _paths(self, parameters: Parameters) -> str:
        if self._query.ties == "at_or_after":
            known = ""
            if self._signatures:
                keys = parameters.bind("Array(String)", [_text(one) for one in self._signatures])
                runs = parameters.bind("Array(Array(UInt32))", [_run(one, self._steps) for one in self._signatures])
                place = f"indexOf({keys}, toString(events))"
                known = f"{place} > 0, {runs}[{place}],"
            return self._filled(
                "tied", parameters, hold=self._hold(), known=known, instants=self._instants(parameters)
            )[0]
        name = "all_instants" if self._query.order == "strict" else "instants"
        return self._filled(
            name, parameters, hold=self._hold(), columns=self._columns(parameters), rows=self._rows(parameters)
        )[0]

    def _instants(self, parameters: Parameters) -> str:
        return self._filled(
            "tied_instants",
            parameters,
            hold=self._hold(),
            columns=self._columns(parameters),
            rows=self._rows(parameters),
            most=str(self._steps),
            step_bits=f"toUInt32({(1 << self._steps) - 1})",
        )[0]

    def _touches(self, name: str, parameters: Parameters) -> str:
        named = field(name)
        return self._filled(
            "touches",
            parameters,
            pick="argMin" if self._query.touch == "first" else "argMax",
            columns=self._columns(parameters),
            key=f"if({named.present}, {named.text}, NULL)",
            rows=self._rows(parameters),
            end=self._bound_end(parameters),
        )[0]

    def _columns(self, parameters: Parameters) -> str:
        mask = "toUInt32(0)"
        for bit, act in enumerate([*self._query.steps, *self._query.exclude]):
            mask = f"bitOr({mask}, bitShiftLeft(toUInt32({act.sql(parameters)}), {bit}))"
        found = [f"{SUBJECTS[self._query.count_by]} AS subject", "toUnixTimestamp64Micro(timestamp) AS moment"]
        found.append(f"{mask} AS mask")
        for number, name in enumerate(self._query.hold):
            named = field(name)
            found.append(f"if({named.present}, {named.text}, NULL) AS held_{number}")
        return ", ".join(found)

    def _rows(self, parameters: Parameters) -> str:
        return f"{self._source.rows(parameters)}\n    AND notEmpty({SUBJECTS[self._query.count_by]})"

    def _hold(self) -> str:
        return "".join(f", held_{number}" for number in range(len(self._query.hold)))

    def _bound_end(self, parameters: Parameters) -> str:
        return parameters.bind("Int64", self._end)

    def _counts(self) -> str:
        return ", ".join(f"countIf(reached_{step}.1 > 0) AS count_{step}" for step in range(1, self._steps + 1))

    def _took(self) -> str:
        """Median and 90th percentile in seconds of how long each further step took from the first; 0 of nobody."""
        return ", ".join(
            f"if(count_{step} = 0, [0., 0.], quantilesExactInclusiveIf(0.5, 0.9)"
            f"(reached_{step}.2 / 1000000, reached_{step}.1 > 0)) AS took_{step}"
            for step in range(2, self._steps + 1)
        )

    def _filled(self, name: str, parameters: Parameters, **parts: str) -> Statement:
        return read_sql(_FOLDER, name, **parts), parameters.values


def _text(signature: Signature) -> str:
    """A kind of instant as the warehouse writes it."""
    return "[" + ",".join(f"({mask},{count})" for mask, count in signature) + "]"


def _run(signature: Signature, steps: int) -> list[int]:
    return sequence([mask for mask, count in signature for _ in range(count)], steps)
