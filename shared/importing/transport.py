"""Posting events to a Sluice server until they are answered for good, however often that takes."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from shared.clock import SYSTEM_CLOCK, Clock

EVENTS_PATH = "/api/v1/events"
RECEIPTS_PATH = "/api/v1/receipts"
MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_EVENTS = 10_000
_OPEN, _CLOSE = b'{"events":[', b"]}"
_ACCEPTED = 202
_POLL_SECONDS = 0.25
_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
# A whole request refused for what one of its events holds: it is halved until that event stands alone.
_DIVISIBLE = frozenset({400, 413, 422})
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class SendError(Exception):
    """The server refuses everything we send, answers what we do not understand, or is away for too long.

    `status` is that of its answer, 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Refused(msgspec.Struct, frozen=True):
    """One event the server refused: its position in what was sent, the code and a sentence."""

    index: int
    reason: str
    detail: str = ""


class Delivered(msgspec.Struct, frozen=True):
    """What became of the events of one call: those refused, and the receipt of (the last of) the others, or ''."""

    refused: list[Refused]
    receipt: str = ""


class _Answer(msgspec.Struct):
    accepted: int
    rejected: list[Refused] = []
    receipt: str = ""


class _State(msgspec.Struct):
    state: str = ""


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    code: str = ""
    request_id: str = ""
    rejected: list[Refused] = []

    def sentence(self) -> str:
        """Title, detail, code and request id, as far as they are known."""
        known = f"{self.title} {self.detail}".strip()
        marks = ", ".join(filter(None, [self.code, self.request_id and f"request {self.request_id}"]))
        return f"{known} ({marks})" if marks else known


class Patience(msgspec.Struct, frozen=True):
    """Seconds between two tries (doubling from `first` to `longest`) and until giving up on one request."""

    first: float = 0.2
    longest: float = 10.0
    give_up: float = 300.0

    def pause(self, tries: int) -> float:
        """The pause after that many failed tries, at random between half and all of it."""
        return min(self.longest, self.first * 2.0 ** min(tries, 20)) * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)


class Transport:
    """Sends events of one project to one server; safe to use from many tasks at once.

    A request that meets a fault (no connection, a broken one, 429, 5xx) is repeated with the same bytes, not
    before a `Retry-After` has passed: with ids and timestamps in it, repeating changes nothing. `waiting` is
    told the fault and the seconds until the next try.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        patience: Patience,
        waiting: Callable[[str, float], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._client = client
        self._patience = patience
        self._waiting = waiting
        self._clock = clock

    async def send(self, events: Sequence[bytes]) -> list[Refused]:
        """Send the events and return those refused; all others are stored durably. Raises SendError."""
        return (await self.deliver(events)).refused

    async def deliver(self, events: Sequence[bytes]) -> Delivered:
        """As `send`, with a receipt."""
        response = await self._post(_OPEN + b",".join(events) + _CLOSE)
        if response.status_code == _ACCEPTED:
            return _delivered(response, len(events))
        if response.status_code not in _DIVISIBLE:
            raise SendError(describe_problem(response), response.status_code)
        problem = _problem(response)
        if len(problem.rejected) == len(events):
            return Delivered(problem.rejected)
        if len(events) == 1:
            code = problem.code or f"http_{response.status_code}"
            return Delivered([Refused(0, code, problem.detail or problem.title)])
        middle = len(events) // 2
        first = await self.deliver(events[:middle])
        second = await self.deliver(events[middle:])
        later = [Refused(found.index + middle, found.reason, found.detail) for found in second.refused]
        return Delivered(first.refused + later, second.receipt or first.receipt)

    async def is_stored(self, receipt: str, within: float = 5.0) -> bool:
        """Whether the server says so of a receipt, asked again while it says "queued" for so many seconds."""
        until = self._clock.monotonic() + within
        while True:
            try:
                response = await self._client.get(f"{RECEIPTS_PATH}/{receipt}")
                state = msgspec.json.decode(response.content, type=_State).state if response.is_success else ""
            except (httpx.TransportError, msgspec.MsgspecError):
                return False
            if state != "queued" or self._clock.monotonic() > until:
                return state == "stored"
            await asyncio.sleep(_POLL_SECONDS)

    async def _post(self, body: bytes) -> httpx.Response:
        started, tries = self._clock.monotonic(), 0
        while True:
            asked = 0.0
            try:
                response = await self._client.post(EVENTS_PATH, content=body)
            except httpx.TransportError as error:
                fault = str(error) or type(error).__name__
            else:
                if response.status_code not in _RETRYABLE:
                    return response
                fault, asked = describe_problem(response), _retry_after(response)
            pause = max(asked, self._patience.pause(tries))
            tries += 1
            waited = self._clock.monotonic() - started
            if waited + pause > self._patience.give_up:
                raise SendError(f"gave up after {tries} tries in {waited:.0f} s: {fault}")
            self._waiting(fault, pause)
            await asyncio.sleep(pause)


@contextlib.asynccontextmanager
async def open_transport(
    url: str,
    key: str,
    *,
    connections: int,
    patience: Patience,
    waiting: Callable[[str, float], None] = lambda _fault, _seconds: None,
) -> AsyncIterator[Transport]:
    """A transport to the server at `url`; to this machine it never goes through a proxy."""
    client = httpx.AsyncClient(
        base_url=url,
        headers={"X-API-Key": key, "Content-Type": "application/json"},
        timeout=_TIMEOUT,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        trust_env=not is_local(url),
    )
    async with client:
        yield Transport(client, patience=patience, waiting=waiting)


def is_local(url: str) -> bool:
    return httpx.URL(url).host in {"localhost", "127.0.0.1", "::1"}


def describe_problem(response: httpx.Response) -> str:
    """One sentence of an answer that is no success: a problem document's members, or the bare status."""
    told = _problem(response).sentence()
    return f"{response.status_code}: {told}" if told else f"{response.status_code} {response.reason_phrase}"


def _problem(response: httpx.Response) -> _Problem:
    try:
        return msgspec.json.decode(response.content, type=_Problem)
    except msgspec.MsgspecError:
        return _Problem()


def _delivered(response: httpx.Response, sent: int) -> Delivered:
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
    except msgspec.MsgspecError as error:
        raise SendError(f"the server's 202 cannot be read ({error}); is this a Sluice server?") from error
    if answer.accepted + len(answer.rejected) != sent:
        raise SendError(f"{sent} events were sent, {answer.accepted} accepted, {len(answer.rejected)} refused")
    return Delivered(answer.rejected, answer.receipt)


def _retry_after(response: httpx.Response) -> float:
    """The seconds of a Retry-After header, a number or a date; 0 where there is none to understand."""
    value: Any = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(tz=UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
