"""The ledger over HTTP and by the timer: the proof of one project, and who is told of a gap."""

import asyncio
import json
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from functions.ledger_check.answers import DUE, GAP
from shared.bus import Message
from shared.events import CONTROL_TOPIC
from shared.notifications import REQUESTED
from tests.integration.asking import client, serve_with
from tests.integration.reading import Stored, batch, row, stored

PATH = "/api/v1/ledger"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("ledger-http")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with psycopg.connect(catalog_url) as connection:
        connection.execute("TRUNCATE ledger_partitions, ledger_gaps")
    return serve_with(monkeypatch, engine, catalog_url)


def placed(message: Message, place: int) -> Message:
    where = {"knativekafkapartition": "0", "knativekafkaoffset": str(place)}
    return Message({**message.attributes, **where}, message.data)


async def test_the_proof_is_of_one_project_and_what_cannot_be_asked_is_refused(
    engine: Stored, environment: str
) -> None:
    project, other = uuid.uuid4(), uuid.uuid4()
    messages = [batch(project, row("a"), row("b")), batch(other, *(row("c") for _ in range(5)))]
    await asyncio.to_thread(engine.put, *(placed(message, place) for place, message in enumerate(messages)))
    async with client("ledger_check", environment, project, "read") as asking:
        found = await asking.json("GET", f"{PATH}?from=2026-03-31&to=2026-03-31&by=minute")
        assert (found["state"], found["balanced"], found["accepted"], found["kept"]) == ("unchecked", True, 2, 2)
        assert found["periods"] == [
            {"start": "2026-03-31T12:00:00Z", "records": 1, "accepted": 2, "stored": 2, "rejected": 0}
        ]
        assert (await asking.json("GET", f"{PATH}?to=2026-03-30"))["accepted"] == 0
        assert await asking.refused("GET", f"{PATH}?from=2026-04-01&to=2026-03-01") == (422, "bad_range")
        assert await asking.refused("GET", f"{PATH}?by=day") == (400, "bad_request")
        assert await asking.refused("GET", f"{PATH}?per=day") == (422, "unknown_field")
    async with client("ledger_check", environment, uuid.uuid4(), "ingest") as asking:
        assert await asking.refused("GET", PATH) == (403, "scope_missing")


async def test_a_gap_is_told_once_as_an_event_and_to_webhooks_that_asked(environment: str) -> None:
    project = uuid.uuid4()
    async with client("ledger_check", environment, project, "read") as asking:
        with psycopg.connect(environment) as connection:
            connection.execute(
                "INSERT INTO ledger_gaps (id, kind, log, partition, first_offset, last_offset, detail)"
                " VALUES (%s, 'missing', 'x', 0, 7, 8, 'two are gone')",
                [uuid.uuid4()],
            )
            connection.execute(
                "INSERT INTO webhooks (id, project_id, url, types, secret)"
                " VALUES (%s, %s, 'https://a.example', ARRAY['ledger.gap'], 's')",
                [uuid.uuid4(), project],
            )
        due = Message({"specversion": "1.0", "id": "1", "source": "/t", "type": DUE}, b"")
        for _ in range(2):
            assert (await asking.post(due)).status == 204
        subscription = await asking.service._ports.bus.subscribe(CONTROL_TOPIC, "test")  # type: ignore[union-attr]
        told = [one.message for one in await subscription.take(10, 0)]
        assert [one.attributes["type"] for one in told] == [GAP, REQUESTED]
        assert json.loads(told[0].data)["missing"] == 2
        assert json.loads(told[1].data)["subscribers"] == "ledger.gap"
        assert (await asking.json("GET", PATH))["state"] == "gap"
        other = Message({"specversion": "1.0", "id": "1", "source": "/t", "type": "dev.sluice.other.v1"}, b"")
        assert (await asking.post(other)).status == 422
