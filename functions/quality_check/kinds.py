"""What can be found wrong with an event: the kinds of findings, and what each takes off its score at most."""

from typing import Literal, get_args

import msgspec

Kind = Literal[
    "schema_violation",
    "rejected",
    "new_property",
    "type_change",
    "null_rate",
    "volume",
    "silent",
    "repeats",
    "late",
    "future",
    "bots",
    "id_conflict",
    "unplanned",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Of 100; what is found of one kind never takes more, however many properties it is found of.
WEIGHTS: dict[Kind, float] = {
    "schema_violation": 40,
    "silent": 30,
    "volume": 15,
    "type_change": 15,
    "rejected": 10,
    "null_rate": 10,
    "repeats": 10,
    "new_property": 5,
    "late": 5,
    "future": 5,
    "bots": 5,
    "id_conflict": 5,
    "unplanned": 5,
}


class Found(msgspec.Struct, frozen=True):
    """One thing that is wrong: with an event, or with one of its properties.

    `value` is what was seen and `expected` what was to be expected, both as the kind counts: a share, or a number of
    events. `detail` is for people of any language: numbers, types, names. `share` is how much of the kind's weight it
    takes, 0 to 1.
    """

    kind: Kind
    event: str
    property: str
    value: float
    expected: float | None
    detail: str
    share: float


def place_of(found: Found) -> tuple[str, str, str]:
    """What makes two findings the same one: event, kind, property."""
    return found.event, found.kind, found.property


class Score(msgspec.Struct, frozen=True):
    """100 without anything found; what each kind of finding took off."""

    score: float
    penalties: dict[str, float]


def score(found: list[Found]) -> Score:
    """The score of one event: 100 less, for each kind, its weight times what its findings add up to (1 at most)."""
    shares: dict[Kind, float] = {}
    for one in found:
        shares[one.kind] = min(1.0, shares.get(one.kind, 0.0) + one.share)
    penalties: dict[str, float] = {kind: round(WEIGHTS[kind] * share, 2) for kind, share in shares.items() if share > 0}
    return Score(round(max(0.0, 100.0 - sum(penalties.values())), 2), penalties)
