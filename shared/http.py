"""Requests and replies as values, the same on plain ASGI and under functions-framework."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
from typing import Any, TypeVar
from urllib.parse import quote, unquote_plus

import msgspec

from shared.patience import within
from shared.refusals import Refusal, Rejected, describe
from shared.security.masking import mask_forms

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = "application/json"
PROBLEM = "application/problem+json"
BODY_SECONDS = 20
# Where a request's scope keeps what is set when the server begins to stop.
ENDING = "sluice.ending"
# RFC 9110 §11.6.1 and RFC 6750 §3: what a 401 asks for, and that what was sent does not do.
_UNAUTHORIZED = 401
_CHALLENGE = 'Bearer realm="sluice"'
_SENT_IN_VAIN = ', error="invalid_token"'
_WRONG_CREDENTIALS = frozenset(
    {Refusal.TOKEN_UNKNOWN, Refusal.TOKEN_EXPIRED, Refusal.TOKEN_REVOKED, Refusal.KEY_UNKNOWN}
)
PROJECT_HEADER = "sluice-project"
"""How a function says which project it answered from; it goes no further than the edge."""
CALLER_HEADER = "sluice-caller"
"""How a function says whose key or token it was: `key:<id>` or `user:<id>`; it goes no further than the edge."""
_DISCARDED_TIMES = 4


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete; nobody waits for an answer."""


class Request:
    """One HTTP request: its head as values, its body read on demand and bounded."""

    __slots__ = (
        "_body",
        "_receive",
        "_scope",
        "function",
        "headers",
        "method",
        "notes",
        "path",
        "request_id",
        "traceparent",
    )

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._body: bytes | None = None
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.function = ""
        self.request_id = ""
        self.traceparent = ""
        # Headers its answer is to have, whatever becomes of it; None for none.
        self.notes: dict[str, str] | None = None

    def note(self, name: str, value: str) -> None:
        """Give the answer a header (lower-case name), errors too."""
        if self.notes is None:
            self.notes = {}
        self.notes[name] = value

    @property
    def address(self) -> str:
        """The path with its query string, as it was sent."""
        raw: bytes = self._scope.get("raw_path") or quote(self.path).encode()
        return (raw + b"?" + self.query if self.query else raw).decode("latin-1")

    def move(self, path: str) -> None:
        """Let it ask for another path (decoded); its query string stays."""
        self.path = path
        self._scope["raw_path"] = quote(path).encode()

    @property
    def query(self) -> bytes:
        """The query string, as it was sent."""
        query: bytes = self._scope["query_string"]
        return query

    def take_parameter(self, name: str) -> str | None:
        """A parameter of the address, which is then gone from it; None without one. Refuses one that is there twice."""
        mark = name.encode()
        if mark not in self.query:
            return None
        parts = self.query.split(b"&")
        found = [part for part in parts if unquote_plus(part.partition(b"=")[0].decode("latin-1")) == name]
        if len(found) > 1:
            raise Rejected(Refusal.BAD_REQUEST, f"`{name}` is there twice")
        self._scope["query_string"] = b"&".join(part for part in parts if part not in found)
        return unquote_plus(found[0].partition(b"=")[2].decode("latin-1")) if found else None

    @property
    def peer(self) -> str:
        """The address at the other end of the connection: the client's or a proxy's; '' where it is not known."""
        client = self._scope.get("client")
        return client[0] if client else ""

    async def gone(self) -> None:
        """Return when the client has closed the connection; its body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def ending(self) -> asyncio.Event:
        """Set when the server begins to stop; what goes on ends then."""
        event: asyncio.Event = self._scope.setdefault(ENDING, asyncio.Event())
        return event

    async def body(self, limit: int) -> bytes:
        """The whole body; refuses more than `limit` bytes with `body_too_large` before reading them all."""
        if self._body is None:
            try:
                self._body = await within(BODY_SECONDS, self._read(limit))
            except TimeoutError as error:
                raise Rejected(Refusal.BODY_TOO_SLOW, f"it was not complete after {BODY_SECONDS} seconds") from error
        return self._body

    async def while_connected(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns or raises; it is cancelled, and ClientGoneError raised, once nobody waits for its answer.

        The body must have been read, or be of no interest: it cannot be read afterwards.
        """
        task, gone = asyncio.create_task(work), asyncio.create_task(self._left())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if task.done() or not gone.result():
                return await task
            raise ClientGoneError
        finally:
            gone.cancel()
            task.cancel()

    async def _left(self) -> bool:
        """True once the client has closed the connection; False where that cannot be seen."""
        more = self._body is None
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return True
            if not more:
                return False
            more = bool(message.get("more_body"))

    async def _read(self, limit: int) -> bytes:
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            await self._discard(_DISCARDED_TIMES * limit)
            raise Rejected(Refusal.BODY_TOO_LARGE, f"{announced} bytes; at most {limit} are taken")
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        first: bytes = message.get("body", b"")
        if not message.get("more_body"):
            return _bounded(first, limit)
        parts, total = [first], len(first)
        while message.get("more_body"):
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGoneError
            parts.append(message.get("body", b""))
            total += len(parts[-1])
            if total > limit:
                raise Rejected(Refusal.BODY_TOO_LARGE, f"more than {limit} bytes")
        return b"".join(parts)

    async def _discard(self, most: int) -> None:
        """Read a body nobody wants: a client that is still sending would see a reset instead of its answer."""
        more, read = True, 0
        while more and read < most:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGoneError
            read += len(message.get("body", b""))
            more = message.get("more_body", False)


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise Rejected(Refusal.BODY_TOO_LARGE, f"{len(body)} bytes; at most {limit} are taken")
    return body


