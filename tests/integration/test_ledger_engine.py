"""The ledger check on a real bus, warehouse and catalog: it finds what is really lost, and nothing else."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from functions.batch_write.logic import store
from functions.batch_write.records import read_record
from functions.ledger_check.logic import Checked, Gap, LedgerCheck
from functions.ledger_check.proof import Proof, ProofQuery, prove
from shared.bus import Bus, Delivery, Message, Subscription, open_bus
from shared.bus.inspection import Inspection, open_inspection
from shared.catalog.client import Catalog
from shared.catalog.dead_letters import keep_letter
from shared.clock import SYSTEM_CLOCK, FixedClock
from shared.dead_letters import DEAD_LETTERS, read_letter
from shared.events import EVENTS_TOPIC
from shared.freshness import WRITER
from shared.local.delivery import Answer, dead_letter
from shared.refusals import Rejected
from shared.warehouse.removal import delete_rows
from tests.integration.reading import Stored, batch, row, stored
from tests.valkey_server import ValkeyServer

SINK = "http://127.0.0.1:8082/batch-write/"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("ledger")) as found:
        yield found


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer().start()
    yield server
    server.remove()


class World:
    """A bus of the test's own with batch_write as its reader, and the check of what came of it."""

    def __init__(self, engine: Stored, catalog: Catalog, bus: Bus, looking: Inspection, reader: Subscription) -> None:
        self.engine = engine
        self.catalog = catalog
        self.bus = bus
        self.looking = looking
        self.reader = reader
        self.project = uuid.uuid4()
        self.slept: list[float] = []
        self._check = LedgerCheck(lambda: looking, engine.warehouse, catalog, SYSTEM_CLOCK, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def publish(self, records: int, events: int = 2) -> None:
        made = [batch(self.project, *(row("e") for _ in range(events))) for _ in range(records)]
        await self.bus.publish(EVENTS_TOPIC, made)

    async def take(self, most: int = 1_000) -> list[Delivery]:
        return await self.reader.take(most, 0.2)

    async def write(self, deliveries: Sequence[Delivery], ago: timedelta = timedelta(0)) -> None:
        records = [read_record(placed(one)) for one in deliveries]
        clock = FixedClock(SYSTEM_CLOCK.micros() - ago // timedelta(microseconds=1))
        await store(records, self.engine.warehouse, clock)

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        await self.reader.ack([one.position for one in deliveries])

    async def send(self, records: int, events: int = 2, ago: timedelta = timedelta(0)) -> None:
        """Published, written (so long ago) and acknowledged."""
        await self.publish(records, events)
        taken = await self.take()
        await self.write(taken, ago)
        await self.ack(taken)

    async def check(self) -> Checked:
        return await self._check.run()

    async def told(self, gap: Gap) -> None:
        await self._check.told(gap)

    async def proof(self, **asked: Any) -> Proof:
        query = ProofQuery(**asked)
        return await prove(query, self.project, self.engine.warehouse, self.catalog, self.looking, SYSTEM_CLOCK)


def placed(one: Delivery) -> Message:
    place = {"knativekafkapartition": str(one.position.partition), "knativekafkaoffset": str(one.position.offset)}
    return Message({**one.message.attributes, **place}, one.message.data)


@contextlib.asynccontextmanager
async def world(engine: Stored, catalog_url: str, valkey: ValkeyServer) -> AsyncIterator[World]:
    valkey.command("FLUSHALL")
    with psycopg.connect(catalog_url) as connection:
        connection.execute("TRUNCATE ledger_partitions, ledger_gaps, ledger_resent, ledger_others, dead_letters")
    await engine.warehouse.command("TRUNCATE TABLE batches")
    await engine.warehouse.command("TRUNCATE TABLE batch_places")
    catalog, bus, looking = Catalog(catalog_url), open_bus(valkey.url), open_inspection(valkey.url)
    reader = await bus.subscribe(EVENTS_TOPIC, WRITER)
    try:
        yield World(engine, catalog, bus, looking, reader)
    finally:
        await reader.close()
        await looking.close()
        await bus.close()
        await catalog.close()


async def test_all_that_is_written_is_proven_and_what_waits_is_in_flight(
    engine: Stored, catalog_url: str, valkey: ValkeyServer
) -> None:
    async with world(engine, catalog_url, valkey) as it:
        assert (await it.proof()).state == "unchecked"
        await it.send(20)
        await it.publish(3, events=5)
        late = await it.take()
        await it.write(late[1:])
        await it.ack(late[1:])  # out of order: the first of them holds the others back
        assert await it.check() == (20, [], [])
        await it.write(late[:1])
        await it.write(late[:1])  # delivered twice around a crash
        await it.publish(1, events=7)
        proof = await it.proof(by="hour")
        assert (proof.state, proof.balanced, proof.missing) == ("proven", True, 0)
        assert (proof.records, proof.accepted, proof.stored, proof.in_flight) == (23, 67, 55, 12)
        assert (proof.kept, proof.gone, sum(one.accepted for one in proof.periods)) == (55, 0, 55)
        await it.ack(late[:1])
        assert await it.check() == (3, [], [])
        assert it.slept == []


async def test_a_record_that_is_acknowledged_and_not_written_is_found_and_told_of_once(
    engine: Stored, catalog_url: str, valkey: ValkeyServer
) -> None:
    async with world(engine, catalog_url, valkey) as it:
        await it.send(5)
        await it.check()
        await it.publish(10)
        taken = await it.take()
        await it.write([*taken[:4], *taken[6:]])
        await it.ack(taken)
        checked = await it.check()
        [gap] = checked.gaps
        assert (gap.kind, gap.first_offset, gap.last_offset, gap.missing) == ("missing", 9, 10, 2)
        assert checked.fresh == [gap]
        assert it.slept == [3.0]  # a replica may have been behind: it looked twice
        assert (await it.proof()).state == "gap"
        await it.told(gap)
        again = await it.check()
        assert (again.gaps, again.fresh) == ([gap], [])


async def test_a_row_that_is_taken_out_of_batches_and_a_dropped_event_are_found(
    engine: Stored, catalog_url: str, valkey: ValkeyServer
) -> None:
    async with world(engine, catalog_url, valkey) as it:
        await it.send(10, events=3)
        await engine.warehouse.change("DELETE FROM batches WHERE position = 4", {})
        await it.publish(1, events=3)
        [short] = await it.take()
        lines = short.message.data.splitlines(keepends=True)
        dropped = msgspec.structs.replace(short, message=Message(short.message.attributes, b"".join(lines[:2])))
        await it.write([dropped])
        await it.ack([short])
        missing, miscounted = sorted((await it.check()).gaps, key=lambda gap: gap.first_offset)
        assert (missing.kind, missing.first_offset, missing.events) == ("miscounted", 4, 3)
        assert (miscounted.kind, miscounted.first_offset, miscounted.events) == ("miscounted", 10, 1)
        assert miscounted.project_id == it.project
        assert ((await it.proof()).missing, (await it.proof()).balanced) == (1, False)


async def test_a_record_that_is_published_again_as_it_was_is_no_gap(
    engine: Stored, catalog_url: str, valkey: ValkeyServer
) -> None:
    async with world(engine, catalog_url, valkey) as it:
        await it.publish(3)
        taken = await it.take()
        await it.bus.publish(EVENTS_TOPIC, [one.message for one in taken])
        await it.write(taken)
        again = await it.take()
        await it.write(again)
        await it.ack([*taken, *again])
        await engine.warehouse.command("OPTIMIZE TABLE batches FINAL")
        assert await it.check() == (6, [], [])


async def test_a_removed_project_and_dead_letters_are_no_gaps(
    engine: Stored, catalog_url: str, valkey: ValkeyServer
) -> None:
    async with world(engine, catalog_url, valkey) as it:
        await it.send(3)
        await delete_rows(engine.warehouse, it.project, lambda _: None)
        await it.publish(4)
        taken = await it.take()
        # One dies and is sent again, one waits as a dead letter, one is kept for people, one is for another reader.
        letters = [dead_letter(placed(one), SINK, Answer(503, {}, b"")) for one in taken[:2]]
        again = read_letter(letters[0], 0).again()
        await it.bus.publish(EVENTS_TOPIC, [again])
        await it.bus.publish(DEAD_LETTERS, [letters[1]])
        refused = dead_letter(placed(taken[2]), SINK, Answer(422, {}, b""))
        await keep_letter(it.catalog, read_letter(refused, 1), 1 << 20)
        await it.catalog.rows("ledger/note_other", {"partition": 0, "place": taken[3].position.offset})
        await it.ack(taken)
        resent = await it.take()
        assert (await it.check()).gaps == []
        await it.write(resent)
        await it.ack(resent)
        assert await it.check() == (1, [], [])
        # What was used once explains nothing again.
        await it.publish(1)
        await it.ack(await it.take())
        [gap] = (await it.check()).gaps
        assert gap.missing == 1


async def test_a_bus_that_lost_everything_is_told_of_and_its_new_numbers_are_proven(
    engine: Stored, catalog_url: str, valkey: ValkeyServer
) -> None:
    async with world(engine, catalog_url, valkey) as it:
        await it.send(6, ago=timedelta(hours=1))
        await it.publish(2)
        await it.check()
        valkey.command("FLUSHALL")
        with contextlib.suppress(Rejected):
            await it.take()  # the reader sees that its topic is gone, and begins anew
        await it.send(4)
        [gap] = (await it.check()).gaps
        assert (gap.kind, gap.first_offset, gap.last_offset) == ("lost_log", 6, 7)
        await it.publish(1)
        await it.ack(await it.take())
        kinds = {one.kind: (one.first_offset, one.last_offset) for one in (await it.check()).gaps}
        assert kinds == {"lost_log": (6, 7), "missing": (4, 4)}


async def test_an_instance_of_an_earlier_version_is_proven_from_now_on(
    engine: Stored, catalog_url: str, valkey: ValkeyServer
) -> None:
    async with world(engine, catalog_url, valkey) as it:
        await it.publish(3)
        taken = await it.take()
        old = {"rows": 2, "rejected": 0, "received_at": "2020-01-01 00:00:00", "stored_at": "2020-01-01 00:00:00"}
        placed_at = {"project_id": str(it.project), "batch_id": str(uuid.uuid4()), "partition": 0, "position": 2}
        engine_row = msgspec.json.encode({**old, **placed_at})
        await engine.warehouse.insert_json_lines("batches", engine_row)
        await it.ack(taken)
        assert await it.check() == (0, [], [])
        await it.publish(1)
        await it.ack(await it.take())
        [gap] = (await it.check()).gaps
        assert gap.first_offset == 3
