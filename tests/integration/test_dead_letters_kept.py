"""Dead letters in the real catalog: kept once, bounded, found, forgotten."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import psycopg
import pytest

from shared.bus import Message
from shared.catalog.client import Catalog
from shared.catalog.dead_letters import KeptFullError, find_letters, forget_letter, keep_letter, list_letters
from shared.dead_letters import Letter, read_letter

T = TypeVar("T")
NOW = 1_750_000_000_123_456
ROOM = 1_000_000


def letter(number: int, data: bytes = b"\x00\xff{}", **attributes: str) -> Letter:
    known = {
        "id": f"b{number}",
        "source": "/sluice/ingest",
        "type": "dev.sluice.events.accepted.v1",
        "knativeerrordest": "http://batch-write.sluice.svc/",
        "knativeerrorcode": "422",
        "refusal": "not_a_cloudevent",
        "knativeerrordata": "bm9uZQ==",
    }
    return read_letter(Message({**known, **attributes}, data), NOW + number)


@pytest.fixture
def on_catalog(catalog_url: str) -> Callable[[Callable[[Catalog], Awaitable[T]]], T]:
    with psycopg.connect(catalog_url) as connection:
        connection.execute("TRUNCATE dead_letters")

    def run(work: Callable[[Catalog], Awaitable[T]]) -> T:
        async def with_catalog() -> T:
            catalog = Catalog(catalog_url)
            try:
                return await work(catalog)
            finally:
                await catalog.close()

        return asyncio.run(with_catalog())

    return run


Run = Callable[[Callable[[Catalog], Awaitable[T]]], T]


def test_a_letter_comes_out_as_it_went_in_and_once_however_often_it_was_kept(on_catalog: Run[None]) -> None:
    sent = letter(1, subject="ä\x00\n", time="2026-01-31T12:00:00Z")

    async def work(catalog: Catalog) -> None:
        for _ in range(3):
            await keep_letter(catalog, sent, ROOM)
        [listed] = await list_letters(catalog)
        assert listed.id == sent.id
        assert listed.event == Message(sent.event.attributes, b"")
        [found] = await find_letters(catalog, str(sent.id)[:8])
        assert found == sent
        assert await forget_letter(catalog, sent)
        assert not await forget_letter(catalog, sent)
        assert await list_letters(catalog) == []

    on_catalog(work)


def test_a_letter_that_was_sent_again_and_refused_once_more_is_not_forgotten_with_the_one_before(
    on_catalog: Run[None],
) -> None:
    before = letter(1)
    after = msgspec.structs.replace(before, resent=before.resent + 1)

    async def work(catalog: Catalog) -> None:
        await keep_letter(catalog, before, ROOM)
        await keep_letter(catalog, after, ROOM)
        assert not await forget_letter(catalog, before)
        assert await list_letters(catalog) == [
            msgspec.structs.replace(after, event=Message(after.event.attributes, b""))
        ]

    on_catalog(work)


def test_the_oldest_come_first_and_a_shared_beginning_is_seen(on_catalog: Run[None]) -> None:
    sent = [letter(number) for number in (3, 1, 2)]

    async def work(catalog: Catalog) -> None:
        for one in sent:
            await keep_letter(catalog, one, ROOM)
        assert [one.event.attributes["id"] for one in await list_letters(catalog)] == ["b1", "b2", "b3"]
        assert len(await list_letters(catalog, 2)) == 2
        assert len(await find_letters(catalog, "")) == 2
        assert await find_letters(catalog, str(uuid.UUID(int=0))) == []

    on_catalog(work)


def test_what_is_kept_is_bounded_and_nothing_kept_is_pushed_out(on_catalog: Run[None]) -> None:
    first, second = letter(1, bytes(1_000)), letter(2, bytes(1_000))
    room = first.event.size + second.event.size - 1

    async def work(catalog: Catalog) -> None:
        await keep_letter(catalog, first, room)
        with pytest.raises(KeptFullError, match="sluice bus"):
            await keep_letter(catalog, second, room)
        await keep_letter(catalog, first, room)
        assert [one.id for one in await list_letters(catalog)] == [first.id]
        await forget_letter(catalog, first)
        await keep_letter(catalog, second, room)

    on_catalog(work)


def test_odd_texts_are_kept(on_catalog: Run[None]) -> None:
    odd = letter(1, type="a\x00" + "ü" * 5_000, refusal="\x00", knativeerrordest="http://x\x00/" + "y" * 5_000)

    async def work(catalog: Catalog) -> None:
        await keep_letter(catalog, odd, ROOM)
        [found] = await find_letters(catalog, str(odd.id))
        assert found.event == odd.event

    on_catalog(work)
