"""Passing a request on to the function that answers it, with its ids, within its time, behind a breaker."""

from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from shared import metrics
from shared.clock import SYSTEM_CLOCK, Clock
from shared.edge.breaker import Breaker
from shared.http import Passed, Reply, Request
from shared.refusals import UnavailableError
from shared.streams import Parts, Streamed, is_stream
from shared.wiring import Function

if TYPE_CHECKING:
    import aiohttp

_SERVICE = "{service}"
_CONNECTIONS = 1_024
_CONNECT_SECONDS = 10
# Larger answers are passed on part by part.
_WHOLE_BYTES = 1 << 20
_OK = 200
# A function that is over its own time answers so itself; who passes on waits a little longer than it.
_LONGER_SECONDS = 5
# Hop-by-hop headers belong to one connection and are never passed on (RFC 9110 §7.6.1).
_NOT_FORWARDED = frozenset(
    {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer", "host"}
)
_NOT_RETURNED = _NOT_FORWARDED | {"content-length", "content-type", "date", "server", "set-cookie"}


def origin_of(functions_url: str, service: str) -> str:
    """Scheme, host and port of a function, without a slash at the end."""
    return functions_url.rstrip("/").replace(_SERVICE, service)


class Forwarder:
    """Passes requests on to functions at `functions_url` ({service} in it stands for each one's name)."""

    def __init__(self, functions_url: str, clock: Clock = SYSTEM_CLOCK, *, unchanged: bool = False) -> None:
        """With `unchanged` a function sees a request as if it had come straight to it."""
        self._functions_url = functions_url
        self._clock = clock
        self._unchanged = unchanged
        self._breakers: dict[str, Breaker] = {}
        self._session: aiohttp.ClientSession | None = None

    async def forward(self, request: Request, row: Function, most_bytes: int) -> Reply:
        """The function's answer. `request` carries its ids already.

        Refuses a body of more than `most_bytes`; raises UnavailableError, which says which function is away, where
        it does not answer within its time, and at once while its breaker is open.
        """
        breaker = self._breakers.get(row.service)
        if breaker is None:
            breaker = self._breakers[row.service] = Breaker(row.service, self._clock)
        body = await request.body(most_bytes)
        breaker.check()
        try:
            reply = await request.while_connected(self._exchange(request, row, body))
        except UnavailableError:
            breaker.silent()
            metrics.FORWARD_FAILURES.labels(row.service).inc()
            raise
        breaker.answered()
        return reply

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _exchange(self, request: Request, row: Function, body: bytes) -> Reply:
        import aiohttp
        from yarl import URL

        address = URL(origin_of(self._functions_url, row.service) + request.address, encoded=True)
        timeout = aiohttp.ClientTimeout(total=row.timeout + _LONGER_SECONDS, sock_connect=_CONNECT_SECONDS)
        try:
            async with AsyncExitStack() as until:
                answer = await until.enter_async_context(
                    self._opened().request(
                        request.method,
                        address,
                        headers=_end_to_end(request) if self._unchanged else _passed_on(request),
                        data=body or None,
                        timeout=timeout,
                        allow_redirects=False,
                    )
                )
                headers = {name.lower(): value for name, value in answer.headers.items()}
                kept = {name: value for name, value in headers.items() if name not in _NOT_RETURNED}
                large = _is_large(request, answer)
                if large or is_stream(headers):
                    parts = _passed_by(answer, until.pop_all())
                    stream = await Streamed.start(request, parts, headers.get("content-type", ""))
                    stream.headers.update(kept)
                    if large:  # and whoever gets less than announced knows that it broke off
                        stream.headers["content-length"] = headers["content-length"]
                    return stream
                content = await answer.read()
        except TimeoutError as error:
            raise UnavailableError(f"{row.service} did not answer in {row.timeout + _LONGER_SECONDS} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnavailableError(f"{row.service} does not answer") from error
        cookies = answer.headers.getall("Set-Cookie", [])
        return Passed(answer.status, content, headers.get("content-type", ""), kept, cookies)

    def _opened(self) -> "aiohttp.ClientSession":
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                auto_decompress=False,
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),  # nobody's cookies are anybody else's
            )
        return self._session


def _is_large(request: Request, answer: "aiohttp.ClientResponse") -> bool:
    """Whether an answer is passed on as it comes, and never held whole: a file of an export."""
    return answer.status == _OK and request.method != "HEAD" and (answer.content_length or 0) > _WHOLE_BYTES


async def _passed_by(answer: "aiohttp.ClientResponse", held: AsyncExitStack) -> Parts:
    """The parts of an answer as they come; one that breaks off ends, and whoever listens comes again."""
    import aiohttp

    async with held:
        with suppress(aiohttp.ClientError, OSError):
            async for part in answer.content.iter_any():
                yield part


def _end_to_end(request: Request) -> dict[str, str]:
    """The headers that are meant for the function, and not for one connection on the way."""
    named = {name.strip().lower() for name in request.headers.get("connection", "").split(",")}
    return {name: value for name, value in request.headers.items() if name not in _NOT_FORWARDED | named}


def _passed_on(request: Request) -> dict[str, str]:
    headers = _end_to_end(request)
    headers["x-request-id"] = request.request_id
    headers["traceparent"] = request.traceparent
    headers["x-forwarded-for"] = ", ".join(filter(None, [headers.get("x-forwarded-for"), request.peer]))
    headers["x-forwarded-host"] = request.headers.get("host", "")
    return headers
