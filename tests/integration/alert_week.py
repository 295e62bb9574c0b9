"""How well anomaly rules tell an incident from a usual week: a simulation over two real data sets.

`python -m tests.integration.alert_week` prints the numbers of alert_evaluate's README. Of UCI Online Retail the
lines of invoices an hour are as they were sold. The day of Wikipedia's edits is the rhythm of every day: each hour's
count is drawn around it, a fifth less at weekends, so that there are weeks. Then hours are drawn in which something
happens.
"""

import json
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from functions.alert_evaluate.conditions import WEEK, Anomaly, Need
from functions.alert_evaluate.rules import GroupedQuery
from tests.integration.data_sets import DATA

HOUR = timedelta(hours=1)
WEEKS = 4
SEED = 20_261_121
# Of an hour with fewer events nobody could say that some are missing.
LEAST_USUAL = 20.0
_WEEKEND = 5
WHAT: dict[str, Callable[[float], float]] = {
    "spike": lambda count: count * 3,
    "drop": lambda count: round(count * 0.2),
    "silence": lambda _: 0.0,
}
Method = Literal["mad", "seasonal"]


class Series(NamedTuple):
    """Counts an hour, in a row from `start` on."""

    start: datetime
    counts: Sequence[float]


class Score(NamedTuple):
    """What a method made of a series: of each kind how many happened and were found, and the false alarms."""

    happened: dict[str, int]
    found: dict[str, int]
    false_alarms: int
    usual_hours: int

    @property
    def recall(self) -> float:
        return sum(self.found.values()) / sum(self.happened.values())

    @property
    def precision(self) -> float:
        """Of hours in which it fires, were something to happen in one of fifty, how many it happened in."""
        right, wrong = self.recall / 50, self.false_alarms / self.usual_hours * 49 / 50
        return right / (right + wrong)


def retail() -> Series:
    """Lines of invoices sold an hour, from March to November 2011."""
    import duckdb

    start, end = datetime(2011, 3, 7, tzinfo=UTC), datetime(2011, 11, 21, tzinfo=UTC)
    rows = duckdb.sql(
        f"SELECT date_trunc('hour', InvoiceDate::TIMESTAMP) AS hour, count(*) FROM"
        f" read_csv('{DATA}/online_retail/online_retail.csv.gz', all_varchar = true)"
        " WHERE InvoiceNo NOT LIKE 'C%' GROUP BY hour"
    ).fetchall()
    found = {moment.replace(tzinfo=UTC): float(count) for moment, count in rows}
    return Series(start, [found.get(start + hour * HOUR, 0.0) for hour in range((end - start) // HOUR)])


def wiki(weeks: int = 16, thinned: int = 10) -> Series:
    """Edits an hour: a tenth of the real day's, day by day, by chance and with quieter weekends."""
    import duckdb

    file = f"{DATA}/wikiticker/wikiticker-2015-09-12-restored.json.gz"
    rows = duckdb.sql(
        f"SELECT hour(\"time\"::TIMESTAMP), count(*) FROM read_json('{file}', format = 'newline_delimited',"
        " columns = {'time': 'VARCHAR'}) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    rhythm, chance = [count / thinned for _, count in rows], random.Random(SEED)
    counts = []
    for hour in range(weeks * 7 * 24):
        mean = rhythm[hour % 24] * (0.8 if hour // 24 % 7 >= _WEEKEND else 1.0)
        counts.append(float(max(0, round(chance.gauss(mean, mean**0.5)))))
    return Series(datetime(2026, 1, 5, tzinfo=UTC), counts)


def judge(series: Series, place: int, condition: Anomaly, now: float) -> bool:
    """What a rule of hourly windows comes to for one hour, were its count `now`."""
    numbers: list[float | None] = [now]
    for need in condition.needs(GroupedQuery(), HOUR)[1:]:
        numbers += _numbers(series, place, need)
    return condition.judge(numbers, firing=False).holds


def _numbers(series: Series, place: int, need: Need) -> Iterable[float]:
    last = place - need.back // HOUR
    return series.counts[last - need.windows + 1 : last + 1]


def score(series: Series, method: Method, *, hours: int, injected: int, sensitivity: float = 6.0) -> Score:
    """Judge so many hours drawn as they are, and so many in which something happens, each kind as often."""
    chance, condition = random.Random(SEED), Anomaly(method=method, weeks=WEEKS, sensitivity=sensitivity)
    first = WEEKS * WEEK // HOUR + 1
    places = chance.sample(range(first, len(series.counts)), min(hours, len(series.counts) - first))
    false_alarms = sum(judge(series, place, condition, series.counts[place]) for place in places)
    busy = [place for place in range(first, len(series.counts)) if series.counts[place] >= LEAST_USUAL]
    drawn = chance.sample(busy, injected)
    happened, found = dict.fromkeys(WHAT, 0), dict.fromkeys(WHAT, 0)
    for number, place in enumerate(drawn):
        kind = list(WHAT)[number % len(WHAT)]
        happened[kind] += 1
        found[kind] += judge(series, place, condition, WHAT[kind](series.counts[place]))
    return Score(happened, found, false_alarms, len(places))


def table(hours: int, injected: int) -> dict[str, Any]:
    """The scores of both methods on both sets."""
    shown: dict[str, Any] = {}
    for name, series in (("online_retail", retail()), ("wikiticker", wiki())):
        for method in ("mad", "seasonal"):
            one = score(series, method, hours=hours, injected=injected)
            shown[f"{name} {method}"] = {
                "found": {kind: f"{one.found[kind]} of {one.happened[kind]}" for kind in WHAT},
                "recall": round(one.recall, 3),
                "false_alarms": f"{one.false_alarms} of {one.usual_hours} hours",
                "precision": round(one.precision, 3),
            }
    return shown


if __name__ == "__main__":
    sys.stdout.write(json.dumps(table(*map(int, sys.argv[1:] or (600, 150))), indent=1) + "\n")
