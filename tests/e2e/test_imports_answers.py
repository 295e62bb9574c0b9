"""Three real data sets through `sluice import`: every published number that a count, a series or a breakdown gives.

wikiticker is NDJSON with --map, online_retail a CSV of half a million lines with --select, cdnow text in columns. Each
is imported once into a project of its own; a question that several numbers come from is asked once.
"""

import functools
import json
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.running import COUNT, Project, Running, wait_until
from tests.load.instance import ROOT

DATA = ROOT.parent / "shared" / "data"
SERIES = "/api/v1/query/timeseries"
BREAKDOWN = "/api/v1/query/breakdown"
STATS = "/api/v1/stats/events"
IMPORT_SECONDS = 500
TIES = 200

RETAIL_SELECT = """
    CASE WHEN InvoiceNo LIKE 'C%' THEN 'cancel' ELSE 'purchase' END AS event,
    Quantity::INT * UnitPrice::DOUBLE AS revenue,
    CustomerID AS user_id, InvoiceDate AS timestamp, * EXCLUDE (CustomerID, InvoiceDate)
"""
CDNOW_SELECT = r"""
    string_split_regex(trim(line), '\s+') AS _row,
    _row[1] AS user_id, strptime(_row[2], '%Y%m%d') AS timestamp, _row[3]::INT AS cds, _row[4]::DECIMAL(9,2) AS dollars
"""
SAMPLE_SELECT = r"""
    string_split_regex(trim(line), '\s+') AS _row,
    _row[1] AS user_id, strptime(_row[3], '%Y%m%d') AS timestamp, _row[4]::INT AS cds, _row[5]::DECIMAL(9,2) AS dollars
"""


@dataclass(frozen=True)
class DataSet:
    """A file, how it is imported, how many rows it has and the days it covers."""

    name: str
    file: Path
    options: tuple[str, ...]
    rows: int
    days: tuple[str, str]


class Imported:
    """A data set in a project of its own; answers are kept, each question is asked once."""

    def __init__(self, instance: Running, project: Project, days: tuple[str, str]) -> None:
        self._instance = instance
        self._project = project
        self._span = {"from": days[0], "to": days[1]}
        self._ask = functools.cache(self._asked)

    def _asked(self, path: str, body: bytes) -> Any:
        reply = self._instance.http.post(path, content=body, headers={"X-API-Key": self._project.secret_key})
        assert reply.status_code == 200, reply.text
        return reply.json()

    def ask(self, path: str, **query: object) -> Any:
        return self._ask(path, msgspec.json.encode({**self._span, **query}))

    def get(self, address: str, **more: str) -> Any:
        """What an older address answers for the data set's days."""
        asked = {"start_date": self._span["from"], "end_date": self._span["to"], **more}
        reply = self._instance.http.get(address, params=asked, headers={"X-API-Key": self._project.secret_key})
        assert reply.status_code == 200, reply.text
        return reply.json()

    def fresh_count(self) -> int:
        """How many events there are now."""
        found: int = self._asked(COUNT, msgspec.json.encode({**self._span, "measure": "count"}))["value"]
        return found

    def count(self, measure: str = "count", **query: object) -> Any:
        return self.ask(COUNT, measure=measure, **query)["value"]

    def series(self, interval: str, measure: str = "count", **query: object) -> dict[str, Any]:
        """The points by their date, or hour of the day."""
        [only] = self.ask(SERIES, interval=interval, measure=measure, **query)["series"]
        length = {"month": 7, "day": 10, "hour": 13}[interval]
        return {moment[:length]: value for moment, value in only["points"]}

    def active(self, interval: str, measure: str = "count") -> dict[str, Any]:
        """The points in which something happened."""
        counts = self.series(interval)
        return {moment: value for moment, value in self.series(interval, measure).items() if counts[moment]}

    def values(self, by: str, measure: str = "count") -> dict[str, Any]:
        """The largest values of a breakdown by their key, ties and all."""
        found = self.ask(BREAKDOWN, by=by, measure=measure, limit=TIES)["rows"]
        assert [row["value"] for row in found] == sorted((row["value"] for row in found), reverse=True)
        return {row["key"]: row["value"] for row in found}


@dataclass(frozen=True)
class Number:
    """One published number, and the question that must give it."""

    of: str
    name: str
    answer: Any
    question: Callable[[Imported], Any]

    def __str__(self) -> str:
        return f"{self.of} {self.name}"


def published(name: str) -> Any:
    path = DATA / name / "answers.json"
    return json.loads(path.read_text()) if path.exists() else None


def is_(name: str, value: object) -> list[dict[str, object]]:
    return [{"property": name, "op": "eq", "value": value}]


