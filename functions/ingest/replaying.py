"""Refused events that come again: judged and taken by the steps of every event, at their first time of receipt."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from functions.ingest.answers import Checked
from functions.ingest.commit import GroupCommit
from functions.ingest.enrich.lookups import Lookup, Lookups
from functions.ingest.enrich.place import KeepAddress
from functions.ingest.formats import read_events
from functions.ingest.logic import Pipeline
from functions.ingest.parsing import Limits
from functions.ingest.pii import PiiRules
from functions.ingest.schemas import ProjectSchemas, Schemas
from functions.ingest.validate import EventLimits, arrival
from shared.catalog.client import Catalog
from shared.clock import Clock
from shared.events import encode_line
from shared.http import Reply, Request, json_reply
from shared.pii import Rules
from shared.refusals import Refusal, Rejected, describe
from shared.replaying import HEADER, MOST_BYTES, Answered, Asked, Item, Outcome, check, project_of

_STRUCTURED = "application/cloudevents+json"
_PLAIN = "application/json"

_decode = msgspec.json.Decoder(Asked).decode


class KnownOfProject(NamedTuple):
    """Where what a project brings to the judgement of its events is known."""

    lookups: Lookups
    pii: PiiRules
    schemas: Schemas


class Replays:
    """Answers the function replay, which alone can sign what it asks."""

    def __init__(
        self,
        pipeline: Pipeline,
        committer: GroupCommit,
        known: KnownOfProject,
        catalog: Catalog,
        clock: Clock,
        *,
        limits: Limits,
        event_limits: EventLimits,
    ) -> None:
        self._pipeline = pipeline
        self._committer = committer
        self._known = known
        self._catalog = catalog
        self._clock = clock
        self._limits = limits
        self._event_limits = event_limits

    async def take(self, request: Request) -> Reply:
        """The outcome of each payload, durable where it was taken. What is refused again is kept already.

        Raises Rejected (KEY_UNKNOWN) for whoever else asks, UnavailableError where it is not known to be stored.
        """
        header = request.headers[HEADER]
        project_id = project_of(header)
        body = await request.body(2 * MOST_BYTES)
        rows = await self._catalog.rows("replayed_project", {"project_id": project_id})
        secret = bytes(rows[0]["person_key"]) if rows else None
        check(header, secret, body, self._clock.micros() // 1_000_000)
        try:
            asked = _decode(body)
        except msgspec.MsgspecError as error:
            raise Rejected(Refusal.BAD_REQUEST, f"not what replay asks: {error}") from error
        judge = await self._judge(project_id, rows[0]["ip_mode"])
        judged = [self._judged(item, judge) for item in asked.items]
        lines = [line for _, taken in judged for line in taken]
        if lines and not asked.dry_run:
            await self._committer.submit(str(project_id), lines, request.traceparent)
        return json_reply(Answered([_outcome(found, taken, shown=asked.dry_run) for found, taken in judged]))

    async def _judge(self, project_id: uuid.UUID, keep: KeepAddress | None) -> "_Judge":
        known = self._known
        return _Judge(
            project_id,
            keep,
            await known.lookups.of(project_id),
            await known.pii.of(project_id),
            await known.schemas.of(project_id),
        )

    def _judged(self, item: Item, judge: "_Judge") -> tuple[Checked | Rejected, list[bytes]]:
        """What the steps say of a payload, and the lines of what they would take."""
        arrived = arrival(judge.project_id, item.received_at, self._event_limits)
        # What was too far ahead then may not be so any more.
        latest = arrival(judge.project_id, self._clock.micros(), self._event_limits).latest
        arrived = msgspec.structs.replace(arrived, latest=latest)
        try:
            kind = _STRUCTURED if b'"specversion"' in item.raw and item.raw.lstrip()[:1] == b"{" else _PLAIN
            events = read_events(item.raw, {"content-type": kind}, self._limits)
            checked = self._pipeline.check_again(
                events,
                arrived,
                judge.keep,
                judge.lookups,
                name=item.name,
                rules=judge.rules,
                schemas=judge.schemas,
            )
        except Rejected as rejected:
            return rejected, []
        return checked, [encode_line(event.row) for event in checked.valid]


class _Judge(msgspec.Struct, frozen=True):
    """What a project brings to the judgement of its payloads."""

    project_id: uuid.UUID
    keep: KeepAddress | None
    lookups: Sequence[Lookup]
    rules: Rules | None
    schemas: ProjectSchemas | None


def _outcome(found: Checked | Rejected, taken: Sequence[bytes], *, shown: bool) -> Outcome:
    if isinstance(found, Rejected):
        return Outcome(0, 1, found.refusal, found.detail or describe(found.refusal).title)
    event = msgspec.json.decode(taken[0] + b"}") if shown and taken else None
    if not found.refused:
        return Outcome(len(taken), event=event)
    first = found.refused[0]
    return Outcome(len(taken), len(found.refused), first.reason, first.detail, event)
