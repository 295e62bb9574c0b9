"""The way of a request: authenticate, unpack, decode, validate, enrich, date, commit, answer; each step is timed."""

import functools
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from functions.ingest import sightings
from functions.ingest.answers import Checked, accepted, all_refused
from functions.ingest.commit import GroupCommit
from functions.ingest.enrich import Enricher
from functions.ingest.enrich.lookups import Lookup, Lookups
from functions.ingest.enrich.place import KeepAddress, Sender, TrustedProxies
from functions.ingest.formats import key_from_address, read_events
from functions.ingest.limiting import IngestLimits
from functions.ingest.parsing import Events, Limits, RawEvent, malformed, parsed
from functions.ingest.pii import PiiRules, clean, clean_refused
from functions.ingest.rejections import Rejections
from functions.ingest.schemas import ProjectSchemas, Schemas
from functions.ingest.validate import Arrival, EventLimits, Identity, Valid, arrival, validate
from shared import metrics
from shared.at_once import Head, Settle
from shared.catalog.sightings import Sightings
from shared.clock import Clock
from shared.edge.origins import OriginList
from shared.encodings import decompress
from shared.events import Receipt, RefusedEvent, encode_line
from shared.http import Reply
from shared.ids import named, noise
from shared.pii import Rules
from shared.refusals import Refusal, Rejected, UnavailableError, describe
from shared.replaying import HEADER as REPLAY
from shared.security.access import Access, key_text
from shared.security.keys import Key

_ENTROPY_BYTES = 10
# What makes a request one that may have to wait for something, or be put together first.
_NOT_AT_ONCE = frozenset({"content-encoding", sightings.HEADER, "ce-specversion", "ce-type", REPLAY})
_REMEMBERED_ORIGINS = 1_024
# A histogram costs a microsecond and a request has eight steps: a sample says the same.
TIMED_ONE_IN = 16
STEPS = ("authenticate", "unpack", "decode", "validate", "keep_refused", "date", "commit", "answer")

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Posted(NamedTuple):
    """One request: `key` is the API key's text from its head ('' without one), `read` its body, bounded."""

    headers: Mapping[str, str]
    key: str
    read: Callable[[int], Awaitable[bytes]]
    peer: str
    request_id: str
    traceparent: str


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
        metrics.INGEST_STEP_SECONDS.labels(step).observe(now - self._last)
        self._last = now


class _Sound(NamedTuple):
    """Events that can be stored as they are: open lines, and what the answer says of limits."""

    project_id: uuid.UUID
    lines: list[bytes]
    headers: dict[str, str]


