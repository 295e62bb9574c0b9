"""One try: a delivery becomes a mail or a signed request, and what came of it an outcome."""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, cast

import msgspec

from functions.notify.enclosing import add_files, fetched
from functions.notify.mailers import Mailer
from shared.catalog.deliveries import Delivery, Outcome
from shared.catalog.webhooks import SECRET_PREFIX, STANDARD, place
from shared.channels import Kind, read_options
from shared.clock import Clock
from shared.config import MASK
from shared.notifications import File, Language, Template
from shared.objects import Objects, ObjectsRefusedError
from shared.outgoing import Answer, Outgoing, OutgoingFailedError, OutgoingRefusedError
from shared.refusals import UnavailableError
from shared.security.sealing import SealedError
from shared.security.secrets import SecretBox

_GONE = 410
_OK, _REDIRECT, _CLIENT_ERROR = 200, 300, 400


class Content(msgspec.Struct, frozen=True):
    """What a mail's delivery keeps."""

    template: Template
    language: Language
    values: dict[str, Any]
    files: list[File] = []


class Sender:
    """Sends deliveries: mails through `mailer`, webhooks and channels through `outgoing`."""

    def __init__(
        self,
        outgoing: Outgoing,
        mailer: Mailer,
        box: SecretBox,
        clock: Clock,
        *,
        mail_from: str,
        public_url: str,
        objects: Objects | None = None,
    ) -> None:
        self._outgoing = outgoing
        self._mailer = mailer
        self._box = box
        self._mail_from = mail_from
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._objects = objects

    async def send(self, delivery: Delivery) -> Outcome:
        """Try once; never raises for what the other side does."""
        if delivery.address is not None:
            return await self._mail(delivery, delivery.address)
        return await self._post(delivery)

    async def _mail(self, delivery: Delivery, address: str) -> Outcome:
        from jinja2 import TemplateError

        from functions.notify.mails import render

        content = msgspec.json.decode(delivery.content, type=Content)
        try:
            found = await fetched(content.files, self._objects)
        except (UnavailableError, ObjectsRefusedError) as error:
            return Outcome(error=f"the files of the mail are out of reach: {error}")
        values = {**content.values, "pictures": [one.cid for one, _ in found if one.cid]}
        try:
            mail = render(content.template, content.language, values, self._public_url)
            message = self._message(delivery, address)
        except (TemplateError, TypeError, ValueError) as error:
            return Outcome(error=f"the mail cannot be written: {error}", final=True)
        message["Subject"] = mail.subject
        message["Content-Language"] = content.language
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        add_files(message, found)
        return await self._mailer.send(message, address)

    def _message(self, delivery: Delivery, address: str) -> EmailMessage:
        """The head: its id is the delivery's, so that a repeat is known as one. Raises ValueError for bad addresses."""
        message = EmailMessage()
        message["From"] = self._mail_from
        message["To"] = address
        message["Date"] = format_datetime(delivery.created_at)
        message["Message-ID"] = f"<{delivery.id}@{parseaddr(self._mail_from)[1].rpartition('@')[2] or 'localhost'}>"
        message["Auto-Submitted"] = "auto-generated"
        return message

    async def _post(self, delivery: Delivery) -> Outcome:
        if delivery.url is None or delivery.secret is None:
            return Outcome(error="the webhook is not there any more", final=True)
        if delivery.kind != STANDARD:
            return await self._tell(delivery, cast("Kind", delivery.kind), delivery.url, delivery.secret)
        body = delivery.content.encode()
        now = self._clock.micros() // 1_000_000
        try:
            secrets = self._secrets(delivery)
        except SealedError as error:
            return Outcome(error=f"the webhook's secret does not open: {error}; change the secret")
        headers = {
            "content-type": "application/json",
            "user-agent": "Sluice-Webhooks/1",
            "webhook-id": str(delivery.id),
            "webhook-timestamp": str(now),
            "webhook-signature": signatures(delivery.id, now, body, secrets),
        }
        try:
            return judged(await self._outgoing.post(delivery.url, body, headers))
        except (OutgoingRefusedError, OutgoingFailedError) as error:
            return Outcome(error=str(error))

    async def _tell(self, delivery: Delivery, kind: Kind, url: str, kept: str) -> Outcome:
        """Try a channel: what a webhook gets, in the words and the shape of its vendor."""
        from jinja2 import TemplateError

        from functions.notify.channels import request, retry_after, told

        options = read_options(delivery.options)
        try:
            secret = self._box.open(kept, place(delivery.project_id, delivery.webhook_id))
            message = told(delivery.content, options.language, self._public_url)
        except SealedError as error:
            return Outcome(error=f"the channel's secret does not open: {error}; give it its target anew")
        except (TemplateError, TypeError, ValueError) as error:
            return Outcome(error=f"the message cannot be written: {error}", final=True)
        sent = request(kind, url, secret, options, message)
        try:
            answer = await self._outgoing.post(sent.url, sent.body, {"user-agent": "Sluice/1", **sent.headers})
        except (OutgoingRefusedError, OutgoingFailedError) as error:
            return Outcome(error=str(error).replace(secret, MASK) if secret else str(error))
        outcome = judged(answer)
        return msgspec.structs.replace(outcome, retry_after=max(outcome.retry_after, retry_after(kind, answer.body)))

    def _secrets(self, delivery: Delivery) -> list[str]:
        at = place(delivery.project_id, delivery.webhook_id)
        return [self._box.open(kept, at) for kept in (delivery.secret, delivery.previous_secret) if kept]


def signatures(message_id: uuid.UUID, seconds: int, body: bytes, secrets: Sequence[str]) -> str:
    """The header `webhook-signature` of Standard Webhooks: one for each secret that holds."""
    signed = f"{message_id}.{seconds}.".encode() + body
    return " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets)


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def judged(answer: Answer) -> Outcome:
    """What an HTTP answer means: 2xx is delivered, 410 ends the webhook, all else is tried again."""
    shown = answer.body.decode("utf-8", "replace")[:500]
    if _OK <= answer.status < _REDIRECT:
        return Outcome(status=answer.status, answer=shown)
    error = f"it answered {answer.status}"
    if _REDIRECT <= answer.status < _CLIENT_ERROR and answer.location:
        error += f" with a redirect to {answer.location}, which is not followed: make that the webhook's URL"
    retry_after = float(answer.retry_after) if answer.retry_after.isdecimal() else 0.0
    gone = answer.status == _GONE
    return Outcome(status=answer.status, error=error, answer=shown, gone=gone, retry_after=retry_after)
