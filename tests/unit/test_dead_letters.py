"""What becomes of a dead letter: who reads it, when it is sent again, and what is only for people."""

import base64

import pytest

from functions.dead_letter.logic import Became, Letters
from shared.bus import Message
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.clock import FixedClock
from shared.dead_letters import (
    BROKER,
    DEAD_LETTERS,
    ONLY_FOR,
    READERS,
    is_for,
    read_letter,
    service_of,
)
from shared.events import ACCEPTED, EVENTS_TOPIC, REJECTED, REJECTED_TOPIC
from shared.local.delivery import Answer, dead_letter
from shared.wiring import load_wiring

NOW = 1_750_000_000_000_000
SECOND = 1_000_000
SINK = "http://127.0.0.1:8082/batch-write/"
EVENT = Message({"specversion": "1.0", "id": "b1", "source": "/sluice/ingest", "type": ACCEPTED, "project": "p"}, b"x")


def died(status: int, body: bytes = b"", event: Message = EVENT, url: str = SINK, reason: str = "") -> Message:
    """The event as the source buries it: with its place on the bus and what went wrong."""
    placed = Message({**event.attributes, "knativekafkapartition": "0", "knativekafkaoffset": "7"}, event.data)
    return dead_letter(placed, url, Answer(status, {"kne-refusal": reason} if reason else {}, body))


class AllCatalog(Catalog):
    """A catalog that takes every letter; nothing here may ask it for more."""

    def __init__(self) -> None:
        super().__init__("postgresql://nowhere")
        self.kept: list[dict[str, object]] = []
        self.noted: list[dict[str, object]] = []

    async def rows(self, query: str, parameters: object = None) -> list[dict[str, object]]:
        assert isinstance(parameters, dict)
        if query == "ledger/note_other":
            self.noted.append(parameters)
            return []
        assert query == "keep_dead_letter"
        self.kept.append(parameters)
        return [{"id": parameters["id"]}]


class Sinks:
    """Functions that are all up or all away."""

    def __init__(self) -> None:
        self.up = False
        self.asked: list[str] = []

    async def ready(self, dest: str) -> bool:
        self.asked.append(dest)
        return self.up