class Pipeline:
    """The steps, with what they work with."""

    def __init__(
        self,
        *,
        access: Access,
        committer: GroupCommit,
        rejections: Rejections,
        sightings: Sightings,
        enricher: Enricher,
        proxies: TrustedProxies,
        lookups: Lookups,
        pii: PiiRules,
        schemas: Schemas,
        limiting: IngestLimits,
        limits: Limits,
        event_limits: EventLimits,
        clock: Clock,
    ) -> None:
        self._access = access
        self._committer = committer
        self._rejections = rejections
        self._sightings = sightings
        self._enricher = enricher
        self._proxies = proxies
        self._lookups = lookups
        self._pii = pii
        self._schemas = schemas
        self._limiting = limiting
        self._limits = limits
        self._event_limits = event_limits
        self._clock = clock
        self._pages = functools.lru_cache(_REMEMBERED_ORIGINS)(OriginList)

    def begin(self, head: Head, body: bytes, settle: Settle) -> bool:
        """Begin a request of sound events whose key is known (see shared.at_once); `take` has all others."""
        timer = StepTimer()
        try:
            sound = self._sound(head, body, timer)
        except Rejected:
            return False
        if sound is None:
            return False

        def committed(outcome: Receipt | Exception) -> None:
            timer.end("commit")
            settle(outcome if isinstance(outcome, Exception) else accepted(outcome, (), sound.headers))

        try:
            self._committer.enqueue(str(sound.project_id), sound.lines, head.traceparent, committed)
        except UnavailableError as error:
            settle(error)
        return True

    def _sound(self, head: Head, body: bytes, timer: StepTimer) -> _Sound | None:
        """The events of a request that waits for nothing; None, or Rejected raised, where `take` is to have it."""
        headers = head.headers
        key = self._access.known_key(key_text(headers) or key_from_address(head.query), "ingest")
        lookups = None if key is None else self._lookups.known(key.project_id)
        if key is None or lookups is None or not _NOT_AT_ONCE.isdisjoint(headers):
            return None
        if not self._pii.none_for(key.project_id):
            return None
        schemas = None
        if not self._schemas.none_for(key.project_id) and (schemas := self._schemas.at_once(key.project_id)) is None:
            return None
        timer.end("authenticate")
        events = read_events(body, headers, self._limits)
        if events.key or events.refused:
            return None
        timer.end("decode")
        arrived = arrival(key.project_id, self._clock.micros(), self._event_limits)
        sender = self._proxies.sender(headers, head.peer, server=key.kind == "secret", keep=key.ip_mode)
        checked = self._check(events, None, arrived, sender, lookups, schemas=schemas)
        if checked.refused or checked.warned or any(event.undated for event in checked.valid):
            return None
        timer.end("validate")
        told = self._limit(key, headers, head.peer)
        self._limiting.events(key, len(events.raw))
        timer.end("limit")
        return _Sound(key.project_id, [encode_line(event.row) for event in checked.valid], told)

    async def take(self, posted: Posted, timer: StepTimer) -> Reply:
        """Take the events of one request; returns once they, and what was refused of them, are durable.

        Raises Rejected where nothing of it can be taken, UnavailableError where it is not known to be stored.
        """
        key = await self._access.require_key(posted.key, "ingest") if posted.key else None
        timer.end("authenticate")
        headers: dict[str, str] = {} if key is None else self._limit(key, posted.headers, posted.peer)
        timer.end("limit")
        body = b""
        try:
            body = await posted.read(self._limits.request_bytes)
            body = decompress(body, posted.headers.get("content-encoding", ""), self._limits.request_bytes)
            timer.end("unpack")
            events = read_events(body, posted.headers, self._limits)
            claim = _claim(posted.headers, body)
        except Rejected as rejected:
            if key is None:
                raise Rejected(Refusal.KEY_MISSING) from rejected
            raise await self._kept_whole(rejected, body, key, posted) from rejected
        if key is None:
            key = await self._access.require_key(events.key, "ingest")
            headers = self._limit(key, posted.headers, posted.peer)
        self._limiting.events(key, len(events.raw))
        timer.end("decode")
        arrived = arrival(key.project_id, self._clock.micros(), self._event_limits)
        sender = self._proxies.sender(posted.headers, posted.peer, server=key.kind == "secret", keep=key.ip_mode)
        rules = await self._pii.of(key.project_id)
        if rules is not None:
            sender = sender._replace(referer=rules.text("url", sender.referer))
        lookups, schemas = await self._lookups.of(key.project_id), await self._schemas.of(key.project_id)
        checked = self._check(events, claim, arrived, sender, lookups, rules=rules, schemas=schemas)
        timer.end("validate")
        try:
            await self._date(checked.valid, claim, arrived)
        except Rejected as rejected:
            raise await self._kept_whole(rejected, body, key, posted) from rejected
        timer.end("date")
        receipt = await self._commit(checked, key, posted, timer, single=events.single)
        reply = accepted(receipt, checked.refused, headers, checked.warned)
        timer.end("answer")
        return reply

    def _limit(self, key: Key, sent: Mapping[str, str], peer: str) -> dict[str, str]:
        origin = sent.get("origin", "")
        if (
            origin
            and key.allowed_origins
            and key.kind == "public"
            and not self._pages(key.allowed_origins).allows(origin)
        ):
            detail = f"{origin[:200]!r} is none of the project's allowed origins"
            raise Rejected(Refusal.ORIGIN_FORBIDDEN, detail)
        address = self._proxies.address(sent, peer) if self._limiting.by_address else ""
        return self._limiting.request(key, address)

    def check_again(
        self,
        events: Events,
        arrived: Arrival,
        keep: KeepAddress | None,
        lookups: Sequence[Lookup],
        *,
        name: str,
        rules: Rules | None,
        schemas: ProjectSchemas | None,
    ) -> Checked:
        """What becomes of a payload that was refused before; `name` gives its events the same ids each time."""
        claim = sightings.Claim(f"replay\t{name}", b"")  # a tab: no client's key is one of these
        sender = Sender(server=True, keep=keep)
        return self._check(events, claim, arrived, sender, lookups, rules=rules, schemas=schemas)

    async def _kept_whole(self, rejected: Rejected, body: bytes, key: Key, posted: Posted) -> Rejected:
        """The refusal of a whole request, once its body is kept as one refused event."""
        detail = rejected.detail or describe(rejected.refusal).title
        refused = [RefusedEvent(0, rejected.refusal, detail, body)]
        receipt = await self._keep(refused, key, posted)
        return Rejected(rejected.refusal, rejected.detail, **{"receipt": receipt.token(), **rejected.extra})

    async def _keep(self, refused: Sequence[RefusedEvent], key: Key, posted: Posted) -> Receipt:
        for entry in refused:
            metrics.INGEST_EVENTS.labels(entry.reason).inc()
        rules = await self._pii.of(key.project_id)
        if rules is not None:
            refused = [clean_refused(entry, rules) for entry in refused]
        kept = await self._rejections.keep(refused, key, posted.request_id, posted.traceparent)
        return Receipt(
            key.project_id,
            kept.batch_id,
            parts=0,
            rows=0,
            refused_id=kept.batch_id,
            refused_parts=kept.parts,
            refused=len(refused),
        )

    def _check(
        self,
        events: Events,
        claim: sightings.Claim | None,
        arrived: Arrival,
        sender: Sender,
        lookups: Sequence[Lookup],
        *,
        rules: Rules | None = None,
        schemas: ProjectSchemas | None = None,
    ) -> Checked:
        """Each event as a sound row or a refusal, in order."""
        chance = noise(_ENTROPY_BYTES * len(events.raw))
        checked = Checked([], [], {}, [])
        for index, part in enumerate(events.raw):
            raw = bytes(part)
            entropy = chance[index * _ENTROPY_BYTES : (index + 1) * _ENTROPY_BYTES]
            try:
                if events.refused and index in events.refused:
                    raise events.refused[index]
                valid = validate(raw, arrived, entropy, _identity(events, index, claim, arrived))
                if rules is not None:
                    valid = clean(valid, rules)
                if schemas is not None and (broken := schemas.check(valid.row.event, valid.properties)):
                    checked.warned.append((index, broken))
                self._enricher.enrich(valid.row, sender, valid.properties, valid.context, lookups)
            except Rejected as rejected:
                checked.refuse(index, rejected, events)
            except msgspec.DecodeError as error:
                checked.refuse(index, _undecodable(raw, error), events)
            except RecursionError:
                checked.refuse(index, Rejected(Refusal.TOO_DEEP, "the event is nested too deeply"), events)
            else:
                checked.valid.append(valid)
        return checked

    async def _date(self, valid: Sequence[Valid], claim: sightings.Claim | None, arrived: Arrival) -> None:
        """Give events that do not say when they happened the time of their first sight."""
        undated = sightings.Undated(
            [event.row for event in valid if event.undated == "by_id"],
            [event.row for event in valid if event.undated == "by_key"],
        )
        if valid and (claim is not None or undated.by_id):
            await sightings.date(undated, claim, arrived, self._sightings)

    async def _commit(self, checked: Checked, key: Key, posted: Posted, timer: StepTimer, *, single: bool) -> Receipt:
        refused = None
        if checked.refused:
            refused = await self._keep(checked.refused, key, posted)
            timer.end("keep_refused")
        if not checked.valid:
            raise all_refused(checked, refused, single=single)
        lines = [encode_line(event.row) for event in checked.valid]
        receipt = await self._committer.submit(str(key.project_id), lines, posted.traceparent)
        timer.end("commit")
        if refused is None:
            return receipt
        return msgspec.structs.replace(
            receipt, refused_id=refused.refused_id, refused_parts=refused.refused_parts, refused=refused.refused
        )


def _claim(headers: Mapping[str, str], body: bytes) -> sightings.Claim | None:
    key = sightings.read_key(headers)
    return None if key is None else sightings.claim_of(key, body)


def _identity(events: Events, index: int, claim: sightings.Claim | None, arrived: Arrival) -> Identity | None:
    """The id of an event that brings none of its own: its CloudEvent's, or one under the request's key."""
    if events.identities is not None:
        source, client_id = events.identities[index]
        return Identity(named(arrived.project_id, source, client_id), client_id)
    if claim is not None:
        return Identity(sightings.event_id(arrived.project_id, claim.key, index), by_key=True)
    return None


def _undecodable(raw: RawEvent, error: msgspec.DecodeError) -> Rejected:
    """Why an event is no JSON: half of a surrogate pair in a text, or worse."""
    try:
        parsed(_decode_fields, bytes(raw))
    except Rejected as rejected:
        return rejected
    except msgspec.ValidationError:
        return malformed(error, bytes(raw))
    return Rejected(Refusal.BAD_TEXT, "a text holds half of a surrogate pair")
