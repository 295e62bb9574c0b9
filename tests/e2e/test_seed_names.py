"""Every example of an older address in docs/what-you-asked-for.md, run as it stands there."""

import re
from typing import Any

import msgspec
import pytest

from shared.wiring import load_wiring
from tests.e2e.running import Project, Running, wait_until
from tests.load.instance import ROOT

PAGE = (ROOT / "docs" / "what-you-asked-for.md").read_text(encoding="utf-8")
SENT: list[tuple[str, str]] = re.findall(r"^\| `POST (\S+)` \| `(.+)` \|$", PAGE, re.MULTILINE)
ASKED: list[tuple[str, str]] = re.findall(r"^\| `GET (\S+)` \| `(.+)` \|$", PAGE, re.MULTILINE)
EVENTS = 5
STORED_SECONDS = 30


@pytest.fixture(scope="module")
def project(instance: Running) -> Project:
    """A project that holds what the page's requests send."""
    made = instance.new_project()
    for path, body in SENT:
        reply = instance.http.post(path, content=body.encode(), headers={"X-API-Key": made.write_key})
        assert (reply.status_code, reply.history) == (202, []), f"{path}: {reply.text}"
    span = {"from": "2024-02-01", "to": "2024-03-31"}
    wait_until(lambda: instance.count(made, **span) == EVENTS, STORED_SECONDS, "the page's events are counted")
    return made


def ask(instance: Running, project: Project, address: str) -> tuple[int, Any]:
    reply = instance.http.get(address, headers={"X-API-Key": project.secret_key})
    return reply.status_code, reply.json()


def test_every_older_address_has_an_example() -> None:
    ours = {route.path for row in load_wiring().functions for route in row.http}
    older = {path for path in ours if path.startswith(("/events", "/analytics/", "/api/v1/stats/"))}
    older |= {"/api/v1/events/track", "/api/v1/events/batch"}
    assert {path.partition("?")[0] for path, _ in SENT + ASKED} == older
    assert older <= ours
    assert {address.rpartition("group_by=")[2].partition("&")[0] for address, _ in ASKED if "/stats/" in address} == {
        "hour",
        "day",
        "week",
        "month",
        "event",
    }


@pytest.mark.parametrize(("address", "answer"), ASKED)
def test_an_example_is_answered_as_the_page_says(
    instance: Running, project: Project, address: str, answer: str
) -> None:
    assert ask(instance, project, address) == (200, msgspec.json.decode(answer))


@pytest.mark.parametrize("address", sorted({address.partition("?")[0] for address, _ in ASKED}))
def test_every_older_question_knows_the_three_older_parameters_and_refuses_others(
    instance: Running, project: Project, address: str
) -> None:
    given = "?event_type=click&start_date=2024-02-28&end_date=2024-02-29"
    status, answer = ask(instance, project, address + given)
    assert status == 200
    rows = answer["stats"] if isinstance(answer, dict) and "stats" in answer else answer
    assert (sum(row["count"] for row in rows) if isinstance(rows, list) else rows["count"]) == 3
    for wrong, code in (("&since=1", "unknown_field"), ("&start_date=2024-01-01", "bad_request")):
        status, problem = ask(instance, project, address + given + wrong)
        assert (status // 100, problem["code"]) == (4, code)
    status, problem = ask(instance, project, f"{address}?start_date=2024-02-30")
    assert (status, problem["code"], "`start_date`" in problem["detail"]) == (422, "bad_range", True)


@pytest.mark.parametrize("address", sorted({address.partition("?")[0] for address, _ in ASKED}))
def test_an_older_question_needs_a_key_that_may_read_and_counts_only_its_project(
    instance: Running, project: Project, address: str
) -> None:
    assert instance.http.get(address).status_code == 401
    assert instance.http.get(address, headers={"X-API-Key": project.write_key}).status_code == 403
    other = instance.new_project()
    status, answer = ask(instance, other, f"{address}?start_date=2024-02-28&end_date=2024-03-01")
    assert status == 200
    assert '"count":' not in msgspec.json.encode(answer).decode().replace('"count":0', "")


def test_older_names_answer_in_sql(instance: Running, project: Project) -> None:
    sql = f"SELECT event_type, count(), any(metadata) FROM events FINAL WHERE {project.rows} GROUP BY event_type"
    found = {row[0]: (int(row[1]), row[2]) for row in instance.warehouse(sql)}
    assert found["signup"] == (1, '{"plan": "free"}')
    assert found["click"][0] == 4
