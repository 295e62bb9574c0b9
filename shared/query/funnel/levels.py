"""How far each person comes, as SQL over arrays; functions/query_funnel/README.md says what is meant by it.

A person's events stand in one array, in the order of time. For each step k an array says, at each event that is a k-th
step of some way, when the latest such way began (0 elsewhere). The latest beginning is the only one worth keeping: it
leaves the most of the window, and all its steps are as late as they can be. So one pass an array finds all ways.
"""

from collections.abc import Sequence

from shared.query.funnel.question import FunnelQuery


class Levels:
    """The columns `each_1` … `each_n` from the columns `ts` and `ms` of a person's events.

    `ts` are microseconds, in order; bit k - 1 of `ms` says that the event can be step k, bit n + e that it is excluded
    by the e-th exclusion. Each column is a tuple: when the step was first reached, and how long after the first step;
    (0, 0) where never.
    """

    def __init__(self, query: FunnelQuery, *, end: str) -> None:
        """`end`: SQL of the range's end in microseconds; a way begins before it."""
        self._steps = len(query.steps)
        self._window = query.micros
        self._order = query.order
        self._positions = query.ties == "at_or_after"
        self._exclusions = [one.between for one in query.exclude]
        self._end = end

    def columns(self) -> str:
        """The columns, each `expression AS name`, in the order they need each other."""
        found = self._any() if self._order == "any" else [*self._previous(), *self._first(), *self._following()]
        found.extend(self._reached(step) for step in range(1, self._steps + 1))
        return ",\n        ".join(found)

    def _previous(self) -> list[str]:
        """Whether an event is the first of its instant, and each exclusion's last time before that instant."""
        found = ["arrayMap((t, before) -> t != before, ts, arrayPopBack(arrayPushFront(ts, toInt64(-1)))) AS firsts"]
        for number in range(len(self._exclusions)):
            bit = self._steps + number
            times = f"arrayMap((t, m) -> if(bitTest(m, {bit}), t, toInt64(0)), ts, ms)"
            found.append(f"{_held(_shifted(_filled(times)))} AS barred_{number}")
        return found

    def _first(self) -> list[str]:
        found = [f"arrayMap((t, m) -> if(bitTest(m, 0) AND t < {self._end}, t, toInt64(0)), ts, ms) AS way_1"]
        if any(first == 1 for first, _ in self._exclusions):
            found.append("way_1 AS at_1_1")
        return found

    def _following(self) -> list[str]:
        found: list[str] = []
        for step in range(2, self._steps + 1):
            found.append(f"{self._before(f'way_{step - 1}')} AS from_{step}")
            carried = sorted({first for first, last in self._exclusions if first < step <= last})
            found.extend(f"{self._before(f'at_{step - 1}_{first}')} AS from_{step}_{first}" for first in carried)
            found.append(f"{self._way(step)} AS way_{step}")
            kept = {first for first, last in self._exclusions if first < step < last}
            if any(first == step for first, _ in self._exclusions):
                kept.add(step)
            for first in sorted(kept):
                times = "ts" if first == step else f"from_{step}_{first}"
                found.append(f"arrayMap((way, at) -> if(way > 0, at, 0), way_{step}, {times}) AS at_{step}_{first}")
        return found

    def _way(self, step: int) -> str:
        arguments, arrays = ["t", "m", "way"], ["ts", "ms", f"from_{step}"]
        conditions = [f"bitTest(m, {step - 1})", "way > 0", f"t - way <= {self._window}"]
        for number, (first, last) in enumerate(self._exclusions):
            if first < step <= last:
                arguments += [f"at_{number}", f"barred_{number}"]
                arrays += [f"from_{step}_{first}", f"barred_{number}"]
                conditions.append(f"barred_{number} <= at_{number}")
        return _mapped(arguments, f"if({' AND '.join(conditions)}, way, toInt64(0))", arrays)

    def _before(self, array: str) -> str:
        """What an array had last, before each event: in an earlier instant, or at an earlier place where ties count."""
        if self._order == "strict":
            return _shifted(array)  # an event an instant there
        shifted = _shifted(_filled(array))
        return shifted if self._positions else _held(shifted)

    def _reached(self, step: int) -> str:
        way = f"way_{step}[place_{step}]"
        if self._positions or self._order == "any":  # the last of an instant's events has the latest way
            way = f"arrayMax(arrayMap((t, way) -> if(t = ts[place_{step}], way, toInt64(0)), ts, way_{step}))"
        first = f"ts[place_{step}]"
        return (
            f"arrayFirstIndex(one -> one > 0, way_{step}) AS place_{step},\n        "
            f"if(place_{step} = 0, (toInt64(0), toInt64(0)), ({first}, {first} - {way})) AS each_{step}"
        )

    def _any(self) -> list[str]:
        """Ways in any order: how many of the steps happened within the window that ends with each event.

        A way of so many steps begins with the earliest of the latest ones; should that be after the range, then with
        the last event before the range's end that is within the window.
        """
        found = []
        for step in range(1, self._steps + 1):
            times = f"arrayMap((t, m) -> if(bitTest(m, {step - 1}), t, toInt64(0)), ts, ms)"
            found.append(f"{_filled(times)} AS last_{step}")
        fits = f"bitAnd(m, {(1 << self._steps) - 1}) > 0 AND t < {self._end}"
        inside = f"arrayMap((t, m) -> if({fits}, t, toInt64(0)), ts, ms)"
        found.append(f"{_filled(inside)} AS begin")
        names = ", ".join(f"a{number}" for number in range(self._steps))
        lasts = ", ".join(f"last_{step}" for step in range(1, self._steps + 1))
        near = f"arrayFilter(at -> at > 0 AND t - at <= {self._window}, [{names}])"
        found.append(f"arrayMap((t, {names}) -> arrayReverseSort({near}), ts, {lasts}) AS within")
        for step in range(1, self._steps + 1):
            way = f"if(times[{step}] < {self._end}, times[{step}], if(t - begin <= {self._window}, begin, toInt64(0)))"
            way = f"if(length(times) < {step}, toInt64(0), {way})"
            found.append(f"arrayMap((t, times, begin) -> {way}, ts, within, begin) AS way_{step}")
        return found


def _mapped(arguments: Sequence[str], value: str, arrays: Sequence[str]) -> str:
    return f"arrayMap(({', '.join(arguments)}) -> {value}, {', '.join(arrays)})"


def _filled(array: str) -> str:
    """An array with 0 replaced by what came last before it."""
    return f"arrayFill(one -> one > 0, {array})"


def _shifted(array: str) -> str:
    return f"arrayPopBack(arrayPushFront({array}, toInt64(0)))"


def _held(array: str) -> str:
    """An array whose values, within an instant, are all that of its first event."""
    return f"arrayFill((one, first) -> first, {array}, firsts)"
