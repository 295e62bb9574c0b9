"""A funnel as slowly and plainly as can be: every way is tried. What the SQL says must be this."""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, permutations
from typing import NamedTuple


class Moment(NamedTuple):
    """An event: its time in microseconds, the steps and exclusions it fits (from 0), and what it holds."""

    at: int
    steps: frozenset[int]
    bars: frozenset[int] = frozenset()
    held: tuple[str | None, ...] = ()


class Rules(NamedTuple):
    steps: int
    window: int
    end: int
    order: str = "sequential"
    ties: str = "after"
    between: Sequence[tuple[int, int]] = ()


def reached(events: Sequence[Moment], rules: Rules) -> list[tuple[int, int] | None]:
    """For each step when it was reached first, and how long after the latest way there began; None where never."""
    found: list[tuple[int, int] | None] = []
    for level in range(1, rules.steps + 1):
        ways = [
            (max(one.at for one in way), min(one.at for one in way))
            for group in {one.held for one in events}
            for way in _ways([one for one in events if one.held == group], level, rules)
        ]
        ends = [end for end, _ in ways]
        first = min(ends, default=0)
        found.append((first, first - max(start for end, start in ways if end == first)) if ways else None)
    return found


def _ways(events: Sequence[Moment], level: int, rules: Rules) -> Iterator[Sequence[Moment]]:
    picked = [one for one in events if one.steps]
    for some in combinations(range(len(picked)), level):
        for order in permutations(some):
            way = [picked[place] for place in order]
            if rules.order == "any":
                fits = any(
                    all(step in one.steps for step, one in zip(steps, way, strict=True))
                    for steps in combinations(range(rules.steps), level)
                )
            else:
                fits = all(step in one.steps for step, one in enumerate(way)) and _in_order(way, events, rules)
            times = [one.at for one in way]
            if fits and max(times) - min(times) <= rules.window and min(times) < rules.end:
                yield way


def _in_order(way: Sequence[Moment], events: Sequence[Moment], rules: Rules) -> bool:
    for before, after in pairwise(way):
        if after.at < before.at or (after.at == before.at and rules.ties == "after"):
            return False
        if rules.order == "strict" and any(before.at < one.at < after.at for one in events):
            return False
    for number, (first, last) in enumerate(rules.between):
        if len(way) > first:
            start, end = way[first - 1].at, way[min(last, len(way)) - 1].at
            if any(number in one.bars and start < one.at < end for one in events):
                return False
    return True
