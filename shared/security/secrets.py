"""Secrets of third parties (a webhook's, a destination's login) as texts in the catalog, under keys that rotate.

What is sealed is bound to its place: a text moved to another row or project does not open there. The key is the
instance's (shared.security.sealing). To rotate it: a new JWT_SECRET_KEY, the old one as JWT_SECRET_KEY_BEFORE, until
everything was sealed anew (shared.security.resealing).
"""

import base64
import binascii

from shared.security.sealing import SealedError, Sealer

_FORM = "sealed:"


class SecretBox:
    """Texts in, texts out."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, clear: str, place: str) -> str:
        """The text to keep at `place`, such as `webhook:<project>:<id>`; never the same twice."""
        return _FORM + base64.urlsafe_b64encode(self._sealer.seal(clear.encode(), place)).decode()

    def open(self, kept: str, place: str) -> str:
        """The clear text of what is kept at `place`, sealed or from before there was sealing. Raises SealedError."""
        return self._sealer.open(_raw(kept), place).decode() if kept.startswith(_FORM) else kept

    def needs_sealing(self, kept: str) -> bool:
        """Whether a kept text is clear, or under an earlier key: then seal it anew. Raises SealedError."""
        if not kept.startswith(_FORM):
            return True
        return not self._sealer.is_newest(_raw(kept))


def _raw(kept: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(kept.removeprefix(_FORM))
    except (binascii.Error, ValueError) as error:
        raise SealedError("it was changed after it was sealed") from error
