"""Engines that stop or die for a while, and records no writer would have made."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest

from shared.bus import Message
from shared.clock import SYSTEM_CLOCK
from shared.dead_letters import BROKER, DEAD_LETTERS
from shared.events import EVENTS_TOPIC, encode_line, record
from shared.events import Row as EventRow
from shared.ids import uuid7
from shared.refusals import Refusal
from shared.security.keys import new_key
from tests.e2e.running import COUNT, Project, Running, wait_until
from tests.load.generator import Plan, finish_load, start_load

pytestmark = pytest.mark.slow

AWAY_SECONDS = 60.0 if os.environ.get("SLUICE_LONG") else 15.0
LAG = 'sluice_bus_lag_records{group="batch-write",topic="events"}'
REQUESTED = "dev.sluice.query.requested.v1"
ANSWERED = "dev.sluice.query.answered.v1"
BAD_ID = "not-a-uuid"


@pytest.fixture
def project(fragile: Running) -> Project:
    """A project whose keys the functions know already."""
    made = fragile.new_project()
    wait_until(lambda: fragile.post({"event": "first"}, made).status_code == 202, 30, "events are taken")
    wait_until(lambda: fragile.count(made) == 1, 60, "the first event counts")
    return made


def refused_for_now(reply: httpx.Response) -> bool:
    """Whether the answer says: not known to be stored, repeat it."""
    if reply.status_code != 503:
        return False
    assert reply.json()["code"] == Refusal.UNAVAILABLE
    assert int(reply.headers["retry-after"]) >= 1
    return True


def wait_until_taken(instance: Running, project: Project) -> None:
    wait_until(lambda: instance.post({"event": "back"}, project).status_code == 202, 30, "events are taken again")


# the bus


def test_a_stopped_bus_is_503_within_two_seconds_and_is_back_by_itself(fragile: Running, project: Project) -> None:
    with fragile.paused("valkey"):
        for _ in range(3):
            started = time.monotonic()
            reply = fragile.post({"event": "e"}, project)
            assert refused_for_now(reply), reply.text
            assert time.monotonic() - started < 2
    wait_until_taken(fragile, project)
    wait_until(lambda: fragile.count(project, events=["back"]) == 1, 30, "what was taken then is stored")


def test_a_killed_bus_is_503_and_is_back_by_itself(fragile: Running, project: Project) -> None:
    supervisor = psutil.Process(fragile.state()["pid"])
    supervisor.suspend()  # nobody starts it again while we look
    try:
        valkey = psutil.Process(fragile.kill("valkey"))
        wait_until(lambda: valkey.status() == psutil.STATUS_ZOMBIE, 10, "valkey is dead")
        started = time.monotonic()
        assert refused_for_now(fragile.post({"event": "e"}, project))
        assert time.monotonic() - started < 2
    finally:
        supervisor.resume()
    wait_until_taken(fragile, project)
    wait_until(lambda: fragile.count(project, events=["back"]) == 1, 30, "what was taken then is stored")


def test_a_repeat_of_what_was_refused_counts_once(fragile: Running, project: Project) -> None:
    event = {"event": "repeated", "id": "order-1", "timestamp": time.time()}
    with fragile.paused("valkey"):
        assert refused_for_now(fragile.post(event, project))
    wait_until(lambda: fragile.post(event, project).status_code == 202, 30, "the repeat is taken")
    wait_until(lambda: fragile.lag() == 0, 30, "the bus is empty")
    assert fragile.count(project, events=["repeated"]) == 1


# the warehouse


@pytest.mark.timeout(400)
def test_a_stopped_warehouse_delays_and_loses_nothing(fragile: Running, project: Project) -> None:
    plan = Plan(
        url=str(fragile.http.base_url),
        key=project.write_key,
        connections=16,
        seconds=AWAY_SECONDS,
        rate=200,
        pool=500,
    )
    with fragile.paused("warehouse"):
        load = start_load(plan)
        wait_until(lambda: fragile.metric("sources", LAG) >= 100, 40, f"{LAG} rises")
        result = finish_load(load, plan.seconds + plan.grace + 60)
    assert result.statuses.keys() == {"202"}, result
    assert (result.unanswered, result.errors) == (0, {}), result
    assert result.accepted >= 0.9 * plan.rate * plan.seconds
    wait_until(lambda: fragile.count(project) == result.accepted + 1, 120, f"all {result.accepted} are stored")
    wait_until(lambda: fragile.metric("sources", LAG) == 0, 60, f"{LAG} falls")


def test_a_query_says_that_the_warehouse_is_away_and_answers_when_it_is_back(
    fragile: Running, project: Project
) -> None:
    supervisor = psutil.Process(fragile.state()["pid"])
    supervisor.suspend()
    try:
        fragile.kill("warehouse")
        span = {"from": "2026-01-01", "to": "2026-01-02"}
        reply = fragile.http.post(COUNT, json=span, headers={"X-API-Key": project.secret_key})
        assert refused_for_now(reply), reply.text
    finally:
        supervisor.resume()

    def answered() -> bool:
        reply = fragile.http.post(COUNT, json=span, headers={"X-API-Key": project.secret_key})
        assert reply.status_code in {200, 503}, reply.text
        return reply.status_code == 200

    wait_until(answered, 60, "queries are answered again")


# the catalog


def test_without_the_catalog_known_keys_go_on_and_unknown_ones_are_503(fragile: Running, project: Project) -> None:
    idle, stranger = fragile.new_project(), Project("", new_key("public"), new_key("secret"))
    assert fragile.post({"event": "e"}, idle).status_code == 202
    until = time.monotonic() + 6  # longer than what is known of a key counts as fresh
    while time.monotonic() < until:
        assert fragile.post({"event": "e"}, project).status_code == 202
        time.sleep(0.1)
    with fragile.paused("postgres"):
        until = time.monotonic() + 7
        while time.monotonic() < until:
            assert fragile.post({"event": "e"}, project).status_code == 202
            fragile.count(project)
            time.sleep(0.1)
        assert fragile.post({"event": "e"}, idle).status_code == 202
        started = time.monotonic()
        assert refused_for_now(fragile.post({"event": "e"}, stranger))
        assert time.monotonic() - started < 4
        assert fragile.post({"event": "e"}, Project("", "slp_malformed", "")).status_code == 401
    wait_until(lambda: fragile.post({"event": "e"}, stranger).status_code == 401, 30, "strangers are strangers again")


def test_a_killed_catalog_is_back_by_itself(fragile: Running, project: Project) -> None:
    fragile.wait_restarted("postgres", fragile.kill("postgres"))
    assert fragile.post({"event": "e"}, project).status_code == 202
    stranger = Project("", new_key("public"), "")
    wait_until(lambda: fragile.post({"event": "e"}, stranger).status_code == 401, 60, "the catalog answers again")
    wait_until(fragile.new_project, 60, "the catalog takes writes again")


# records no writer would have made


def line(**fields: Any) -> bytes:
    """An open line of a record (see shared.events) with these columns."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()) + ".000000"
    row = EventRow(event="crafted", event_id=str(uuid7()), timestamp=moment, received_at=moment)
    known = {**json.loads(encode_line(row) + b"}"), "properties_raw": {}, "context_raw": {}, **fields}
    return json.dumps(known).encode()[:-1]


