"""Events for auth: mails that were asked for, and the timer."""

from fastapi import Response

from functions.auth.asking import Called
from functions.auth.mailing import REQUESTED, send_requested
from shared.cloudevent import decode
from shared.refusals import Refusal, Rejected

DUE = "dev.sluice.signing_keys.due.v1"
_MOST_BYTES = 64 * 1024
# How long what has ended is kept: a token used once too often is known for so long.
_KEEP_DAYS = 30


async def deliver(call: Called) -> Response:
    message = decode(call.asked.headers, await call.asked.body(_MOST_BYTES))
    match message.attributes["type"]:
        case kind if kind == REQUESTED:
            await send_requested(call.ports, message, call.asked.traceparent)
        case kind if kind == DUE:
            await call.ports.keys.rotate_if_older(call.ports.settings.key_days)
            await call.ports.catalog.rows("auth/forget", {"days": _KEEP_DAYS})
        case kind:
            raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, kind)
    return Response(status_code=204)
