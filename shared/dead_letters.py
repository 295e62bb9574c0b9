"""Dead letters: records a source gave up on, why, and how one comes to its function again.

Knative's Kafka dispatcher (and our emulation of it) adds `knativeerrordest`, `knativeerrorcode` (absent where nobody
answered), `knativeerrordata` and the answer's `Kne-…` headers, and puts the record on the topic `dead-letter`. A
letter that waits there for its function carries the same under names of ours: what the dispatcher adds is
overwritten when the letter itself is given up once more, ours is not.
"""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from shared.bus import Message
from shared.clock import to_datetime
from shared.events import ACCEPTED, EVENTS_TOPIC, REJECTED, REJECTED_TOPIC
from shared.ids import named

DEAD_LETTERS = "dead-letter"
BROKER = "broker"
# An event with this attribute is for one of the readers of its topic alone.
ONLY_FOR = "onlyfor"

_TOPICS = {ACCEPTED: EVENTS_TOPIC, REJECTED: REJECTED_TOPIC}
# Who reads an event type from a topic, by service name. A test holds this against the wiring table: an event marked
# for somebody who does not read it would be seen by nobody.
READERS = {ACCEPTED: frozenset({"batch-write", "live", "webhooks"}), REJECTED: frozenset({"batch-write"})}
_NAMESPACE = uuid.UUID("6f0d6a6e-2f0b-5c53-9d55-0f3c0a4e7b1d")
_OURS = ("deaddest", "deadcode", "deadreason", "deaddetail", "deadsince", "deadqueued")
_KNATIVE = ("knativeerrordest", "knativeerrorcode", "knativeerrordata", "knativekafkapartition", "knativekafkaoffset")
_RESENT = "resent"
_REFUSAL = "refusal"
_MOST_DETAIL = 1_000
_NO_TIME = 0

# What passes by itself: everything from 500 on, these, and no answer at all (0).
_PASSING = frozenset({0, 404, 408, 409, 429})
_SERVER_ERROR = 500
# A 500 is a bug, or a record no process survives: sent again so often in vain, it is for people.
_MOST_BUG_RESENDS = 20
_FIRST_BACKOFF = 5
_LONGEST_BACKOFF = 3_600
_DOUBLINGS = 10
_SERVICE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter: `event` is the record as it first came, without a trace of its failing.

    `code` is the last answer's status, 0 where there was none; `reason` its refusal. `since` is when it was first
    seen dead, `queued` when it was last put back to wait (0: never), both in microseconds; `resent` how often it
    has been sent again.
    """

    event: Message
    dest: str
    code: int
    reason: str
    detail: str
    since: int
    queued: int
    resent: int

    @property
    def id(self) -> uuid.UUID:
        """The same for every delivery of the same letter."""
        attributes = self.event.attributes
        return named(_NAMESPACE, attributes.get("source", ""), attributes.get("id", ""), self.sink)

    @property
    def sink(self) -> str:
        """The service it was meant for; '' where that cannot be told."""
        return service_of(self.dest)

    @property
    def topic(self) -> str:
        """Where it is published again."""
        return _TOPICS.get(self.event.attributes.get("type", ""), BROKER)

    @property
    def final(self) -> bool:
        """Whether waiting cannot help.

        Nobody knows whose it is, it was refused, or sent again in vain so often that no outage explains it.
        """
        if not self.dest:
            return True
        if self.code < _SERVER_ERROR and self.code not in _PASSING:
            return True
        return self.code in {0, _SERVER_ERROR} and self.resent >= _MOST_BUG_RESENDS

    @property
    def due(self) -> int:
        """When it may be sent again, in microseconds: at once at first, then ever later, up to an hour."""
        if not self.resent:
            return self.since
        seconds = min(_FIRST_BACKOFF << min(self.resent, _DOUBLINGS), _LONGEST_BACKOFF)
        return self.since + seconds * 1_000_000

    def again(self) -> Message:
        """The event to publish: for the function that missed it alone, where that is known to be a reader of it."""
        attributes = {**self.event.attributes, _RESENT: str(self.resent + 1)}
        if self.sink in READERS.get(attributes.get("type", ""), ()):
            attributes[ONLY_FOR] = self.sink
        return Message(attributes, self.event.data)

    def waiting(self, now: int) -> Message:
        """The letter to put back on its topic, with all that is known of it under our names."""
        known = (self.dest, str(self.code), self.reason, self.detail, str(self.since), str(now))
        ours = {name: value for name, value in zip(_OURS, known, strict=True) if value}
        return Message({**self.event.attributes, _RESENT: str(self.resent), **ours}, self.event.data)


def read_letter(message: Message, now: int) -> Letter:
    """The letter in a message of the topic `dead-letter`, whoever put it there; takes any message."""
    attributes = message.attributes
    ours = "deadcode" in attributes
    left_out = {*_OURS, *_KNATIVE, _RESENT, _REFUSAL, ONLY_FOR}
    event = Message({name: value for name, value in attributes.items() if name not in left_out}, message.data)
    return Letter(
        event=event,
        dest=attributes.get("deaddest" if ours else "knativeerrordest", ""),
        code=_number(attributes.get("deadcode" if ours else "knativeerrorcode", "")),
        reason=attributes.get("deadreason" if ours else _REFUSAL, "")[:_MOST_DETAIL],
        detail=attributes.get("deaddetail", "") if ours else _detail(attributes.get("knativeerrordata", "")),
        since=_number(attributes.get("deadsince", "")) or now,
        queued=_number(attributes.get("deadqueued", "")),
        resent=_number(attributes.get(_RESENT, "")),
    )


def is_for(service: str, attributes: Mapping[str, str], prefix: str = "") -> bool:
    """Whether a service is to see an event, by its attributes or, with the prefix `ce-`, its headers.

    What was sent again for one reader of a topic is not for the others; whoever is no reader sees everything.
    """
    only = attributes.get(prefix + ONLY_FOR, service)
    return only == service or service not in READERS.get(attributes.get(f"{prefix}type", ""), ())


def service_of(url: str) -> str:
    """The service behind a sink's address: `http://<service>.<namespace>.svc/`, or `<url>/<service>/` emulated.

    OpenFaaS' gateway has each below `/function/`.
    """
    try:
        parts = urlsplit(url)
        name = parts.path.strip("/").removeprefix("function/") or (parts.hostname or "").partition(".")[0]
    except ValueError:
        return ""
    return name if _SERVICE.fullmatch(name) else ""


def moment(micros: int) -> str:
    """A time as the API writes it."""
    return to_datetime(micros).isoformat(timespec="seconds").replace("+00:00", "Z") if micros else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else _NO_TIME  # noqa: PLR2004 (fits 64 bits)


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""


def _detail(data: str) -> str:
    """What the answer said: a problem's sentence, else the beginning of the body, as printable text."""
    try:
        body = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return ""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
        text = problem.detail or problem.title
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        text = body.decode(errors="replace")
    return "".join(character if character.isprintable() else " " for character in text)[:_MOST_DETAIL].strip()
