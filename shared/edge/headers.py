"""The headers that keep a browser from doing more with an answer than was meant (OWASP's list for APIs)."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.http import Reply

# An answer of the API is data: nothing may be run from it, framed, guessed or kept.
API: Mapping[str, str] = MappingProxyType(
    {
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
)
# What every answer has, errors too, whatever it brings itself.
ALWAYS: Mapping[str, str] = MappingProxyType({"x-content-type-options": "nosniff"})
# A year, as browsers' preload lists ask; only where people come over TLS, or a laptop could lock itself out.
_TRANSPORT = "max-age=31536000; includeSubDomains"


class SecurityHeaders:
    """Adds them; `public_url` is what people reach the instance by ('' where it is not known)."""

    def __init__(self, public_url: str = "") -> None:
        self._headers = dict(API)
        if public_url.startswith("https://"):
            self._headers["strict-transport-security"] = _TRANSPORT

    def add(self, reply: Reply) -> Reply:
        """The reply with every header it does not have yet: a page brings a policy of its own."""
        reply.headers = {**self._headers, **reply.headers}
        return reply