def as_published(number: float) -> Any:
    """The number up to half a unit of its last published digit."""
    return pytest.approx(number, rel=0, abs=0.51 * 10.0 ** -len(repr(number).partition(".")[2]))


def months(of: str, name: str, answers: dict[str, Any], measure: str) -> list[Number]:
    return [
        Number(of, f"{name} {month}", answer, lambda data, m=month: data.series("month", measure)[m])  # type: ignore[misc] # mypy cannot infer a lambda with a default
        for month, answer in answers.items()
    ]


def top(of: str, name: str, answers: list[list[Any]], by: str, measure: str = "count") -> list[Number]:
    return [
        Number(of, f"{name} {key}", answer, lambda data, k=key: data.values(by, measure)[k])  # type: ignore[misc] # mypy cannot infer a lambda with a default
        for key, answer in answers
    ]


def shape(of: str, name: str, answers: dict[str, Any], measure: str) -> list[Number]:
    """Largest, smallest, mean and median of the days on which something happened."""
    figures: dict[str, Callable[[dict[str, Any]], Any]] = {
        "max": lambda days: [max(days, key=lambda day: (days[day], day)), max(days.values())],
        "min": lambda days: [min(days, key=lambda day: (days[day], day)), min(days.values())],
        "mean": lambda days: statistics.mean(days.values()),
        "median": lambda days: statistics.median(days.values()),
    }
    return [
        Number(of, f"{name} {figure}", answers[figure], lambda data, w=work: w(data.active("day", measure)))  # type: ignore[misc] # mypy cannot infer a lambda with a default
        for figure, work in figures.items()
        if figure in answers
    ]


def days_with_events(of: str, answers: dict[str, Any]) -> list[Number]:
    return [
        Number(of, "days with events", answers["days_with_events"], lambda data: len(data.active("day"))),
        Number(of, "first day", answers["first"], lambda data: min(data.active("day"))),
        Number(of, "last day", answers["last"], lambda data: max(data.active("day"))),
    ]


def retail() -> list[Number]:
    answers = published("online_retail")
    if answers is None:
        return []
    of, totals = "online_retail", answers["totals"]
    found = [
        Number(of, "rows", totals["rows"], lambda data: data.count()),
        Number(of, "invoices", totals["invoices"], lambda data: data.count("unique:InvoiceNo")),
        Number(of, "customers", totals["customers"], lambda data: data.count("users")),
        Number(
            of,
            "rows without customer",
            totals["rows_without_customer"],
            lambda data: data.count(filters=[{"property": "user_id", "op": "not_set"}]),
        ),
        Number(of, "stock codes", totals["stock_codes"], lambda data: data.count("unique:StockCode")),
        Number(of, "countries", totals["countries"], lambda data: data.count("unique:Country")),
        Number(of, "revenue", totals["revenue_all_rows"], lambda data: data.count("sum:properties.revenue")),
        Number(of, "revenue by its bare name", totals["revenue_all_rows"], lambda data: data.count("sum:revenue")),
        Number(of, "units", totals["units"], lambda data: data.count("sum:Quantity")),
        *top(of, "rows of", [*map(list, totals["by_event_rows"].items())], "event"),
        *top(of, "revenue of", [*map(list, totals["revenue_by_event"].items())], "event", "sum:properties.revenue"),
        *top(of, "invoices of", [*map(list, totals["invoices_by_event"].items())], "event", "unique:InvoiceNo"),
        *days_with_events(of, answers["daily_rows"]),
        *shape(of, "rows a day", answers["daily_rows"], "count"),
        *months(of, "rows in", answers["monthly_rows"], "count"),
        *months(of, "revenue in", answers["monthly_revenue"], "sum:properties.revenue"),
        *top(of, "rows from", answers["top_countries_rows"], "properties.Country"),
        *top(of, "rows of code", answers["top_stock_codes_rows"], "properties.StockCode"),
        *top(of, "units of code", answers["top_stock_codes_units"], "properties.StockCode", "sum:Quantity"),
        *top(of, "revenue from", answers["top_countries_revenue"], "properties.Country", "sum:properties.revenue"),
        *top(of, "revenue of customer", answers["top_customers_net_revenue"], "user_id", "sum:properties.revenue"),
    ]
    # The days with sales to nobody known have no users: they are left out of the published figures, as of `active`.
    return found + shape(of, "known customers a day", answers["daily_dau_known_customers"], "users")