def made(project: Project, *lines: bytes) -> Message:
    """A record as ingest makes it."""
    return record(project_id=project.id, batch_id=uuid7(), lines=list(lines), micros=SYSTEM_CLOCK.micros())


def altered(message: Message, data: bytes | None = None, **attributes: str | None) -> Message:
    """The message with other data or attributes; None takes an attribute away."""
    kept = {name: value for name, value in {**message.attributes, **attributes}.items() if value is not None}
    return Message(kept, message.data if data is None else data)


@dataclass(frozen=True)
class Poison:
    """A record that can never be stored: `kept` tells whether it shows up among the rejected events."""

    name: str
    kept: bool

    def message(self, project: Project) -> Message:
        good = made(project, line(event="poisoned"))
        return _POISONS[self.name](project, good)


_POISONS: dict[str, Callable[[Project, Message], Message]] = {
    "no JSON": lambda _, good: altered(good, b"hello\n"),
    "no object": lambda _, good: altered(good, b"[1,2]\n"),
    "not UTF-8": lambda _, good: altered(good, b"\xff\xfe\n"),
    "an endless nesting": lambda _, good: altered(good, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"),
    "another project's row": lambda project, good: altered(
        good, good.data.replace(project.id.encode(), str(uuid7()).encode())
    ),
    "no timestamp": lambda _, good: altered(good, good.data.replace(b'"timestamp"', b'"time"')),
    "a timestamp of words": lambda project, _: made(project, line(event="poisoned", timestamp="yesterday")),
    "a timestamp in seconds": lambda project, _: made(project, line(event="poisoned", timestamp="1767225600")),
    "a timestamp of 1960": lambda project, _: made(
        project, line(event="poisoned", timestamp="1960-01-01 00:00:00.000000")
    ),
    "a timestamp of 2200": lambda project, _: made(
        project, line(event="poisoned", timestamp="2200-01-01 00:00:00.000000")
    ),
    "an unknown column": lambda project, _: made(project, line(event="poisoned", colour="red")),
    "no data": lambda _, good: altered(good, b""),
    "no project": lambda _, good: altered(good, project=None),
    "a project that is none": lambda _, good: altered(good, project="everybody"),
    "a batch id that is none": lambda _, good: altered(good, id="one"),
    "no time": lambda _, good: altered(good, time=None),
    "a time of words": lambda _, good: altered(good, time="yesterday"),
    "a time of the year 9999": lambda _, good: altered(good, time="9999-12-31T23:59:59.000000Z"),
    "an unknown event type": lambda _, good: altered(good, type="dev.sluice.nothing.happened.v1"),
    "no event type": lambda _, good: altered(good, type=None),
    "a line break in an attribute": lambda _, good: altered(good, project="a\r\nb"),
}
# Of a record that is none, or of no function's type, there is nobody to keep it for: it is a dead letter, or gone.
_NOT_KEPT = {
    "no data",
    "no project",
    "a project that is none",
    "a batch id that is none",
    "no time",
    "a time of words",
    "a time of the year 9999",
    "an unknown event type",
    "no event type",
    "a line break in an attribute",
}


@pytest.mark.parametrize("poison", [Poison(name, name not in _NOT_KEPT) for name in _POISONS], ids=lambda one: one.name)
def test_a_poison_record_blocks_nobody(fragile: Running, poison: Poison) -> None:
    project = fragile.new_project()
    first, bad, last = (made(project, line()), poison.message(project), made(project, line()))
    fragile.publish(EVENTS_TOPIC, [first, bad, last])
    wait_until(lambda: fragile.count(project, events=["crafted"]) == 2, 20, "both good records are stored")
    wait_until(lambda: fragile.lag() == 0, 20, "the poison is off the bus")
    assert fragile.count(project, events=["poisoned"]) == 0
    rejected = fragile.warehouse(f"SELECT reason, raw FROM rejected_events FINAL WHERE {project.rows}")
    assert [reason for reason, _ in rejected] == [Refusal.STORE_REFUSED] * poison.kept


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"event_id": BAD_ID}, "UUID"),
        ({"properties_raw": {"a": {"b": 1}, "a.b": 2}}, "a.b"),
        ({"timestamp": time.strftime("%Y-%m-%d %H:%M:%S")[:13] + "!"}, "timestamp"),
    ],
    ids=["a bad id", "a path twice", "an unparsable timestamp"],
)
def test_of_many_rows_only_the_one_the_warehouse_refuses_is_left_out(
    fragile: Running, fields: dict[str, Any], reason: str
) -> None:
    project = fragile.new_project()
    lines = [line() for _ in range(100)]
    lines[41] = line(**fields)
    message = made(project, *lines)
    fragile.publish(EVENTS_TOPIC, [message])
    wait_until(lambda: fragile.count(project) == 99, 30, "99 of the rows are stored")
    wait_until(lambda: fragile.lag() == 0, 30, "the bus is empty")
    [[code, position, batch, detail, raw]] = fragile.warehouse(
        f"SELECT reason, position, toString(batch_id), detail, raw FROM rejected_events FINAL WHERE {project.rows}"
    )
    assert (code, position, batch) == (Refusal.STORE_REFUSED, 41, message.attributes["id"])
    assert reason in detail
    assert detail.startswith("Code: "), "the engine's own words"
    assert "http://" not in detail
    assert raw.encode() == message.data.splitlines()[41]
    batches = f"SELECT toInt64(rows), toInt64(rejected) FROM batches FINAL WHERE {project.rows}"
    assert fragile.warehouse(batches) == [[99, 1]]


