"""A day of Wikipedia edits: imported, sent again and again, and every number is still the published one."""

import gzip
import hashlib
import itertools
import json
import random
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.importing.mapping import parse_mapping
from tests.e2e.running import Running, wait_until
from tests.load.instance import ROOT

FOLDER = ROOT.parent / "shared" / "data" / "wikiticker"
FILES = sorted(FOLDER.glob("wikiticker-*.json.gz"))
EVENT = "edit"
MAPPING = "timestamp=time,user_id=user"
DAY = {"from": "2015-09-12", "to": "2015-09-12"}
FIGURES = {"sum": "sum", "mean": "avg", "median": "p50", "p95_linear": "p95"}
MIDNIGHT = datetime.fromisoformat("2015-09-12T00:00:00Z")
PUBLISHED_TO = 5e-7  # means and percentiles are given to six decimals
TELLING = ("rows", "users", "hour ", "sum_", "pages", "distinct")
SENDERS = 8
BATCH = 500

pytestmark = pytest.mark.skipif(not FILES, reason="the data set ../shared/data/wikiticker is not on this machine")


@dataclass(frozen=True)
class Question:
    """A count query of the day, and the number it must give."""

    name: str
    answer: float
    query: dict[str, Any]


def question(name: str, answer: float, measure: str = "count", **equal: object) -> Question:
    filters = [_is(f"properties.{name}", value=value) for name, value in equal.items()]
    return Question(name, answer, {**DAY, "measure": measure, "filters": filters})


def present(name: str, answer: float, measure: str, field: str) -> Question:
    return Question(name, answer, {**DAY, "measure": measure, "filters": [{"property": field, "op": "is_set"}]})