class World:
    """Everything a letter meets."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.catalog = AllCatalog()
        self.sinks = Sinks()
        self.clock = FixedClock(NOW)
        self.letters = Letters(self.bus, self.catalog, self.sinks, self.clock, most_bytes=1_000_000, wait_seconds=300)

    async def on(self, topic: str) -> list[Message]:
        subscription = await self.bus.subscribe(topic, "look")
        taken = await subscription.take(1_000, 0)
        return [delivery.message for delivery in taken]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("status", [0, 404, 408, 409, 429, 500, 502, 503, 599])
async def test_an_outage_is_sent_again_as_it_first_came_once_its_function_is_back(world: World, status: int) -> None:
    world.sinks.up = True
    assert await world.letters.take(died(status, b"away")) is Became.RESENT
    [again] = await world.on(EVENTS_TOPIC)
    assert again == Message({**EVENT.attributes, "resent": "1", ONLY_FOR: "batch-write"}, EVENT.data)
    assert world.sinks.asked == [SINK]
    assert world.catalog.kept == []


async def test_the_ledger_knows_of_records_that_are_sent_again_for_another_reader_than_batch_write(
    world: World,
) -> None:
    world.sinks.up = True
    await world.letters.take(died(503))
    assert world.catalog.noted == []
    await world.letters.take(died(503, url="http://127.0.0.1:8082/live/"))
    assert world.catalog.noted == [{"partition": 0, "place": 1}]


@pytest.mark.parametrize("status", [400, 401, 410, 413, 422, 302])
async def test_a_refusal_is_kept_for_people_and_never_sent_again(world: World, status: int) -> None:
    world.sinks.up = True
    problem = b'{"title":"No.","detail":"the time is none\\u0000"}'
    assert await world.letters.take(died(status, problem, reason="not_a_cloudevent")) is Became.KEPT
    [kept] = world.catalog.kept
    assert {"code": status, "reason": "not_a_cloudevent", "detail": "the time is none"}.items() <= kept.items()
    assert kept["data"] == EVENT.data
    assert await world.on(EVENTS_TOPIC) == []


async def test_while_its_function_is_away_a_letter_waits_and_is_written_down_once_per_wait(world: World) -> None:
    assert await world.letters.take(died(503, b'{"detail":"the warehouse is away"}')) is Became.QUEUED
    [waiting] = await world.on(DEAD_LETTERS)
    for _ in range(5):
        world.clock.advance(50)
        assert await world.letters.take(waiting) is Became.WAITS
    world.clock.advance(51)
    assert await world.letters.take(waiting) is Became.QUEUED
    world.sinks.up = True
    assert await world.letters.take(waiting) is Became.RESENT
    assert [message.data for message in await world.on(EVENTS_TOPIC)] == [EVENT.data]


async def test_what_a_waiting_letter_knows_survives_that_it_is_given_up_itself(world: World) -> None:
    await world.letters.take(died(503, b'{"detail":"the warehouse is away"}'))
    [waiting] = await world.on(DEAD_LETTERS)
    worse = died(0, event=waiting, url="http://127.0.0.1:8082/dead-letter/")
    letter = read_letter(worse, NOW + SECOND)
    assert (letter.sink, letter.code, letter.detail, letter.since) == (
        "batch-write",
        503,
        "the warehouse is away",
        NOW,
    )
    assert letter.event == EVENT


async def test_a_letter_that_died_again_waits_ever_longer_up_to_an_hour(world: World) -> None:
    world.sinks.up = True
    waits = []
    for resent in range(12):
        letter = read_letter(died(503, event=Message({**EVENT.attributes, "resent": str(resent)}, b"")), NOW)
        waits.append((letter.due - NOW) // SECOND)
    assert waits == [0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    again = Message({**EVENT.attributes, "resent": "3", ONLY_FOR: "batch-write"}, EVENT.data)
    assert await world.letters.take(died(503, event=again)) is Became.QUEUED
    [waiting] = await world.on(DEAD_LETTERS)
    world.clock.advance(39)
    assert await world.letters.take(waiting) is Became.WAITS
    world.clock.advance(2)
    assert await world.letters.take(waiting) is Became.RESENT
    [sent] = await world.on(EVENTS_TOPIC)
    assert sent.attributes["resent"] == "4"


@pytest.mark.parametrize(("status", "ends"), [(500, True), (0, True), (503, False), (429, False)])
async def test_only_a_bug_is_for_people_after_many_resends_an_outage_never(status: int, *, ends: bool) -> None:
    worn = died(status, event=Message({**EVENT.attributes, "resent": "20"}, b""))
    assert read_letter(worn, NOW).final is ends


async def test_a_letter_that_waits_at_the_largest_size_is_kept_instead(world: World) -> None:
    big = Message(EVENT.attributes, bytes(1024 * 1024 - EVENT.size))
    assert await world.letters.take(died(503, event=big)) is Became.KEPT


@pytest.mark.parametrize(
    ("event_type", "topic"), [(ACCEPTED, EVENTS_TOPIC), (REJECTED, REJECTED_TOPIC), ("dev.x.asked.v1", BROKER)]
)
def test_each_type_goes_back_to_its_own_topic(event_type: str, topic: str) -> None:
    event = Message({**EVENT.attributes, "type": event_type}, b"")
    assert read_letter(died(503, event=event), NOW).topic == topic


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("http://127.0.0.1:8082/batch-write/", "batch-write"),
        ("http://batch-write.sluice.svc.cluster.local", "batch-write"),
        ("http://batch-write.sluice.svc.cluster.local/", "batch-write"),
        ("http://[::1", ""),
        ("http://gateway.openfaas:8080/function/batch-write/", "batch-write"),
        ("http://host/a/b", ""),
        ("", ""),
    ],
)
def test_the_service_is_read_off_its_address(url: str, service: str) -> None:
    assert service_of(url) == service


@pytest.mark.parametrize("url", ["http://x.y/", "http://127.0.0.1:1/dead-letter/", "ftp://?", ""])
def test_an_event_for_somebody_who_does_not_read_it_goes_to_everybody(url: str) -> None:
    again = read_letter(died(503, url=url), NOW).again()
    assert ONLY_FOR not in again.attributes


def test_who_reads_which_type_is_what_the_wiring_table_says() -> None:
    rows = load_wiring().functions
    for event_type, readers in READERS.items():
        found = {row.service for row in rows for topic in row.topics if event_type in topic.types}
        assert readers == found, event_type


def test_what_is_meant_for_one_reader_is_hidden_from_the_others_alone() -> None:
    again = read_letter(died(503), NOW).again()
    assert is_for("batch-write", again.attributes)
    assert not is_for("live", again.attributes)
    assert is_for("dead-letter", again.attributes), "a letter that died twice is still seen where letters are read"
    headers = {f"ce-{name}": value for name, value in again.attributes.items()}
    assert not is_for("live", headers, "ce-")
    assert is_for("live", EVENT.attributes)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"knativeerrorcode": "many", "knativeerrordata": "%%%", "knativeerrordest": "\x00"},
        {"deadcode": "9" * 40, "deadsince": "-1", "resent": "x", "deadqueued": "\u0661"},
        {"resent": "99999999999999999", "knativeerrorcode": "503"},
        {"knativeerrordata": base64.b64encode(b"[" * 900).decode(), "knativeerrorcode": "503"},
    ],
)
async def test_any_message_is_a_letter(world: World, attributes: dict[str, str]) -> None:
    became = await world.letters.take(Message(attributes, b"\xff"))
    assert became in {Became.QUEUED, Became.KEPT}


def test_a_letter_has_the_same_id_however_often_it_comes() -> None:
    first, later = read_letter(died(503), NOW), read_letter(died(400, b"x"), NOW + SECOND)
    assert first.id == later.id
    assert first.id != read_letter(died(503, url="http://h/live/"), NOW).id
