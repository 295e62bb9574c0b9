"""Parts are killed with SIGKILL under load; what was acknowledged is there, exactly once."""

import itertools
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from shared.bus import Delivery
from shared.events import EVENTS_TOPIC
from shared.local.control import read_state
from tests.e2e.running import Project, Running, wait_until
from tests.load.acklog import read_ids, unknown_path
from tests.load.generator import Plan, start_load

PARTS = ("edge", "work", "warehouse", "valkey", "sources")
ROUNDS = 3
RATE = 250.0
CONNECTIONS = 16
LONGEST_SECONDS = 150.0
GO_ON_SECONDS = 45.0
MORE_ACKS = 100
WATCHER = "crash-test"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # fifteen kills, each waited out


@dataclass(frozen=True)
class Client:
    """A load generator in a process of its own, and the file of what it was told."""

    process: subprocess.Popen[bytes]
    acks: Path

    def acked(self) -> int:
        return self.acks.read_bytes().count(b"\n") if self.acks.exists() else 0

    def stop(self) -> None:
        """End it as ^C does: it writes down what it sent and was never told about."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)


@dataclass(frozen=True)
class Told:
    """What the clients were told: ids acknowledged, and ids sent whose fate they do not know."""

    acked: set[str]
    unknown: set[str]


@dataclass(frozen=True)
class Outcome:
    """Everything there is to compare after the crashes, each from a source of its own."""

    told: Told
    counts: Counter[str]
    counted: int
    on_bus: list[Delivery]
    project: Project

    def __str__(self) -> str:
        lost = self.told.acked - self.counts.keys()
        return (
            f"acknowledged {len(self.told.acked)}, unknown {len(self.told.unknown)}, stored {len(self.counts)}, "
            f"counted {self.counted}, lost {len(lost)} {sorted(lost)[:5]}, records on the bus {len(self.on_bus)}"
        )


@pytest.fixture(scope="module")
def outcome(fragile: Running, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Three rounds of kills under the load of two clients, one of which repeats what was not acknowledged."""
    project, folder = fragile.new_project(), tmp_path_factory.mktemp("acks")
    fragile.follow(EVENTS_TOPIC, WATCHER)
    clients = [start(fragile, project, folder / name, resend=name == "resends") for name in ("resends", "once")]
    try:
        wait_for_more(clients)
        for part in itertools.chain.from_iterable(itertools.repeat(PARTS, ROUNDS)):
            fragile.wait_restarted(part, fragile.kill(part))
            wait_for_more(clients)
    finally:
        for client in clients:
            client.stop()
    wait_until(lambda: fragile.lag() == 0, 60, "the bus is empty")
    told = Told(
        set().union(*(read_ids(client.acks) for client in clients)),
        set().union(*(read_ids(unknown_path(client.acks)) for client in clients)),
    )
    return look(fragile, project, told)


def start(instance: Running, project: Project, acks: Path, *, resend: bool) -> Client:
    plan = Plan(
        url=str(instance.http.base_url),
        key=project.write_key,
        connections=CONNECTIONS,
        seconds=LONGEST_SECONDS,
        rate=RATE,
        seed=int(resend),
        pool=500,
        acks=str(acks),
        resend=resend,
    )
    return Client(start_load(plan), acks)


def wait_for_more(clients: list[Client]) -> None:
    """Return when every client is being acknowledged again."""
    before = [client.acked() for client in clients]
    wait_until(
        lambda: all(client.acked() >= start + MORE_ACKS for client, start in zip(clients, before, strict=True)),
        GO_ON_SECONDS,
        f"{MORE_ACKS} more events acknowledged to each client",
    )


def look(instance: Running, project: Project, told: Told) -> Outcome:
    rows = instance.warehouse(
        f"SELECT toString(event_id), toInt64(count()) FROM events FINAL WHERE {project.rows} GROUP BY event_id"
    )
    on_bus = [
        delivery
        for delivery in instance.read(EVENTS_TOPIC, WATCHER)
        if delivery.message.attributes["project"] == project.id
    ]
    return Outcome(told, Counter(dict(rows)), instance.count(project), on_bus, project)


def test_every_part_was_killed_in_every_round_and_the_clients_were_busy(fragile: Running, outcome: Outcome) -> None:
    restarts = read_state(fragile.data)["restarts"]
    assert all(restarts[part] >= ROUNDS for part in PARTS), restarts
    assert len(outcome.told.acked) >= MORE_ACKS * len(PARTS) * ROUNDS, str(outcome)


def test_every_acknowledged_event_counts_exactly_once(outcome: Outcome) -> None:
    wrong = {name: outcome.counts[name] for name in outcome.told.acked if outcome.counts[name] != 1}
    assert not wrong, f"{outcome}; acknowledged ids not stored once: {dict(list(wrong.items())[:10])}"


def test_an_event_of_unknown_fate_counts_once_or_not_at_all(outcome: Outcome) -> None:
    assert set(outcome.counts.values()) <= {1}, str(outcome)
    assert outcome.counts.keys() <= outcome.told.acked | outcome.told.unknown, str(outcome)


def test_the_count_query_agrees_with_the_rows(outcome: Outcome) -> None:
    assert outcome.counted == len(outcome.counts), str(outcome)


def test_every_record_on_the_bus_is_in_batches_with_all_its_rows(fragile: Running, outcome: Outcome) -> None:
    published = {
        delivery.message.attributes["id"]: int(delivery.message.attributes["eventcount"]) for delivery in outcome.on_bus
    }
    rows = fragile.warehouse(
        "SELECT toString(batch_id), toInt64(rows) + toInt64(rejected), toInt64(rejected)"
        f" FROM batches FINAL WHERE {outcome.project.rows}"
    )
    assert {name: total for name, total, _ in rows} == published, str(outcome)
    assert sum(rejected for _, _, rejected in rows) == 0
    stored = fragile.warehouse(f"SELECT DISTINCT toString(batch_id) FROM events WHERE {outcome.project.rows}")
    assert {name for [name] in stored} <= published.keys()


def test_every_touched_hour_is_in_the_ledger(fragile: Running, outcome: Outcome) -> None:
    touched = {line["timestamp"][:13] + ":00:00" for line in lines(outcome.on_bus)}
    rows = fragile.warehouse(
        f"SELECT toString(hour), toInt64(sum(changes)) FROM hour_changes WHERE {outcome.project.rows} GROUP BY hour"
    )
    assert {hour for hour, _ in rows} == touched
    assert all(changes > 0 for _, changes in rows)


def lines(deliveries: list[Delivery]) -> Iterator[dict[str, str]]:
    for delivery in deliveries:
        yield from msgspec.json.Decoder().decode_lines(delivery.message.data)
