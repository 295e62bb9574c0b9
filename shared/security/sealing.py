"""Small secrets at rest, sealed with a key the database does not have: signing keys, second factors.

AES-256-GCM under a key derived from the instance's secret (JWT_SECRET_KEY). What is sealed says which secret it was
sealed with, so the secret can be replaced while the one before still opens what it closed.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.config import ConfigError, setting

_VERSION = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12
_INFO = b"sluice sealing 1"
_LEAST = 32
# Values out of sample files, ours and those people copy: worth nothing as a secret.
_SAMPLES = ("change", "secret", "example", "sample", "your-", "your_", "password", "replace", "default", "test", "xxxx")


class SealedError(Exception):
    """What was sealed does not open: another secret closed it, or it was changed."""


SEALING = (
    "Seals what the catalog keeps of signing keys and second factors; at least 32 random characters, as from"
    " `openssl rand -hex 32`. It signs nothing itself. `task up` makes and keeps one."
)
MODE = (
    "production refuses sample secrets and tokens for developers; `task up` on the loopback is development, all else"
    " production unless this says otherwise."
)


@dataclass(frozen=True, kw_only=True)
class SecretSettings:
    """The instance's secret, and whether mistakes with it are forgiven."""

    secret_key: str = setting("JWT_SECRET_KEY", SEALING, secret=True)
    earlier_secret_key: str = setting(
        "JWT_SECRET_KEY_BEFORE",
        "The secret before this one, until `sluice secrets reseal` says it is needed no more.",
        default="",
        secret=True,
    )
    mode: Literal["production", "development"] = setting("SLUICE_MODE", MODE, default="production")


class Sealer:
    """Seals with one secret, and opens what that or an earlier one sealed."""

    def __init__(self, secret: str, earlier: Iterable[str] = ()) -> None:
        self._keys = {_id(key): key for key in map(_derived, [secret, *earlier])}
        self._id = _id(_derived(secret))

    def seal(self, clear: bytes, context: str) -> bytes:
        """`clear`, closed; it opens for the same `context` only (what it is, and whose)."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + self._id + nonce + AESGCM(self._keys[self._id]).encrypt(nonce, clear, context.encode())

    def is_newest(self, sealed: bytes) -> bool:
        """Whether it was sealed with the secret of now; what was not is to be sealed anew."""
        return sealed[: 1 + _ID_BYTES] == _VERSION + self._id

    def open(self, sealed: bytes, context: str) -> bytes:
        """What was sealed; raises SealedError."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._keys.get(sealed[1 : 1 + _ID_BYTES])
        if key is None or sealed[:1] != _VERSION:
            raise SealedError("it was sealed with another secret: set JWT_SECRET_KEY_BEFORE to the one before")
        rest = sealed[1 + _ID_BYTES :]
        try:
            return AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise SealedError("it was changed after it was sealed") from error


def sealer_of(settings: SecretSettings) -> Sealer:
    """The sealer of an instance; in production raises ConfigError for a secret that is short or out of a sample."""
    secret = settings.secret_key
    if settings.mode == "production":
        if len(secret) < _LEAST:
            raise ConfigError([f"JWT_SECRET_KEY has {len(secret)} characters; production needs {_LEAST} random ones"])
        if len(set(secret)) < _LEAST // 4 or any(sample in secret.lower() for sample in _SAMPLES):
            raise ConfigError(["JWT_SECRET_KEY is a sample value; production needs a random one"])
    return Sealer(secret, filter(None, [settings.earlier_secret_key]))


def _derived(secret: str) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(secret.encode())


def _id(key: bytes) -> bytes:
    return hashlib.sha256(b"id" + key).digest()[:_ID_BYTES]
