"""What is written in one turn of the loop goes out together, and nothing is lost or reordered by that."""

import asyncio

from shared.serve_protocol import GatheredWrites


class Recorder(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.seen.append(bytes(data))

    def close(self) -> None:
        self.seen.append("closed")

    def abort(self) -> None:
        self.seen.append("aborted")


async def test_head_and_body_are_one_write() -> None:
    under = Recorder()
    transport = GatheredWrites(under, asyncio.get_running_loop())
    transport.write(b"head ")
    transport.write(b"")
    transport.write(b"body")
    assert under.seen == []
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)
    assert under.seen == [b"head body", b"next"]


async def test_what_was_written_goes_out_before_the_connection_closes() -> None:
    under = Recorder()
    transport = GatheredWrites(under, asyncio.get_running_loop())
    transport.write(b"last words")
    transport.close()
    await asyncio.sleep(0)
    assert under.seen == [b"last words", "closed"]


async def test_an_aborted_connection_sends_nothing_more() -> None:
    under = Recorder()
    transport = GatheredWrites(under, asyncio.get_running_loop())
    transport.write(b"too late")
    transport.abort()
    await asyncio.sleep(0)
    assert under.seen == ["aborted"]
