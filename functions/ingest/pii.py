"""PII rules at ingest: before anything of an event is stored, and before what was refused is kept.

A project without rules costs a look into a dict. Nothing is taken before the rules were read once: until then a request
is refused as unavailable, for what is stored against a rule cannot be taken back.
"""

import asyncio
import uuid
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
import structlog

from functions.ingest.validate import SPELLINGS, Valid
from shared.catalog.client import Catalog
from shared.clock import Clock
from shared.events import RefusedEvent
from shared.pii import Rule, Rules, taken_by
from shared.refusals import UnavailableError

# A change holds within this time.
REFRESH_SECONDS = 15.0
WITHHELD = "(the payload is not kept: the project has PII rules, and it is no readable JSON)"

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_taken = taken_by(SPELLINGS)

log = structlog.get_logger()


class PiiRules:
    """The rules of all projects, at most REFRESH_SECONDS old while the catalog answers, then those known last."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._read_at = float("-inf")
        self._known: dict[uuid.UUID, Rules] | None = None
        # Kept by a timer: to ask the clock would cost each event more than the rules of a project without any.
        self._fresh = False
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None

    async def of(self, project_id: uuid.UUID) -> Rules | None:
        """A project's rules, None where it has none; raises UnavailableError where nobody could say so far."""
        if self._clock.monotonic() - self._read_at > REFRESH_SECONDS and self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="pii-rules")
        if self._known is None and self._reading is not None:
            await asyncio.shield(self._reading)
        if self._known is None:
            raise UnavailableError("the project's PII rules could not be read")
        return self._known.get(project_id)

    def none_for(self, project_id: uuid.UUID) -> bool:
        """Whether it is known, without waiting nor asking, that a project has no rules."""
        return self._fresh and (not self._known or project_id not in self._known)

    async def close(self) -> None:
        """End the question under way."""
        if self._timer is not None:
            self._timer.cancel()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _old(self) -> None:
        self._fresh = False

    async def _read(self) -> None:
        try:
            rows = await self._catalog.rows("all_pii_rules")
        except UnavailableError as error:
            log.warning("pii_rules_stale", detail=str(error))
        else:
            known, before = {}, self._known or {}
            for project_id, of_project in groupby(rows, key=itemgetter("project_id")):
                known[project_id] = _same_or_new(list(of_project), before.get(project_id))
            self._known = known
            self._read_at = self._clock.monotonic()
            self._fresh = True
            self._timer = asyncio.get_running_loop().call_later(REFRESH_SECONDS, self._old)
        finally:
            self._reading = None


def _same_or_new(rows: Sequence[dict[str, Any]], before: Rules | None) -> Rules:
    rules = tuple(Rule(row["match"], row["text"], row["action"], row["length"]) for row in rows)
    return before if before is not None and before.rules == rules else Rules(rules, bytes(rows[0]["person_key"]))


def clean(valid: Valid, rules: Rules) -> Valid:
    """A sound event after the rules: its properties, context and address."""
    row, properties, context = valid.row, valid.properties, valid.context
    if (after := rules.cleaned(row.properties_raw)) is not None:
        row.properties_raw, properties = msgspec.Raw(after), _decode_object(after)
    if (after := rules.cleaned(row.context_raw, "context")) is not None:
        row.context_raw, context = msgspec.Raw(after), _decode_object(after)
    row.url = rules.text("url", row.url)
    return valid._replace(row=row, properties=properties, context=context)


def clean_refused(refused: RefusedEvent, rules: Rules) -> RefusedEvent:
    """A refused event after the rules; without its payload where nobody can say what that holds."""
    after = rules.payload(refused.raw, _taken)
    if after is None:
        return refused._replace(raw=b"", detail=f"{refused.detail} {WITHHELD}")
    return refused._replace(raw=after)
