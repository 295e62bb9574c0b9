"""Groups of events by what a column or property says, the largest ones by name and the rest as one.

Two statements: the first finds which groups are largest, the second counts every row exactly in its own group or in
the rest, so that what the rest says is exact for every measure. Events are in one group each: numbers of them add up,
and the first statement says the rest as well.
"""

from collections.abc import Sequence
from pathlib import Path

from shared.query.fields import Field, field
from shared.query.parameters import Parameters
from shared.query.planner import Source
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected

MAX_GROUPS = 1_000
DEFAULT_GROUPS = 10
# Bound values travel in an address, which servers bound (ClickHouse at 1 MiB, and six bytes may be one then).
MAX_KEY_BYTES = 100_000

Key = tuple[str | None, ...]


class Groups:
    """Groups by one or more fields. A key has a text a field, None where the event does not have it."""

    def __init__(self, names: Sequence[str]) -> None:
        """Refuses what is no field (`unknown_field`)."""
        self._fields = [field(name) for name in names]

    def top_sql(self, source: Source, *, limit: int, parameters: Parameters, whole: bool = False) -> str:
        """SQL of the keys of the `limit` largest groups of a source, largest first, ties in the order of their keys.

        Its columns are the key's parts, then the measure, and with `whole` its sum over all groups; a group with
        nothing to measure comes last.
        """
        names = [f"key_{place}" for place in range(len(self._fields))]
        keys = (f"if({one.present}, {one.text}, NULL) AS {name}" for one, name in zip(self._fields, names, strict=True))
        return read_sql(
            Path(__file__).parent,
            "top",
            keys=", ".join(keys),
            names=", ".join(names),
            order=", ".join(f"{name} ASC NULLS LAST" for name in names),
            measure=source.measure,
            whole=", sum(value) OVER () AS whole" if whole else "",
            rows=source.rows(parameters),
            limit=parameters.bind("UInt32", limit),
        )

    def bound(self, top: Sequence[Key]) -> None:
        """Refuse keys of more than MAX_KEY_BYTES in all (`query_too_expensive`)."""
        if sum(len(text.encode()) for key in top for text in key if text) > MAX_KEY_BYTES:
            names = ", ".join(one.name for one in self._fields)
            raise Rejected(
                Refusal.QUERY_TOO_EXPENSIVE,
                f"{len(top)} values of {names} have more than {MAX_KEY_BYTES:,} bytes: take a smaller `limit`",
            )

    def place_sql(self, top: Sequence[Key], parameters: Parameters) -> str:
        """SQL of the place of a row's key in `top`; len(top) for every key that is not there.

        Each part of the key becomes a number, the numbers one number: cheaper by half than comparing the texts.
        Refuses as `bound` does.
        """
        self.bound(top)
        sizes = []
        codes = [0] * len(top)
        code_sql = "toUInt64(0)"
        for part, one in enumerate(self._fields):
            texts = sorted({text for key in top if (text := key[part]) is not None})
            numbers = {text: number for number, text in enumerate(texts, start=1)}
            sizes.append(len(texts) + 2)
            codes = [code * sizes[-1] + _number_of(key[part], numbers) for code, key in zip(codes, top, strict=True)]
            code_sql = f"({code_sql} * {sizes[-1]} + {_number_sql(one, texts, parameters)})"
        found = parameters.bind("Array(UInt64)", codes)
        places = parameters.bind("Array(UInt32)", list(range(len(top))))
        return f"transform({code_sql}, {found}, {places}, toUInt32({len(top)}))"


def _number_of(text: str | None, numbers: dict[str, int]) -> int:
    """0 is a text that is not in the top, the last number a missing one."""
    return len(numbers) + 1 if text is None else numbers[text]


def _number_sql(one: Field, texts: list[str], parameters: Parameters) -> str:
    known = parameters.bind("Array(String)", texts)
    numbers = parameters.bind("Array(UInt64)", list(range(1, len(texts) + 1)))
    return f"if({one.present}, transform({one.text}, {known}, {numbers}, toUInt64(0)), {len(texts) + 1})"
