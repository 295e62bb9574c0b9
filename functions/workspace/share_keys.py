"""The API keys behind shares: computed from a share's token and the instance's secret, and kept nowhere.

Whoever has the token but not the secret cannot compute the key, so a share lets nobody ask more than it shows.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable

from shared.refusals import Refusal, Rejected
from shared.security.keys import PREFIXES, hash_key

_INFO = b"sluice share keys 1\0"


class ShareKeys:
    """Keys under `secret`, or under those it followed (`earlier`)."""

    def __init__(self, secret: str, earlier: Iterable[str] = ()) -> None:
        self._secrets = [secret, *earlier]

    def new(self, token: str) -> str:
        """The key of a share that is made now."""
        return _key(self._secrets[0], token)

    def find(self, token: str, key_hash: bytes) -> str:
        """The key of a share, by the hash that is kept of it; refuses (GONE) where its secret is gone."""
        for secret in self._secrets:
            if hash_key(key := _key(secret, token)) == key_hash:
                return key
        raise Rejected(Refusal.GONE, "the share was made with a secret this instance has no more; share it anew")


def _key(secret: str, token: str) -> str:
    code = hmac.digest(secret.encode(), _INFO + token.encode(), hashlib.sha256)
    return PREFIXES["secret"] + base64.urlsafe_b64encode(code).decode().rstrip("=")