class Reply:
    """One HTTP answer; `headers` are lower-case names without content-type and content-length."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers: dict[str, str] = dict(headers) if headers else {}

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as ASGI wants them; Content-Length always, also with an empty body."""
        raw = [(b"content-length", str(len(self.body)).encode())]
        if self.body:
            raw.append((b"content-type", self.content_type.encode("latin-1")))
        raw.extend((name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items())
        return raw

    def head(self) -> bytes:
        """The same as lines of HTTP/1.1."""
        kind = f"content-type: {self.content_type}\r\n" if self.body else ""
        lines = [f"content-length: {len(self.body)}\r\n", kind]
        lines += [f"{name}: {value}\r\n" for name, value in self.headers.items()]
        return "".join(lines).encode("latin-1")

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.raw_headers()})
        await send({"type": "http.response.body", "body": self.body})


class Passed(Reply):
    """A whole answer that came from elsewhere, with all of its cookies."""

    __slots__ = ("cookies",)

    def __init__(
        self, status: int, body: bytes, content_type: str, headers: dict[str, str], cookies: list[str]
    ) -> None:
        super().__init__(status, body, content_type, headers)
        self.cookies = cookies

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        return [*super().raw_headers(), *((b"set-cookie", cookie.encode("latin-1")) for cookie in self.cookies)]

    def head(self) -> bytes:
        return super().head() + b"".join(b"set-cookie: %s\r\n" % cookie.encode("latin-1") for cookie in self.cookies)


def from_this_machine(headers: Mapping[str, str]) -> bool:
    """Whether the Host header names the loopback.

    What listens there without a key must not be reached by a web page whose name was made to point at 127.0.0.1.
    """
    name = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    return name in {"127.0.0.1", "localhost", "[::1]"}


def json_reply(value: Any, status: int = 200) -> Reply:
    """`value` as a JSON answer."""
    return Reply(status, msgspec.json.encode(value))


def problem(
    refusal: Refusal,
    detail: str = "",
    *,
    request_id: str = "",
    retry_after: int | None = None,
    allow: Iterable[str] = (),
    extra: Mapping[str, object] | None = None,
) -> Reply:
    """An RFC 9457 problem document for a refusal: `code` is the refusal, `detail` says what to change."""
    description = describe(refusal)
    members: dict[str, object] = {
        "type": f"urn:sluice:problem:{refusal}",
        "title": description.title,
        "status": description.status,
        "code": str(refusal),
    }
    if detail:
        members["detail"] = mask_forms(detail)
    if request_id:
        members["request_id"] = request_id
    members.update(extra or {})
    reply = Reply(description.status, msgspec.json.encode(members), PROBLEM)
    if description.retryable and refusal is not Refusal.INTERNAL:
        reply.headers["retry-after"] = str(retry_after or 1)
    if description.status == _UNAUTHORIZED:
        reply.headers["www-authenticate"] = _CHALLENGE + (_SENT_IN_VAIN if refusal in _WRONG_CREDENTIALS else "")
    if allow:
        reply.headers["allow"] = ", ".join(allow)
    return reply