def cdnow() -> list[Number]:
    answers = published("cdnow")
    if answers is None:
        return []
    of, totals, sample = "cdnow", answers["totals"], answers["sample"]
    columns = {"transactions": "count", "customers": "users", "dollars": "sum:dollars"}
    assert answers["monthly_columns"] == list(columns)
    return [
        Number(of, "transactions", totals["transactions"], lambda data: data.count()),
        Number(of, "customers", totals["customers"], lambda data: data.count("users")),
        Number(of, "cds", totals["cds"], lambda data: data.count("sum:cds")),
        Number(of, "dollars", totals["dollars"], lambda data: data.count("sum:dollars")),
        Number(of, "zero dollar rows", totals["zero_dollar_rows"], lambda data: data.count(filters=FREE)),
        *days_with_events(of, answers["daily"]),
        *shape(of, "transactions a day", answers["daily"], "count"),
        *shape(of, "customers a day", answers["daily"]["dau"], "users"),
        *[
            number
            for place, (name, measure) in enumerate(columns.items())
            for number in months(of, f"{name} in", {m: v[place] for m, v in answers["monthly"].items()}, measure)
        ],
        Number("sample", "rows", sample["rows"], lambda data: data.count()),
        Number("sample", "customers", sample["customers"], lambda data: data.count("users")),
        Number("sample", "dollars", sample["dollars"], lambda data: data.count("sum:dollars")),
    ]


FREE = [{"property": "properties.dollars", "op": "lte", "value": 0}]


def wikiticker() -> list[Number]:
    answers = published("wikiticker")
    if answers is None:
        return []
    of, totals = "wikiticker", answers["totals"]
    flags = ("isRobot", "isAnonymous", "isMinor", "isNew", "isUnpatrolled")
    return [
        Number(of, "rows", totals["rows"], lambda data: data.count()),
        Number(of, "users", totals["users"], lambda data: data.count("users")),
        *[
            Number(of, plural, totals[plural], lambda data, p=plural: data.count(f"unique:properties.{p[:-1]}"))  # type: ignore[misc] # mypy cannot infer a lambda with a default
            for plural in ("pages", "channels", "namespaces")
        ],
        *[
            Number(of, flag, totals[flag], lambda data, f=flag: data.values(f"properties.{f}")["true"])  # type: ignore[misc] # mypy cannot infer a lambda with a default
            for flag in flags
        ],
        *[
            Number(of, f"sum of {name}", totals[f"sum_{name}"], lambda data, n=name: data.count(f"sum:{n}"))  # type: ignore[misc] # mypy cannot infer a lambda with a default
            for name in ("added", "deleted", "delta")
        ],
        *[
            Number(of, f"hour {hour}", rows, lambda data, h=f"2015-09-12T{int(hour):02}": data.series("hour")[h])  # type: ignore[misc] # mypy cannot infer a lambda with a default
            for hour, rows in answers["hourly"].items()
        ],
        *[
            number
            for field in ("page", "channel", "namespace", "countryName", "cityName")
            for number in top(of, f"rows of {field}", answers[f"top_{field}"], f"properties.{field}")
        ],
        *top(of, "rows of", answers["top_user"], "user_id"),
    ]


def data_set(name: str, file: str, rows: int, days: tuple[str, str], *options: str) -> DataSet:
    return DataSet(name, DATA / file, options, rows, days)


SETS = {
    found.name: found
    for found in (
        data_set(
            "wikiticker",
            "wikiticker/wikiticker-2015-09-12-restored.json.gz",
            39_244,
            ("2015-09-12", "2015-09-12"),
            *("--event", "edit", "--map", "timestamp=time,user_id=user"),
        ),
        data_set(
            "online_retail",
            "online_retail/online_retail.csv.gz",
            541_909,
            ("2010-12-01", "2011-12-09"),
            *("--select", RETAIL_SELECT),
        ),
        data_set(
            "cdnow",
            "cdnow/CDNOW_master.txt",
            69_659,
            ("1997-01-01", "1998-06-30"),
            *("--format", "lines", "--skip", "1", "--event", "purchase", "--select", CDNOW_SELECT),
        ),
        data_set(
            "sample",
            "cdnow/CDNOW_sample.txt",
            6_919,
            ("1997-01-01", "1998-06-30"),
            *("--format", "lines", "--event", "purchase", "--select", SAMPLE_SELECT),
        ),
    )
}
NUMBERS = [*wikiticker(), *cdnow(), *retail()]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NUMBERS, reason="the data sets ../shared/data are not on this machine"),
    pytest.mark.timeout(IMPORT_SECONDS + 100),
]


