"""The whole product on real Kafka, under load, while brokers and our own parts are killed.

After each fault: acknowledged = stored = counted, id by id. `./task test:engines` runs these; `SLUICE_LONG=1` keeps
the broker away for a minute instead of a quarter of one.
"""

import base64
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from shared.bus import Message
from shared.bus.kafka_consuming import group_id
from shared.dead_letters import DEAD_LETTERS
from shared.events import ACCEPTED, EVENTS_TOPIC
from shared.ids import uuid7
from shared.refusals import Refusal
from tests.e2e.running import Project, Running, running, wait_until
from tests.e2e.test_crash import Client, start
from tests.engines.kafka import KafkaCluster, free_ports
from tests.engines.kafka import running as running_kafka
from tests.load.acklog import read_ids, unknown_path
from tests.load.instance import ROOT, WRITER

AWAY_SECONDS = 60.0 if os.environ.get("SLUICE_LONG") else 15.0
GO_ON_SECONDS = 90.0
MORE_ACKS = 200
STORED_SECONDS = 180.0

pytestmark = [pytest.mark.engines, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaCluster]:
    with running_kafka() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def product(broker: KafkaCluster) -> Iterator[Running]:
    with running(SLUICE_BUS_URL=broker.url, SLUICE_KAFKA_PARTITIONS="3") as instance:
        yield instance


