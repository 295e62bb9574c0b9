"""The stored cases of tests/corpus: read, made into requests, sent many at a time (tests/corpus/README.md)."""

import asyncio
import base64
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from tests.e2e.running import EVENTS

FOLDER = Path(__file__).resolve().parents[1] / "corpus"
AT_ONCE = 16
LARGE_AT_ONCE = 2
TRIES = 4
UNAVAILABLE = 503
REQUEST_ID = "x-request-id"
_PLACEHOLDER = re.compile(r"\$\{([a-z_]+)([+-]\d+)?\}")


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """A piece of a body, so many times."""

    text: str = ""
    base64: str = ""
    times: int = 1

    def content(self) -> bytes:
        return (base64.b64decode(self.base64) or self.text.encode()) * self.times


class Recipe(msgspec.Struct, forbid_unknown_fields=True):
    """How to make a body that is too big to store: its parts, then packed in this order."""

    parts: list[Part]
    pack: list[str] = []

    def unpacked(self) -> bytes:
        return b"".join(part.content() for part in self.parts)


class Sent(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One request; `key` names whose key goes into X-API-Key. Texts may hold placeholders (`Values`)."""

    method: str = "POST"
    path: str = EVENTS
    key: str = "write"
    headers: dict[str, str] = {}
    body: str = ""
    base64: str = ""
    recipe: Recipe | None = None


class Expect(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What must come back: `rejected` are all refused events (place, reason), which must be kept, too.

    `raw` is what is kept of each, where that does not stand in the body as it is; `rewritten` where it is made of the
    body's parts. `answer` are members of a JSON answer.
    """

    status: int
    code: str = ""
    accepted: int | None = None
    rejected: list[tuple[int, str]] = []
    raw: list[str] = []
    rewritten: bool = False
    answer: dict[str, Any] = {}


class Case(Sent, kw_only=True):
    """A named request, after others perhaps, and its answer."""

    name: str
    expect: Expect
    first: list[Sent] = []


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Values:
    """What placeholders stand for: `${write}` and other texts, `${now+60}` ISO times, `${epoch-60}` seconds."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)
        self._now = datetime.now(UTC)

    def fill(self, text: str) -> str:
        """The text with its placeholders replaced; KeyError for one that is not known."""
        return _PLACEHOLDER.sub(lambda found: self._value(found[1], int(found[2] or 0)), text)

    def _value(self, name: str, seconds: int) -> str:
        moment = self._now + timedelta(seconds=seconds)
        epoch = int(moment.timestamp())
        match name:
            case "now":
                return moment.isoformat()
            case "day":
                return moment.date().isoformat()
            case "epoch":
                return str(epoch)
            case "epoch_ms":
                return str(epoch * 1_000)
            case "epoch_us":
                return str(epoch * 1_000_000)
            case "uuid":  # a UUIDv7 of that time
                return f"{epoch * 1_000:012x}"[:8] + "-" + f"{epoch * 1_000:012x}"[8:] + "-7000-8000-0123456789ab"
            case _:
                return self._texts[name]

    def body(self, sent: Sent) -> bytes:
        """The bytes of a body as they are sent."""
        if sent.recipe is not None:
            body = sent.recipe.unpacked()
            for name in sent.recipe.pack:
                body = _PACKERS[name](body)
            return body
        return base64.b64decode(sent.base64) or self.fill(sent.body).encode()

    def headers(self, sent: Sent, request_id: str) -> dict[str, str]:
        """The headers of a request, with the key it is sent with."""
        headers = {name: self.fill(value) for name, value in sent.headers.items()}
        if sent.key != "none":
            headers["X-API-Key"] = self._texts[sent.key]
        return {REQUEST_ID: request_id, **headers}


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def _brotli(body: bytes) -> bytes:
    import brotli  # type: ignore[import-untyped]  # it ships no types

    packed: bytes = brotli.compress(body, quality=4)
    return packed


def _zstd(body: bytes) -> bytes:
    from backports import zstd

    return zstd.compress(body)


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw-deflate": _raw_deflate,
    "br": _brotli,
    "zstd": _zstd,
}


def read_cases() -> dict[str, list[Case]]:
    """All cases by topic, the name of their file; raises msgspec.ValidationError for one that is misspelt."""
    decoder = msgspec.json.Decoder(Case)
    return {path.stem: decoder.decode_lines(path.read_bytes()) for path in sorted(FOLDER.glob("*.ndjson"))}


async def send_all(url: str, cases: Iterable[Case], values: Values) -> dict[str, Answer]:
    """The answer to each case by its name; a case's `first` requests are sent before it."""
    gates = {False: asyncio.Semaphore(AT_ONCE), True: asyncio.Semaphore(LARGE_AT_ONCE)}
    timeout = aiohttp.ClientTimeout(total=120)
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False) as session:

        async def run(case: Case) -> tuple[str, Answer]:
            async with gates[case.recipe is not None]:
                for place, sent in enumerate(case.first):
                    await _send(session, url, sent, values, f"{case.name}:{place}")
                return case.name, await _send_again(session, url, case, values)

        return dict(await asyncio.gather(*map(run, cases)))


async def _send_again(session: aiohttp.ClientSession, url: str, case: Case, values: Values) -> Answer:
    """A busy machine may be told to repeat the request unchanged; the last answer counts."""
    for _ in range(TRIES):
        answer = await _send(session, url, case, values, case.name)
        if answer.status != UNAVAILABLE:
            break
        assert answer.headers["retry-after"] == "1", answer
        await asyncio.sleep(1)
    return answer


async def _send(session: aiohttp.ClientSession, url: str, sent: Sent, values: Values, request_id: str) -> Answer:
    address = URL(url + values.fill(sent.path), encoded=True)
    body = await asyncio.to_thread(values.body, sent) if sent.recipe else values.body(sent)
    async with session.request(
        sent.method,
        address,
        data=io.BytesIO(body) if body else None,
        headers=values.headers(sent, request_id),
        skip_auto_headers=("Content-Type", "User-Agent", "Accept-Encoding"),
        allow_redirects=False,
    ) as answer:
        found = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, found, await answer.read())