@pytest.fixture(scope="module")
def import_set(instance: Running) -> Callable[[str], Imported]:
    """Imports a data set when it is first asked for."""

    @functools.cache
    def imported(name: str) -> Imported:
        wanted = SETS[name]
        project = instance.new_project()
        told = run_import(instance, wanted, project)
        assert (told["accepted"], told["refused"], told["lost"]) == (wanted.rows, 0, 0)
        wait_until(lambda: instance.lag() == 0, 120, f"{name} is stored")
        return Imported(instance, project, wanted.days)

    return imported


def import_command(instance: Running, wanted: DataSet, project: Project) -> list[str]:
    to = ("--url", f"http://127.0.0.1:{instance.port}", "--key", project.write_key, "--json")
    return ["import", str(wanted.file), *wanted.options, *to]


def run_import(instance: Running, wanted: DataSet, project: Project) -> dict[str, Any]:
    done = instance.cli(*import_command(instance, wanted, project), timeout=IMPORT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_an_imported_data_set_gives_the_published_number(import_set: Callable[[str], Imported], number: Number) -> None:
    given = number.question(import_set(number.of))
    assert given == (as_published(number.answer) if isinstance(number.answer, float) else number.answer)


def listed(rows: list[dict[str, Any]], key: str) -> dict[str, Any]:
    return {row[key]: row["count"] for row in rows if row["count"]}


@pytest.mark.parametrize("name", ["wikiticker", "online_retail", "cdnow"])
def test_every_older_address_gives_the_same_numbers(import_set: Callable[[str], Imported], name: str) -> None:
    data, rows = import_set(name), SETS[name].rows
    assert data.get("/analytics/events/count") == {"count": rows}
    assert listed(data.get("/analytics/events/by-type"), "event_type") == data.values("event")
    of_users = listed(data.get("/analytics/events/by-user"), "user_id")
    assert {user: of_users[user] for user in data.values("user_id")} == data.values("user_id")
    days = listed(data.get("/analytics/events/timeseries"), "timestamp")
    assert {moment[:10]: count for moment, count in days.items()} == data.active("day")
    for interval, length in (("hour", 13), ("day", 10), ("month", 7)):
        if (interval, name) == ("hour", "cdnow"):
            continue  # more hours than one answer has points; its times are days
        found = listed(data.get(STATS, group_by=interval)["stats"], "timestamp")
        assert {moment[:length]: count for moment, count in found.items()} == data.active(interval)
    weeks = listed(data.get(STATS, group_by="week")["stats"], "timestamp")
    assert sum(weeks.values()) == rows
    assert listed(data.get(STATS, group_by="event")["stats"], "event_type") == data.values("event")


def test_the_days_of_the_sample_add_up_whatever_the_interval(import_set: Callable[[str], Imported]) -> None:
    data = import_set("sample")
    assert sum(data.series("day").values()) == sum(data.series("month").values()) == SETS["sample"].rows
    assert len(data.series("day")) == (date(1998, 6, 30) - date(1997, 1, 1)).days + 1


def test_importing_a_selection_again_changes_nothing(instance: Running) -> None:
    wanted = SETS["sample"]
    project = instance.new_project()
    answers = []
    for _ in range(2):
        assert run_import(instance, wanted, project)["accepted"] == wanted.rows
        wait_until(lambda: instance.lag() == 0, 60, "the import is stored")
        data = Imported(instance, project, wanted.days)
        dollars = round(data.count("sum:dollars"), 6)
        answers.append((data.count(), data.count("users"), dollars, data.series("month")))
    assert answers[0] == answers[1]
    assert answers[0][0] == wanted.rows


def test_an_interrupted_import_goes_on_after_the_rows_the_server_shows_to_have(instance: Running) -> None:
    wanted = SETS["cdnow"]
    project = instance.new_project()
    command = [sys.executable, "-m", "shared.cli.main", *import_command(instance, wanted, project)]
    slowly = subprocess.Popen(
        [*command, "--batch", "100", "--concurrency", "1"],
        cwd=instance.data.parent,
        env=instance.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    data = Imported(instance, project, wanted.days)
    wait_until(lambda: data.fresh_count() or slowly.poll() is not None, 60, "some rows are stored")
    slowly.send_signal(signal.SIGINT)
    out, told = slowly.communicate(timeout=60)
    assert slowly.returncode == 130, told
    first = json.loads(out)["accepted"]
    assert 0 < first < wanted.rows
    done = instance.cli(*import_command(instance, wanted, project), timeout=IMPORT_SECONDS)
    assert (done.returncode, json.loads(done.stdout)["accepted"]) == (0, wanted.rows), done.stderr
    assert f"Going on after the first {first:,} rows" in done.stderr
    wait_until(lambda: instance.lag() == 0, 120, "the rest is stored")
    assert data.fresh_count() == wanted.rows