@pytest.fixture(scope="module")
def brokers() -> Iterator[KafkaCluster]:
    with running_kafka(3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def replicated(brokers: KafkaCluster) -> Iterator[Running]:
    with running(SLUICE_BUS_URL=brokers.url, SLUICE_KAFKA_PARTITIONS="3", SLUICE_KAFKA_REPLICATION="3") as instance:
        yield instance


class Load:
    """Two clients of a project of their own; one repeats what was not acknowledged."""

    def __init__(self, instance: Running, folder: Path) -> None:
        self._instance = instance
        self.project = instance.new_project()
        self.clients: list[Client] = [
            start(instance, self.project, folder / name, resend=name == "resends") for name in ("resends", "once")
        ]

    def goes_on(self) -> None:
        """Return when every client is being acknowledged again."""
        before = [client.acked() for client in self.clients]
        wait_until(
            lambda: all(now.acked() >= then + MORE_ACKS for now, then in zip(self.clients, before, strict=True)),
            GO_ON_SECONDS,
            f"{MORE_ACKS} more events acknowledged to each client",
        )

    def acked(self) -> int:
        return sum(client.acked() for client in self.clients)

    def stop(self) -> None:
        for client in self.clients:
            with contextlib.suppress(ProcessLookupError):
                client.stop()

    def settle(self) -> None:
        """Stop, wait until everything is stored, and compare id by id."""
        self.stop()
        wait_until(lambda: self._instance.lag() == 0, STORED_SECONDS, "the bus is empty")
        acked = set().union(*(read_ids(client.acks) for client in self.clients))
        unknown = set().union(*(read_ids(unknown_path(client.acks)) for client in self.clients))
        stored = stored_ids(self._instance, self.project)
        told = f"acknowledged {len(acked)}, unknown {len(unknown)}, stored {len(stored)}"
        assert len(acked) >= 2 * MORE_ACKS, told
        assert not acked - stored.keys(), f"{told}; lost {sorted(acked - stored.keys())[:5]}"
        assert set(stored.values()) == {1}, told
        assert stored.keys() <= acked | unknown, told
        assert self._instance.count(self.project) == len(stored), told


def stored_ids(instance: Running, project: Project) -> dict[str, int]:
    rows = instance.warehouse(
        f"SELECT toString(event_id), toInt64(count()) FROM events FINAL WHERE {project.rows} GROUP BY event_id"
    )
    return dict(rows)


@contextlib.contextmanager
def under_load(instance: Running, folder: Path) -> Iterator[Load]:
    """Load around a fault; afterwards everything is compared."""
    load = Load(instance, folder)
    try:
        load.goes_on()
        yield load
        load.goes_on()
        load.settle()
    finally:
        load.stop()


def test_a_broker_that_is_killed_and_restarted_loses_nothing(
    broker: KafkaCluster, product: Running, tmp_path: Path
) -> None:
    with under_load(product, tmp_path) as load:
        for _ in range(3):
            broker.kill()
            broker.start()
            load.goes_on()


def test_a_broker_that_is_away_for_a_while_is_503_and_then_nothing_is_lost(
    broker: KafkaCluster, product: Running, tmp_path: Path
) -> None:
    by_hand = product.new_project()
    with under_load(product, tmp_path):
        broker.kill()
        try:
            until = time.monotonic() + AWAY_SECONDS
            while time.monotonic() < until:
                started = time.monotonic()
                assert product.post({"event": "e"}, by_hand).status_code == 503
                assert time.monotonic() - started < 2.5
                time.sleep(0.5)
        finally:
            broker.start()


def test_a_frozen_broker_is_503_and_then_nothing_is_lost(
    broker: KafkaCluster, product: Running, tmp_path: Path
) -> None:
    with under_load(product, tmp_path):
        broker.pause()
        time.sleep(AWAY_SECONDS / 2)
        broker.resume()


def test_a_producer_killed_with_a_full_queue_loses_nothing_that_was_acknowledged(
    broker: KafkaCluster, product: Running, tmp_path: Path
) -> None:
    with under_load(product, tmp_path) as load:
        for _ in range(2):
            broker.pause()
            time.sleep(1.0)  # requests wait, and records are on their way
            before = load.acked()
            killed = product.kill("edge")
            broker.resume()
            product.wait_restarted("edge", killed)
            load.goes_on()
            assert load.acked() > before


def test_our_own_parts_killed_in_turn_lose_nothing(product: Running, tmp_path: Path) -> None:
    with under_load(product, tmp_path) as load:
        for part in ("sources", "work", "warehouse"):
            product.wait_restarted(part, product.kill(part))
            load.goes_on()


def test_sources_that_come_and_go_lose_nothing(product: Running, tmp_path: Path) -> None:
    """A rebalance storm: a second process of sources joins every group and is killed, again and again."""
    with under_load(product, tmp_path) as load:
        for _ in range(3):
            with second_sources(product, tmp_path):
                load.goes_on()


@contextlib.contextmanager
def second_sources(instance: Running, folder: Path) -> Iterator[None]:
    first = psutil.Process(instance.state()["parts"]["sources"])
    environ = {**first.environ(), "SLUICE_SOURCES_PORT": str(free_ports(1)[0])}
    with (folder / "second.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "shared.local.sources"], cwd=ROOT, env=environ, stdout=output, stderr=output
        )
    try:
        time.sleep(5)
        assert process.poll() is None, (folder / "second.log").read_text()[-2000:]
        yield
    finally:
        process.kill()
        process.wait()


def test_everything_delivered_again_from_offset_0_changes_no_count(
    broker: KafkaCluster, product: Running, tmp_path: Path
) -> None:
    with under_load(product, tmp_path) as load:
        pass
    before, ids = product.count(load.project), stored_ids(product, load.project)
    done = product.cli("down")
    assert done.returncode == 0, done.stderr
    set_back(broker, EVENTS_TOPIC, WRITER)
    product.up()
    wait_until(lambda: product.lag() == 0, STORED_SECONDS, "everything was delivered again")
    assert (product.count(load.project), stored_ids(product, load.project)) == (before, ids)
    [[copies]] = product.warehouse(f"SELECT toInt64(count()) FROM events WHERE {load.project.rows}")
    assert copies >= len(ids)


def set_back(cluster: KafkaCluster, topic: str, group: str) -> None:
    """Set a group without members back to the beginning of a topic."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.url.removeprefix("kafka://").split(","))
    [described] = admin.describe_topics([topic])
    start = {
        TopicPartition(topic, one["partition_index"]): OffsetAndMetadata(0, "", -1) for one in described["partitions"]
    }
    admin.alter_group_offsets(group_id(topic, group), start)
    admin.close()


def test_a_poison_record_is_a_dead_letter_with_its_reason_and_holds_up_nothing(product: Running) -> None:
    project, name = product.new_project(), str(uuid7())
    product.follow(DEAD_LETTERS, "kafka-test")
    poison = Message({"specversion": "1.0", "id": name, "source": "/tests", "type": ACCEPTED}, b"{}\n")
    product.publish(EVENTS_TOPIC, [poison])
    wait_until(lambda: product.post({"event": "after"}, project).status_code == 202, 30, "events are taken")
    wait_until(lambda: product.count(project) == 1, 60, "what comes after the poison is stored")

    def letter() -> list[Message]:
        found = [delivery.message for delivery in product.read(DEAD_LETTERS, "kafka-test")]
        return [message for message in found if message.attributes.get("id") == name]

    [dead] = wait_until(letter, 60, "the dead letter")
    assert dead.attributes["refusal"] == Refusal.NOT_A_CLOUDEVENT
    assert dead.attributes["knativeerrorcode"].startswith("4")
    assert dead.data == poison.data
    wait_until(lambda: product.lag() == 0, 60, "the poison is off the bus")


def test_a_record_above_the_topics_limit_is_503_and_holds_up_nothing(
    broker: KafkaCluster, product: Running, tmp_path: Path
) -> None:
    project = product.new_project()
    large = {"events": [{"event": "large", "id": str(uuid7()), "properties": {"text": noise()}} for _ in range(20)]}
    with under_load(product, tmp_path) as load:
        limit_records(broker, EVENTS_TOPIC, 50_000)
        try:
            assert product.post(large, project).status_code == 503
            load.goes_on()
        finally:
            limit_records(broker, EVENTS_TOPIC, 2 * 1024 * 1024)
    assert product.post(large, project).status_code == 202
    wait_until(lambda: product.lag() == 0, STORED_SECONDS, "what was repeated is stored")
    assert product.count(project) == 20


def noise() -> str:
    """A text that does not get shorter by being compressed."""
    return base64.b64encode(os.urandom(4_500)).decode()


def limit_records(cluster: KafkaCluster, topic: str, size: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=cluster.url.removeprefix("kafka://").split(","))
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(size)})])
    admin.close()


def test_of_three_brokers_each_may_be_killed(brokers: KafkaCluster, replicated: Running, tmp_path: Path) -> None:
    with under_load(replicated, tmp_path) as load:
        for killed in brokers.brokers:
            killed.kill()
            load.goes_on()
            killed.start()
            load.goes_on()
