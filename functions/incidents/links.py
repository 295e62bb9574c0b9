"""Links that acknowledge: who has one may acknowledge the incidents of one message, for a while.

What they hold (which message, whom it went to, until when) is sealed with the instance's secret: nobody can make one or
read an address out of it, and one that was changed does not open.
"""

import base64
import binascii
import uuid
from datetime import datetime, timedelta

import msgspec

from shared.clock import Clock, to_datetime
from shared.notifications import Language
from shared.refusals import Refusal, Rejected
from shared.security.sealing import SealedError, Sealer

LINKS = "/api/v1/incidents/links"
LINK = LINKS + "/{token}"
_PLACE = "incident link"
_MOST = 2_000


class Link(msgspec.Struct, frozen=True, array_like=True):
    """What a link holds."""

    batch_id: uuid.UUID
    who: str
    language: Language
    expires: datetime


class Links:
    """Makes and reads them."""

    def __init__(self, sealer: Sealer, clock: Clock, public_url: str, hours: float) -> None:
        self._sealer = sealer
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._holds = timedelta(hours=hours)

    def make(self, batch_id: uuid.UUID, who: str, language: Language) -> str:
        """The link for one recipient of a message."""
        link = Link(batch_id, who, language, to_datetime(self._clock.micros()) + self._holds)
        sealed = self._sealer.seal(msgspec.json.encode(link), _PLACE)
        return f"{self._public_url}{LINKS}/{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def read(self, token: str) -> Link:
        """What a link holds; refuses one that has expired or was changed (`bad_link`)."""
        try:
            sealed = base64.b64decode(token[:_MOST] + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            link = msgspec.json.decode(self._sealer.open(sealed, _PLACE), type=Link)
        except (SealedError, binascii.Error, ValueError) as error:
            raise Rejected(Refusal.BAD_LINK, "this is no link of ours, or a part of it is missing") from error
        if link.expires <= to_datetime(self._clock.micros()):
            raise Rejected(Refusal.BAD_LINK, "the link has expired: acknowledge the incident in the app")
        return link