def questions() -> list[Question]:
    """Every number of answers.json that is one count; [] where the data is not here."""
    if not FILES:
        return []
    answers = json.loads((FOLDER / "answers.json").read_text())
    totals = answers["totals"]
    found = [
        question("rows", totals["rows"]),
        question("users", totals["users"], "users"),
        question("distinct user ids", totals["users"], "unique:user_id"),
        question("event types", 1, "event_types"),
        question("users_anonymous", totals["users_anonymous"], "users", isAnonymous=True),
        question("users_robot", totals["users_robot"], "users", isRobot=True),
        present("rows_with_country", totals["rows_with_country"], "count", "properties.countryName"),
        *[question(name, totals[name], f"unique:{name[:-1]}") for name in ("pages", "channels", "namespaces")],
        question("countries_nonnull", totals["countries_nonnull"], "unique:countryName"),
        *[
            Question(name, totals[name], {**DAY, "filters": [_is(f"properties.{name}", value=True)]})
            for name in ("isRobot", "isAnonymous", "isMinor", "isNew", "isUnpatrolled")
        ],
        *[question(f"sum_{name}", totals[f"sum_{name}"], f"sum:{name}") for name in ("added", "deleted", "delta")],
    ]
    for hour, rows in answers["hourly"].items():
        start = MIDNIGHT + timedelta(hours=int(hour))
        span = {"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()}
        found.append(Question(f"hour {hour}", rows, span))
    for field in ("page", "channel", "namespace", "countryName", "cityName"):
        found += [question(f"{field} {value}", n, **{field: value}) for value, n in answers[f"top_{field}"]]
    for user, n in answers["top_user"]:
        found.append(Question(f"user {user}", n, {**DAY, "filters": [_is("user_id", value=user)]}))
    for robot, added in answers["added_by_isRobot"].items():
        measures = {
            "n": "count",
            "sum": "sum:added",
            "mean": "avg:added",
            "median": "p50:added",
            "p95_linear": "p95:added",
        }
        for name, measure in measures.items():
            found.append(question(f"added {name} isRobot {robot}", added[name], measure, isRobot=robot == "True"))
    return found


def _is(name: str, *, value: object) -> dict[str, object]:
    return {"property": name, "op": "eq", "value": value}


QUESTIONS = questions()
TOTAL = next((found.answer for found in QUESTIONS if found.name == "rows"), 0)


class Day:
    """The file's lines by row, and the ids an import gives to them."""

    def __init__(self, instance: Running) -> None:
        content = gzip.decompress(FILES[0].read_bytes())
        self._project = uuid.UUID(instance.demo.project_id)
        self.lines = dict(enumerate(content.splitlines(), start=1))
        self.sha256 = hashlib.sha256(content).hexdigest()

    def text_id(self, row: int) -> str:
        return f"{self.sha256}:{row}"

    def event_id(self, row: int) -> str:
        return str(uuid.uuid5(self._project, self.text_id(row)))


@pytest.fixture(scope="module")
def day(instance: Running) -> Day:
    return Day(instance)


@pytest.fixture(scope="module")
def imported(instance: Running) -> Running:
    """The instance after one import into its demo project, all of it stored."""
    assert import_file(instance)["accepted"] == TOTAL
    wait_until(lambda: instance.lag() == 0, 60, "the import is stored")
    return instance


def import_file(instance: Running) -> dict[str, Any]:
    done = instance.cli("import", str(FILES[0]), "--event", EVENT, "--map", MAPPING, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows_written(instance: Running) -> int:
    """Rows batch_write has written into the demo project, repeats included."""
    scope = instance.demo_project.rows
    [[rows]] = instance.warehouse(f"SELECT toInt64(sum(rows)) FROM batches FINAL WHERE {scope}")
    return int(rows)


def answers(instance: Running) -> dict[str, Any]:
    """The answers that a lost or doubled event would change: total, hours, users and sums."""
    return {found.name: ask(instance, found) for found in QUESTIONS if found.name.startswith(TELLING)}


def ask(instance: Running, question: Question) -> Any:
    return instance.count(instance.demo_project, events=[EVENT], **question.query)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda found: found.name)
def test_an_imported_day_gives_the_published_number(imported: Running, question: Question) -> None:
    assert ask(imported, question) == pytest.approx(question.answer, rel=0, abs=PUBLISHED_TO)


def test_the_hours_of_the_day_add_up_to_the_day() -> None:
    assert sum(found.answer for found in QUESTIONS if found.name.startswith("hour ")) == TOTAL


def test_what_was_sent_comes_back_unchanged(imported: Running, day: Day) -> None:
    wanted = {day.event_id(row): day.lines[row] for row in range(1, len(day.lines) + 1, len(day.lines) // 200)}
    listed = ",".join(f"'{name}'" for name in wanted)
    found = imported.warehouse(
        "SELECT toString(event_id), event, user_id, toString(timestamp), properties_raw, toString(properties.page)"
        f" FROM events FINAL WHERE {imported.demo_project.rows} AND event_id IN ({listed})"
    )
    assert len(wanted) >= 200
    assert {row[0] for row in found} == wanted.keys()
    for name, event, user, timestamp, properties, page in found:
        sent = json.loads(wanted[name])
        assert (event, user, page) == (EVENT, sent["user"], sent["page"])
        assert timestamp == sent["time"].replace("T", " ").replace("Z", "000")
        assert values(properties.encode()) == {
            field: value for field, value in values(wanted[name]).items() if field not in {"time", "user"}
        }


def values(line: bytes) -> dict[str, bytes]:
    """The fields of a JSON object, each value as the bytes it was written in."""
    return {name: bytes(value) for name, value in msgspec.json.decode(line, type=dict[str, msgspec.Raw]).items()}


def test_importing_it_again_changes_nothing(imported: Running) -> None:
    before, written = answers(imported), rows_written(imported)
    assert import_file(imported)["accepted"] == TOTAL
    wait_until(lambda: rows_written(imported) == written + TOTAL, 60, "every row is written again")
    assert answers(imported) == before


def test_concurrent_duplicate_posts_change_nothing(imported: Running, day: Day) -> None:
    """Eight senders with overlapping quarters of the day, half of them with the id's text instead of its UUID."""
    before, written = answers(imported), rows_written(imported)
    with ThreadPoolExecutor(SENDERS) as pool:
        accepted = sum(pool.map(lambda sender: send_overlapping(imported, day, sender), range(SENDERS)))
    assert accepted > 1.9 * TOTAL
    wait_until(lambda: rows_written(imported) == written + accepted, 90, "every repeat is written")
    assert answers(imported) == before


def send_overlapping(instance: Running, day: Day, sender: int) -> int:
    """POST a quarter of the day, from a start of its own, in an order of its own; how many were accepted."""
    make_id = day.text_id if sender % 2 else day.event_id
    mapping = parse_mapping([MAPPING], event=EVENT)
    start = sender * len(day.lines) // SENDERS
    rows = itertools.islice(itertools.cycle(day.lines), start, start + len(day.lines) // 4)
    events = [mapping.event(day.lines[row], make_id(row)) for row in rows]
    batches = [events[at : at + BATCH] for at in range(0, len(events), BATCH)]
    random.Random(sender).shuffle(batches)
    return sum(_accepted(instance, batch) for batch in batches)


def _accepted(instance: Running, events: Sequence[bytes]) -> int:
    reply = instance.post(b'{"events":[' + b",".join(events) + b"]}", instance.demo_project)
    assert reply.status_code == 202, reply.text
    accepted: int = reply.json()["accepted"]
    return accepted
