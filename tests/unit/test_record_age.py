"""The objective "fresh": how old a record is when its events are stored and count."""

import uuid

from prometheus_client import REGISTRY

from functions.batch_write.logic import BatchWriter
from functions.batch_write.records import read_record
from shared.clock import FixedClock
from shared.events import Row, encode_line, record

ACCEPTED_AT = 1_795_224_000_123_456  # 2026-11-21T01:20:00.123456Z
PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")


class Store:
    async def insert_json_lines(self, table: str, lines: bytes) -> None:
        """Takes everything."""


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"sluice_record_age_seconds_{name}", labels) or 0.0


async def test_a_record_stored_seven_seconds_after_its_acceptance_is_seven_seconds_old() -> None:
    line = encode_line(Row(event="a", event_id=str(PROJECT), timestamp="2026-11-21 01:20:00.0", received_at=""))
    made = record(project_id=str(PROJECT), batch_id=uuid.UUID(int=7), lines=[line, line], micros=ACCEPTED_AT)
    before = {name: sample(name) for name in ("sum", "count")} | {
        bound: sample("bucket", le=bound) for bound in ("5.0", "10.0")
    }
    writer = BatchWriter(Store(), FixedClock(ACCEPTED_AT + 7_000_000), linger=0.01, max_rows=10)
    await writer.write(read_record(made))
    await writer.close()
    assert sample("count") - before["count"] == 1, "one a record, not one an event"
    assert sample("sum") - before["sum"] == 7
    assert sample("bucket", le="10.0") - before["10.0"] == 1
    assert sample("bucket", le="5.0") - before["5.0"] == 0
