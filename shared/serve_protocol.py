"""uvicorn's HTTP protocol with its writes gathered, and with requests that are begun at once (see shared.at_once).

uvicorn writes an answer's head and body apart and uvloop sends each at once. Every send wakes the peer, which
then reads half an answer. What is written in one turn of the loop goes out at the turn's end instead; where a group
commit has many requests answered in one turn, that halves the cost of a request.
"""

import asyncio
import functools
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.at_once import AtOnce, Begin
from shared.http import ENDING, Reply, problem
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


class _Begun:
    """Stands where uvicorn keeps the cycle of the request under way, for one that was begun at once."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "more_body", "response_complete")

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False
        self.more_body = False
        self.message_event = _NOBODY_WAITS


class _NobodyWaits:
    def set(self) -> None: ...


_NOBODY_WAITS = _NobodyWaits()


class GatheringProtocol(HttpToolsProtocol):
    """HttpToolsProtocol on gathered writes; what is no request it can take is answered as a problem, and hung up on.

    A request that came whole, on a connection where none is under way, is begun at once where the app can do that;
    every other is uvicorn's. A client that goes on sending headers costs no more memory than MOST_HEAD_BYTES and what
    one turn of the loop reads.
    """

    # Of the head that is being read: at least and at most so much, for it may begin in the middle of what came.
    _least_bytes = 0
    _most_bytes = 0
    _in_head = False
    _refused = False
    _at_once: AtOnce | None = None
    # Of a request that may be begun at once: by whom, and its body so far.
    _begin: Begin | None = None
    _body = b""

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        goes_on = self._in_head
        self._most_bytes += len(data)
        super().data_received(data)
        if self._begin is not None and not self._refused:  # the rest of its body is still on its way
            self._hand_over()
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
        if self._at_once is not None and (self.cycle is None or self.cycle.response_complete):
            self._begin = self._at_once.begins(self.parser.get_method(), self.url.partition(b"?")[0])
            self._body = b""
        if self._begin is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._begin is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        begin, self._begin = self._begin, None
        if begin is None:
            super().on_message_complete()
            return
        cycle = _Begun(keep_alive=self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive())
        before, self.cycle = self.cycle, cycle  # type: ignore[assignment]  # it has what the protocol asks of one
        peer = self.client[0] if self.client else ""
        answer = functools.partial(self._answer, cycle)
        if not begin(self.headers, self.url.partition(b"?")[2], self._body, peer, answer):
            self.cycle = before
            self._hand_over()
            super().on_message_complete()

    def _hand_over(self) -> None:
        """A request that is not begun at once goes uvicorn's way, as far as it has come."""
        self._begin = None
        super().on_headers_complete()
        super().on_body(self._body)

    def _answer(self, cycle: _Begun, reply: Reply) -> None:
        cycle.response_complete = True
        if cycle.disconnected or self.transport.is_closing():
            return
        parts = [_status_line(reply.status)]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((*parts, reply.head(), end, reply.body)))
        if cycle.keep_alive:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.transport.close()

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
        head = _status_line(reply.status) + reply.head() + b"connection: close\r\n\r\n"
        self.transport.write(head + reply.body)
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(GatheredWrites(transport, self.loop))
        self._at_once = self.app if isinstance(self.app, AtOnce) else None

    def shutdown(self) -> None:
        super().shutdown()
        if self.scope is not None and ENDING in self.scope:
            self.scope[ENDING].set()  # type: ignore[literal-required]  # put there by Request.ending


@functools.cache
def _status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %s\r\n" % (status, HTTPStatus(status).phrase.encode())


def websocket(**context: Any) -> asyncio.Protocol:
    """The WebSocket protocol of uvicorn, imported when somebody asks for one."""
    from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

    return WSProtocol(**context)
