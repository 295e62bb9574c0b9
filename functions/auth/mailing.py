"""Mails that carry a token. Asking for one is an event, whoever's address it is; here it is acted upon.

So the answer says nothing, not even by its time, of whether an address has an account.
"""

import secrets
from typing import Literal

import msgspec

from functions.auth.ports import Ports
from shared.bus import Message
from shared.clock import to_datetime
from shared.events import CONTROL_TOPIC
from shared.ids import uuid7
from shared.notifications import Language, Notification, Template, notify
from shared.refusals import Refusal, Rejected
from shared.security.sessions import digest

REQUESTED = "dev.sluice.account_mail.requested.v1"
Purpose = Literal["password_reset", "email_verification"]

HOURS: dict[Purpose, int] = {"password_reset": 1, "email_verification": 72}
PAGES: dict[Purpose, str] = {"password_reset": "reset-password", "email_verification": "verify-email"}
_PREFIX = "slm_"
# Of one purpose to one address in an hour.
_MOST_MAILS = 5


class MailRequest(msgspec.Struct, frozen=True):
    """A mail to whoever has this address, if anybody has."""

    email: str
    purpose: Purpose
    language: Language = "en"


async def request_mail(ports: Ports, wanted: MailRequest, traceparent: str) -> None:
    """Put the request on the bus. Raises BusUnavailableError."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid7()),
        "source": "/sluice/auth",
        "type": REQUESTED,
        "time": to_datetime(ports.clock.micros()).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
    }
    if traceparent:
        attributes["traceparent"] = traceparent
    await ports.bus.publish(CONTROL_TOPIC, [Message(attributes, msgspec.json.encode(wanted))])


async def send_requested(ports: Ports, message: Message, traceparent: str) -> None:
    """Make the token and have it mailed; nothing for an address nobody has, a blocked user, one verified already."""
    try:
        wanted = msgspec.json.decode(message.data, type=MailRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Rejected(Refusal.BAD_REQUEST, f"the event's data: {error}") from error
    rows = await ports.catalog.rows("auth/find_user_by_email", {"email": wanted.email})
    if not rows or rows[0]["blocked_at"] is not None:
        return
    user = rows[0]
    if wanted.purpose == "email_verification" and user["email_verified_at"] is not None:
        return
    clear = _PREFIX + secrets.token_urlsafe(32)
    values = {
        "token_hash": digest(clear),
        "user_id": user["id"],
        "purpose": wanted.purpose,
        "email": user["email"],
        "hours": HOURS[wanted.purpose],
        "most": _MOST_MAILS,
    }
    if not await ports.catalog.rows("auth/add_one_time_token", values):
        return
    template: Template = wanted.purpose
    # Behind the #, so that no server's log and no Referer has it.
    link = f"{ports.settings.public_url.rstrip('/')}/app/{PAGES[wanted.purpose]}#token={clear}"
    told = Notification(
        key=f"{wanted.purpose}:{message.attributes['id']}",
        project_id=None,
        template=template,
        values={"name": user["name"], "link": link, "expires_hours": HOURS[wanted.purpose]},
        language=wanted.language,
        emails=[user["email"]],
    )
    await notify(ports.bus, told, traceparent)
