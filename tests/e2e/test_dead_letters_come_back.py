"""Outages longer than the sources' patience: dead letters come back by themselves, refused ones wait for people."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from shared.bus.inspection import open_inspection
from shared.dead_letters import DEAD_LETTERS
from shared.events import EVENTS_TOPIC, Row, encode_line, record
from shared.ids import uuid7
from tests.e2e.running import COUNT, Project, Running, running, wait_until

RETRIES = "2"  # given up after 1.5 s
EVENTS_EACH = 30
GROUP = "dead-letter"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module", params=["valkey", "kafka"])
def impatient(request: pytest.FixtureRequest) -> Iterator[Running]:
    """An instance whose sources give up after a second and a half."""
    bus = {}
    if request.param == "kafka":
        bus = {"SLUICE_BUS_URL": request.getfixturevalue("kafka").url, "SLUICE_KAFKA_PARTITIONS": "3"}
    with running(SLUICE_SOURCE_RETRIES=RETRIES, SLUICE_DEAD_LETTER_WAIT_SECONDS="3", **bus) as instance:
        yield instance


@pytest.fixture
def project(impatient: Running) -> Project:
    made = impatient.new_project()
    wait_until(lambda: impatient.post({"event": "first"}, made).status_code == 202, 30, "events are taken")
    wait_until(lambda: impatient.count(made) == 1, 60, "the first event counts")
    return made


@contextlib.contextmanager
def nobody_restarts(instance: Running) -> Iterator[None]:
    supervisor = psutil.Process(instance.state()["pid"])
    supervisor.suspend()
    try:
        yield
    finally:
        supervisor.resume()


def waiting_letters(instance: Running) -> int:
    """Dead letters on their topic that nobody has dealt with; the bus must be there."""

    async def look() -> int:
        looking = open_inspection(instance.env["SLUICE_BUS_URL"])
        try:
            return len(await looking.waiting(DEAD_LETTERS, GROUP, 10_000))
        finally:
            await looking.close()

    return instance.with_bus(lambda _: look())


def send(instance: Running, project: Project, ids: list[str]) -> list[str]:
    """Events one by one, each a record of its own; their receipts."""
    receipts = []
    for one in ids:
        reply = instance.post({"event": "kept", "id": one, "timestamp": time.time()}, project)
        assert reply.status_code == 202, reply.text
        receipts.append(reply.json()["receipt"])
    return receipts


def bus(instance: Running, *arguments: str) -> str:
    done = instance.cli("bus", *arguments, environ=instance.env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def overview(instance: Running) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bus(instance, "--json"))
    return found


def answers(instance: Running, project: Project) -> bool:
    day = time.strftime("%Y-%m-%d")
    reply = instance.http.post(COUNT, json={"from": day, "to": day}, headers={"X-API-Key": project.secret_key})
    return reply.status_code == 200


def away(instance: Running, project: Project, ids: list[str], *also_killed: str) -> list[str]:
    """The warehouse dies, `ids` are sent and become dead letters, the parts named are killed too; all come back."""
    with nobody_restarts(instance):
        killed = {"warehouse": instance.kill("warehouse")}
        receipts = send(instance, project, ids)
        wait_until(lambda: waiting_letters(instance) >= len(ids) // 2, 60, "dead letters wait")
        killed |= {part: instance.kill(part) for part in also_killed}
    for part, pid in killed.items():
        instance.wait_restarted(part, pid)
    wait_until(lambda: answers(instance, project), 60, "queries are answered again")
    return receipts


def test_an_outage_longer_than_all_retries_loses_nothing_and_doubles_nothing(
    impatient: Running, project: Project
) -> None:
    ids = [str(uuid7()) for _ in range(3 * EVENTS_EACH)]
    rounds = [ids[at : at + EVENTS_EACH] for at in range(0, len(ids), EVENTS_EACH)]
    receipts = away(impatient, project, rounds[0], "sources", "work")
    receipts += away(impatient, project, rounds[1], "valkey", "work")
    receipts += away(impatient, project, rounds[2])
    wait_until(lambda: impatient.count(project, events=["kept"]) == len(ids), 120, "every event is stored")
    wait_until(lambda: waiting_letters(impatient) == 0, 60, "no letter waits")
    wait_until(lambda: impatient.lag() == 0, 60, "the bus is empty")
    rows = impatient.warehouse(
        "SELECT toString(event_id), toInt64(count()) FROM events FINAL"
        f" WHERE {project.rows} AND event = 'kept' GROUP BY event_id"
    )
    assert dict(rows) == dict.fromkeys(ids, 1)
    rejected = impatient.warehouse(f"SELECT count() FROM rejected_events WHERE {project.rows}")
    assert int(rejected[0][0]) == 0
    states = {
        impatient.http.get(f"/api/v1/receipts/{one}", headers={"X-API-Key": project.secret_key}).json()["state"]
        for one in receipts
    }
    assert states == {"stored"}


def test_a_dead_letter_counts_as_queued_until_it_is_sent_again(impatient: Running, project: Project) -> None:
    [receipt] = away(impatient, project, [str(uuid7())])
    seen = []

    def stored() -> bool:
        reply = impatient.http.get(f"/api/v1/receipts/{receipt}", headers={"X-API-Key": project.secret_key})
        assert reply.status_code in {200, 503}, reply.text
        if reply.status_code == 200:
            seen.append(reply.json())
        return bool(seen) and seen[-1]["state"] == "stored"

    wait_until(stored, 60, "the event is stored")
    assert {answer["state"] for answer in seen} <= {"queued", "stored"}
    assert {answer["rejected"] for answer in seen} == {0}


def test_a_refused_record_is_kept_for_people_who_send_it_again_or_discard_it(
    impatient: Running, project: Project
) -> None:
    row = Row("poisoned", str(uuid7()), "2026-01-31 12:00:00.000000", "2026-01-31 12:00:00.000000")
    good = record(project_id=project.id, batch_id=uuid7(), lines=[encode_line(row)], micros=1_750_000_000_000_000)
    bad = type(good)({**good.attributes, "id": "no-uuid"}, good.data)
    impatient.publish(EVENTS_TOPIC, [bad])

    def letters() -> list[dict[str, Any]]:
        return [one for one in overview(impatient)["dead_letters"] if one["state"] == "kept"]

    [letter] = wait_until(letters, 60, "the letter is kept")
    assert (letter["for"], letter["code"], letter["reason"]) == ("batch-write", 400, "not_a_cloudevent")
    shown = json.loads(bus(impatient, "show", letter["letter"][:8], "--json"))
    assert shown["attributes"] == bad.attributes
    assert shown["data"].encode() == bad.data
    assert waiting_letters(impatient) == 0, "the topic is trimmed of what is kept"
    text = bus(impatient)
    assert letter["letter"][:8] in text
    assert "not_a_cloudevent" in text

    assert "Sent" in bus(impatient, "resend", letter["letter"])
    [again] = wait_until(lambda: [one for one in letters() if one["resent"] == 1], 60, "it is refused again")
    assert again["letter"] == letter["letter"]
    assert "Sent" in bus(impatient, "resend", "--all")
    wait_until(lambda: [one for one in letters() if one["resent"] == 2], 60, "and again")
    assert "Deleted" in bus(impatient, "discard", letter["letter"][:8])
    assert letters() == []
    gone = impatient.cli("bus", "show", letter["letter"], environ=impatient.env)
    assert (gone.returncode, "There is no dead letter" in gone.stderr) == (1, True)


def test_live_counts_say_what_the_warehouse_says(impatient: Running, project: Project) -> None:
    for number in range(3):
        send(impatient, project, [str(uuid7()) for _ in range(number + 1)])
    wait_until(lambda: impatient.count(project) == 7, 60, "all are stored")

    def total() -> int:
        reply = impatient.http.get(
            "/api/v1/live/counts", params={"minutes": 10}, headers={"X-API-Key": project.secret_key}
        )
        assert reply.status_code == 200, reply.text
        return sum(minute["total"] for minute in reply.json()["minutes"])

    wait_until(lambda: total() == 7, 30, "live counts have all of them")
    refused = impatient.http.get("/api/v1/live/counts?minutes=61", headers={"X-API-Key": project.secret_key})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
