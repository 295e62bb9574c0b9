"""The way of a request: authenticate → decode → validate → commit → answer, each step timed under its name."""

import random
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from functions.ingest.commit import GroupCommit
from functions.ingest.validate import arrival, validate
from shared import metrics
from shared.clock import Clock
from shared.events import encode_line
from shared.http import Reply, json_reply
from shared.ids import noise
from shared.refusals import Refusal, Rejected, describe
from shared.security.keys import Key

MAX_EVENTS = 10_000
_ENTROPY_BYTES = 10
_SHOWN_REJECTED = 100
# A histogram costs a microsecond and a request has five steps: a sample says the same.
TIMED_ONE_IN = 16

_HEX = rb"[0-9a-fA-F]{2}"
_HALF_PAIR = re.compile(
    rb"\\u[dD][89abAB]" + _HEX + rb"(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]" + _HEX, re.DOTALL
)
_ESCAPED_BACKSLASH, _STAND_IN = b"\\\\", b"\0\0"

_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Events(NamedTuple):
    """The raw events of a request; `single` where the body was one event and not a list."""

    raw: Sequence[bytes | msgspec.Raw]
    single: bool


class Refused(msgspec.Struct, frozen=True):
    """One refused event: its place in the request, the reason and what to change."""

    index: int
    reason: Refusal
    detail: str


class Accepted(msgspec.Struct, frozen=True):
    """The answer to an accepted request."""

    accepted: int
    rejected: list[Refused]
    receipt: str


_STEPS = {
    step: metrics.INGEST_STEP_SECONDS.labels(step)
    for step in ("authenticate", "decode", "validate", "commit", "answer")
}


class StepTimer:
    """Times the steps of one request, each under its name; one request in `every` is timed, at random."""

    __slots__ = ("_last",)

    def __init__(self, every: int = TIMED_ONE_IN) -> None:
        self._last = time.perf_counter() if random.random() * every < 1 else 0.0  # noqa: S311 (a sample)

    def end(self, step: str) -> None:
        """The step that began where the last one ended is done."""
        if not self._last:
            return
        now = time.perf_counter()
        _STEPS[step].observe(now - self._last)
        self._last = now


async def accept(
    body: bytes, key: Key, committer: GroupCommit, *, clock: Clock, timer: StepTimer, traceparent: str
) -> Reply:
    """Take the events of one request; returns once they are durable.

    Raises Rejected where nothing of it can be taken, UnavailableError where it is not known to be stored.
    """
    events = decode(body)
    timer.end("decode")
    lines, refused = check(events.raw, key, clock)
    timer.end("validate")
    for entry in refused:
        metrics.INGEST_EVENTS.labels(entry.reason).inc()
    if not lines:
        raise _all_refused(refused, single=events.single)
    receipt = await committer.submit(str(key.project_id), lines, traceparent)
    timer.end("commit")
    reply = json_reply(Accepted(len(lines), refused, receipt.token()), 202)
    timer.end("answer")
    return reply


def decode(body: bytes) -> Events:
    """The events in a body: one object, a list, or `{"events": [...]}`; refuses what is neither."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if text[:1] == b"[":
        return _bounded(_parsed(_decode_list, text))
    if text[:1] != b"{":
        if not text:
            raise Rejected(Refusal.MALFORMED_JSON, "the body is empty", position=0)
        _parsed(msgspec.json.decode, text)
        raise Rejected(Refusal.WRONG_SHAPE)
    if b'"events"' in text:
        fields = _parsed(_decode_fields, text)
        if "events" in fields and "event" not in fields:
            return _bounded(_listed(fields, text))
    return Events([text], single=True)


def _listed(fields: dict[str, msgspec.Raw], text: bytes) -> Sequence[msgspec.Raw]:
    """The list in `{"events": [...]}`; nothing may stand beside it, where it would be lost."""
    listed = bytes(fields.pop("events"))
    if fields:
        raise Rejected(Refusal.WRONG_SHAPE, f"beside `events` stands {min(fields)!r}; put it into each event")
    if listed[:1] != b"[":
        raise Rejected(Refusal.WRONG_SHAPE, "`events` must be a list of events")
    if text.count(b'"events"') - listed.count(b'"events"') > 1:
        raise Rejected(Refusal.DUPLICATE_KEY, "`events` is given twice")
    return _decode_list(listed)


def _bounded(raw: Sequence[msgspec.Raw]) -> Events:
    if not raw:
        raise Rejected(Refusal.WRONG_SHAPE, "the list of events is empty")
    if len(raw) > MAX_EVENTS:
        raise Rejected(Refusal.TOO_MANY_EVENTS, f"{len(raw)} events; at most {MAX_EVENTS}")
    return Events(raw, single=False)


def _parsed(decoder: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return decoder(text)
    except RecursionError as error:
        raise Rejected(Refusal.TOO_DEEP, "the body is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        marked = _mark_half_pairs(text)
        if marked != text:
            return _parsed(decoder, marked)
        raise malformed(error, text) from error


def _mark_half_pairs(text: bytes) -> bytes:
    """The JSON with a null character for each half of a surrogate pair, which msgspec calls malformed.

    It is sound JSON with a bad text in it: with the null only the event that holds it is refused (`bad_text`).
    """
    if _STAND_IN in text:
        return text
    hidden = text.replace(_ESCAPED_BACKSLASH, _STAND_IN)  # now every backslash begins an escape
    return _HALF_PAIR.sub(rb"\\u0000", hidden).replace(_STAND_IN, _ESCAPED_BACKSLASH)


def malformed(error: Exception, text: bytes) -> Rejected:
    """The refusal of malformed JSON with the byte where it stops making sense."""
    _, _, tail = str(error).partition("(byte ")
    digits = tail.partition(")")[0]
    position = int(digits) if digits.isdecimal() else len(text)
    return Rejected(Refusal.MALFORMED_JSON, f"{error}", position=position)


def check(raw: Sequence[bytes | msgspec.Raw], key: Key, clock: Clock) -> tuple[list[bytes], list[Refused]]:
    """Each event as an open line or a refusal, in order."""
    arrived = arrival(key.project_id, clock.micros())
    chance = noise(_ENTROPY_BYTES * len(raw))
    lines: list[bytes] = []
    refused: list[Refused] = []
    for index, part in enumerate(raw):
        event = bytes(part)
        entropy = chance[index * _ENTROPY_BYTES : (index + 1) * _ENTROPY_BYTES]
        try:
            lines.append(encode_line(validate(event, arrived, entropy)))
        except Rejected as rejected:
            refused.append(Refused(index, rejected.refusal, rejected.detail or describe(rejected.refusal).title))
        except msgspec.DecodeError:
            _parsed(_decode_fields, event)  # raises unless half a surrogate pair is all that is wrong
            refused.append(Refused(index, Refusal.BAD_TEXT, "a text holds half of a surrogate pair"))
        except RecursionError:
            refused.append(Refused(index, Refusal.TOO_DEEP, "the event is nested too deeply"))
    return lines, refused


def _all_refused(refused: Sequence[Refused], *, single: bool) -> Rejected:
    first = refused[0]
    if single:
        return Rejected(first.reason, first.detail)
    shown = [msgspec.to_builtins(entry) for entry in refused[:_SHOWN_REJECTED]]
    return Rejected(
        first.reason,
        f"none of the {len(refused)} events can be taken; the first: {first.detail}",
        rejected=shown,
    )