# a query asked by an event


@pytest.fixture
def broker(fragile: Running) -> Iterator[str]:
    """The broker's address; its answers and the dead letters are kept for `wait_for`."""
    for topic in (BROKER, DEAD_LETTERS):
        fragile.follow(topic, "outage-test")
    yield f"http://127.0.0.1:{fragile.env['SLUICE_SOURCES_PORT']}/broker"
    for topic in (BROKER, DEAD_LETTERS):
        fragile.read(topic, "outage-test")


def asked(address: str, name: str, data: object) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": name,
        "ce-source": "/tests",
        "ce-type": REQUESTED,
        "content-type": "application/json",
    }
    reply = httpx.post(address, content=json.dumps(data), headers=headers, timeout=30, trust_env=False)
    assert reply.status_code == 202, reply.text


def wait_for(instance: Running, topic: str, **attributes: str) -> Message:
    """The message of a followed topic that has these attributes."""

    def look() -> list[Message]:
        messages = [delivery.message for delivery in instance.read(topic, "outage-test")]
        return [message for message in messages if attributes.items() <= message.attributes.items()]

    [found] = wait_until(look, 30, f"{attributes} on {topic}")
    return found


def test_a_query_asked_by_an_event_is_answered_by_an_event(fragile: Running, project: Project, broker: str) -> None:
    name, day = str(uuid7()), time.strftime("%Y-%m-%d", time.gmtime())
    asked(broker, name, {"project_id": project.id, "query": {"from": day, "to": day, "events": ["first"]}})
    answer = wait_for(fragile, BROKER, type=ANSWERED, causeid=name)
    assert json.loads(answer.data)["value"] == 1
    assert answer.attributes["id"] == f"{name}:answer"


def test_a_query_event_that_cannot_be_answered_is_a_dead_letter_with_its_reason(
    fragile: Running, project: Project, broker: str
) -> None:
    name = str(uuid7())
    asked(broker, name, {"project_id": project.id, "query": {"from": "soon", "to": "later"}})
    letter = wait_for(fragile, DEAD_LETTERS, id=name)
    assert (letter.attributes["knativeerrorcode"], letter.attributes["refusal"]) == ("422", Refusal.BAD_RANGE)
    wait_until(lambda: fragile.post({"event": "e"}, project).status_code == 202, 10, "life goes on")
