"""Segments that most products want: definitions to begin with, in words of this project's own once they are saved."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from shared.query.segment_rules import And, Condition, Did, Not, Seen


class Preset(msgspec.Struct, frozen=True):
    """A definition to begin with; `id` is what `preset` takes."""

    id: str
    name: str
    description: str
    definition: Condition


def _active(days: int) -> Did:
    return Did(days=days)


_ALL = (
    Preset("new", "New", "Seen for the first time in the last 7 days.", Seen(which="first", days=7)),
    Preset("active", "Active", "Did anything in the last 7 days.", _active(7)),
    Preset(
        "dormant",
        "Dormant",
        "Did anything once, nothing in the last 30 days.",
        Seen(which="last", op="before", days=30),
    ),
    Preset(
        "returning",
        "Returning",
        "Active in the last 7 days, and seen for the first time before them.",
        And(of=[_active(7), Seen(which="first", op="before", days=7)]),
    ),
    Preset(
        "power",
        "Power users",
        "Active on 10 or more of the last 30 days.",
        Did(measure="days", op="gte", value=10, days=30),
    ),
    Preset(
        "at_risk",
        "At risk",
        "Active on 3 or more of the last 60 days, on none of the last 14.",
        And(of=[Did(measure="days", op="gte", value=3, days=60), Not(of=_active(14))]),
    ),
    Preset(
        "big_spenders",
        "Big spenders",
        "The tenth that spent most in the last 90 days, by `revenue`.",
        And(
            of=[
                Did(measure="sum:revenue", op="top_percent", value=10, days=90),
                Did(measure="sum:revenue", op="gt", value=0, days=90),
            ]
        ),
    ),
)
PRESETS: Mapping[str, Preset] = MappingProxyType({one.id: one for one in _ALL})
