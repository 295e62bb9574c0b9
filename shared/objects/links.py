"""Links that expire: HMAC-SHA256 over what they give and until when."""

import hashlib
import hmac
from urllib.parse import urlencode

from shared.clock import Clock
from shared.objects import FILES, check_seconds


class Links:
    """Makes and checks the links to objects that this side hands out itself."""

    def __init__(self, secret: bytes, clock: Clock, public_url: str = "") -> None:
        self._secret = secret
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    def make(self, key: str, seconds: int) -> str:
        """The link to an object for so many seconds from now."""
        expires = self._clock.micros() // 1_000_000 + check_seconds(seconds)
        query = {"path": key, "expires": expires, "signature": self._signature(key, expires)}
        return f"{self._public_url}{FILES}?{urlencode(query)}"

    def holds(self, key: str, expires: int, signature: str) -> bool:
        """Whether this is a link of ours that has not expired."""
        genuine = hmac.compare_digest(self._signature(key, expires).encode(), signature.encode(errors="replace"))
        return genuine and self._clock.micros() < expires * 1_000_000

    def _signature(self, key: str, expires: int) -> str:
        return hmac.digest(self._secret, f"{expires}\n{key}".encode(), hashlib.sha256).hex()
