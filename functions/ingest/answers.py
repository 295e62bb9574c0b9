"""What ingest answers: how many events were accepted, where they are, and what was refused of the others."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from functions.ingest.parsing import Events
from functions.ingest.validate import SPELLINGS, Valid
from shared.events import Receipt, RefusedEvent
from shared.http import Reply, json_reply
from shared.refusals import Refusal, Rejected, describe

_SHOWN_REJECTED = 100

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode


class Refused(msgspec.Struct, frozen=True):
    """One refused event: its place in the request, the reason and what to change."""

    index: int
    reason: Refusal
    detail: str


class Accepted(msgspec.Struct, frozen=True):
    """The answer to an accepted request. `warnings`: stored events that are not as their project's schema says."""

    accepted: int
    rejected: list[Refused]
    receipt: str
    warnings: list[Refused] | msgspec.UnsetType = msgspec.UNSET


class Checked(NamedTuple):
    """What became of the events of a request, in their order; `extra` is what the first refusal says besides.

    `warned`: places of sound events that are not as their schema says, and what is not.
    """

    valid: list[Valid]
    refused: list[RefusedEvent]
    extra: dict[str, object]
    warned: list[tuple[int, str]]

    def refuse(self, index: int, rejected: Rejected, events: Events) -> None:
        """Note a refusal, with the event as it came."""
        if not self.refused:
            self.extra.update(rejected.extra)
        sent = bytes((events.raw if events.sent is None else events.sent)[index])
        detail = rejected.detail or describe(rejected.refusal).title
        self.refused.append(RefusedEvent(index, rejected.refusal, detail, sent, _name_of(sent)))


def _name_of(raw: bytes) -> str:
    """The name of a refused event, '' where it cannot be read."""
    try:
        fields = _decode_fields(raw)
        return next((_decode_text(fields[name]) for name in SPELLINGS["event"] if name in fields), "")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def accepted(
    receipt: Receipt,
    refused: Sequence[RefusedEvent],
    headers: Mapping[str, str],
    warned: Sequence[tuple[int, str]] = (),
) -> Reply:
    """The answer to a request of which something was stored."""
    answer = Accepted(receipt.rows, _shown(refused), receipt.token())
    if warned:
        warnings = [Refused(index, Refusal.SCHEMA_MISMATCH, detail) for index, detail in warned[:_SHOWN_REJECTED]]
        answer = msgspec.structs.replace(answer, warnings=warnings)
    reply = json_reply(answer, 202)
    reply.headers.update(headers)
    return reply


def _shown(refused: Sequence[RefusedEvent]) -> list[Refused]:
    return [Refused(entry.position, Refusal(entry.reason), entry.detail) for entry in refused]


def all_refused(checked: Checked, receipt: Receipt | None, *, single: bool) -> Rejected:
    """The refusal of a request of which nothing was; `receipt` says where its events are kept as refused."""
    refused = checked.refused
    first = refused[0]
    extra: dict[str, object] = {} if receipt is None else {"receipt": receipt.token()}
    if single:
        return Rejected(Refusal(first.reason), first.detail, **{**checked.extra, **extra})
    shown = [msgspec.to_builtins(entry) for entry in _shown(refused[:_SHOWN_REJECTED])]
    return Rejected(
        Refusal(first.reason),
        f"none of the {len(refused)} events can be taken; the first: {first.detail}",
        rejected=shown,
        **extra,
    )
