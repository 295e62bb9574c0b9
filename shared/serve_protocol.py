"""uvicorn's HTTP protocol with its writes gathered: one system call an answer, the answers of a turn in one burst.

uvicorn writes an answer's head and body apart and uvloop sends each at once. Every send wakes the peer, which
then reads half an answer. What is written in one turn of the loop goes out at the turn's end instead; where a group
commit has many requests answered in one turn, that halves the cost of a request.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.http import ENDING, problem
from shared.refusals import Refusal


class GatheredWrites(asyncio.Transport):
    """A transport that writes what one turn of the loop brought together; everything else is the real one's."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: Any) -> None:
        if not data:
            return
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)

    def flush(self) -> None:
        """Hand over what was written; the real transport does the flow control."""
        parts, self._parts = self._parts, []
        if parts:
            self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        self._parts = []
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)


# The address and the headers of a request together: a token and the longest query fit several times over.
MOST_HEAD_BYTES = 64 * 1024
# Whoever still sends when it is refused would see a reset instead of the answer: what comes is read, and dropped.
_LINGER_SECONDS = 2.0


class _RefusedError(Exception):
    """Ends the parser's work on a request that was answered already."""


class GatheringProtocol(HttpToolsProtocol):
    """HttpToolsProtocol on gathered writes; what is no request it can take is answered as a problem, and hung up on.

    A client that goes on sending headers costs no more memory than MOST_HEAD_BYTES and what one turn of the loop reads.
    """

    # Of the head that is being read: at least and at most so much, for it may begin in the middle of what came.
    _least_bytes = 0
    _most_bytes = 0
    _in_head = False
    _refused = False

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        goes_on = self._in_head
        self._most_bytes += len(data)
        super().data_received(data)
        if not self._in_head:
            self._least_bytes = self._most_bytes = 0
        elif goes_on:
            self._least_bytes += len(data)
            if self._least_bytes > MOST_HEAD_BYTES:
                self._refuse(Refusal.HEADERS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._most_bytes > MOST_HEAD_BYTES and self._size_of_head() > MOST_HEAD_BYTES:
            self._refuse(Refusal.HEADERS_TOO_LARGE)
            raise _RefusedError
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(Refusal.BAD_REQUEST, msg)

    def _size_of_head(self) -> int:
        """Exactly; a chunk may hold bodies and other requests, too."""
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse(self, refusal: Refusal, detail: str = "") -> None:
        if self._refused:
            return
        self._refused = True
        reply = problem(refusal, detail or f"at most {MOST_HEAD_BYTES:,} bytes are taken")
        head = [b"HTTP/1.1 %d %s" % (reply.status, HTTPStatus(reply.status).phrase.encode())]
        head += [name + b": " + value for name, value in reply.raw_headers()]
        self.transport.write(b"\r\n".join([*head, b"connection: close", b"", reply.body]))
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(GatheredWrites(transport, self.loop))

    def shutdown(self) -> None:
        super().shutdown()
        if self.scope is not None and ENDING in self.scope:
            self.scope[ENDING].set()  # type: ignore[literal-required]  # put there by Request.ending


def websocket(**context: Any) -> asyncio.Protocol:
    """The WebSocket protocol of uvicorn, imported when somebody asks for one."""
    from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

    return WSProtocol(**context)
