"""The keys that sign access tokens: in the catalog, sealed; replaced with overlap, so that no token fails meanwhile.

A new key is published at once and signs PUBLISHED_SECONDS later, when every verifier that meets it can have read it.
The one before verifies until the last token it signed has ended.
"""

import asyncio
import base64
import hashlib
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from shared.catalog.client import Catalog, Row
from shared.clock import SYSTEM_CLOCK, Clock, to_datetime
from shared.ids import uuid7
from shared.refusals import UnavailableError
from shared.security.certificates import certificate_key_set
from shared.security.sealing import SealedError, Sealer
from shared.security.tokens import ALGORITHM, AUDIENCE, ISSUER, LIFE_SECONDS, TYPE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

log = structlog.get_logger()

PUBLISHED_SECONDS = 10.0
# A token's life, clocks that differ, and readers that ask for keys every half a minute.
OVERLAP_SECONDS = LIFE_SECONDS + 300.0
_REREAD_SECONDS = 5.0


class SigningKey(NamedTuple):
    """A key that can sign."""

    kid: str
    key: "Ed25519PrivateKey"
    signs_from: datetime
    created_at: datetime


class SigningKeys:
    """Signs access tokens with the catalog's newest key that is due."""

    def __init__(self, catalog: Catalog, sealer: Sealer, clock: Clock = SYSTEM_CLOCK) -> None:
        self._catalog = catalog
        self._sealer = sealer
        self._clock = clock
        self._keys: list[SigningKey] = []
        self._read_at: float | None = None
        self._reading: asyncio.Lock | None = None

    async def issue(self, user_id: uuid.UUID, session_id: uuid.UUID, seconds: int = LIFE_SECONDS) -> str:
        """A new access token. Raises CatalogUnavailableError where no key can be had."""
        import jwt

        signing = await self.current()
        now = self._clock.micros() // 1_000_000
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(uuid7()),
            "iat": now,
            "exp": now + min(seconds, LIFE_SECONDS),
        }
        return jwt.encode(claims, signing.key, algorithm=ALGORITHM, headers={"kid": signing.kid, "typ": TYPE})

    async def current(self) -> SigningKey:
        """The key that signs now; the first one is made where there is none that opens."""
        self._reading = self._reading or asyncio.Lock()
        async with self._reading:
            if self._read_at is None or self._clock.monotonic() - self._read_at > _REREAD_SECONDS:
                await self._read()
            return self._due() or await self._first()

    async def rotate(self, *, compromised: bool = False) -> str:
        """Make the next key; its `kid`. `compromised`: the keys before it verify nothing from now on."""
        now = to_datetime(self._clock.micros())
        signs_from = now if compromised else now + timedelta(seconds=PUBLISHED_SECONDS)
        until = now if compromised else signs_from + timedelta(seconds=OVERLAP_SECONDS)
        kid = await self._make(signs_from, until)
        self._read_at = None
        return kid

    async def rotate_if_older(self, days: float) -> str:
        """Make the next key where the newest is older than `days`; its `kid` or ''."""
        await self.current()
        newest = max(key.created_at for key in self._keys)
        if to_datetime(self._clock.micros()) - newest < timedelta(days=days):
            return ""
        return await self.rotate()

    def _due(self) -> SigningKey | None:
        now = to_datetime(self._clock.micros())
        due = [key for key in self._keys if key.signs_from <= now]
        return max(due, key=lambda key: (key.signs_from, key.kid), default=None)

    async def _first(self) -> SigningKey:
        """None that opens is there: the first start, or another secret than before."""
        now = to_datetime(self._clock.micros())
        await self._make(now, now + timedelta(seconds=OVERLAP_SECONDS), only_if_missing=[key.kid for key in self._keys])
        await self._read()
        due = self._due()
        if due is None:
            raise UnavailableError("no signing key opens with this JWT_SECRET_KEY")
        return due

    async def _make(self, signs_from: datetime, until: datetime, only_if_missing: list[str] | None = None) -> str:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        kid = _thumbprint(public)
        async with self._catalog.transaction() as transaction:
            await transaction.rows("auth/lock_signing_keys")
            if only_if_missing is not None and any(map(self._opened, await transaction.rows("auth/signing_keys"))):
                return ""
            await transaction.rows("auth/retire_signing_keys", {"until": until})
            sealed = self._sealer.seal(key.private_bytes_raw(), f"signing key {kid}")
            values = {"kid": kid, "public_key": public, "sealed_key": sealed, "signs_from": signs_from}
            await transaction.rows("auth/add_signing_key", values)
        log.info("signing key made", kid=kid, signs_from=signs_from.isoformat())
        return kid

    async def _read(self) -> None:
        rows = await self._catalog.rows("auth/signing_keys")
        self._keys = [key for key in map(self._opened, rows) if key is not None]
        self._read_at = self._clock.monotonic()

    def _opened(self, row: Row) -> SigningKey | None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        try:
            private = self._sealer.open(bytes(row["sealed_key"]), f"signing key {row['kid']}")
        except SealedError as error:
            log.warning("a signing key does not open", kid=row["kid"], detail=str(error))
            return None
        key = Ed25519PrivateKey.from_private_bytes(private)
        return SigningKey(row["kid"], key, row["signs_from"], row["created_at"])


async def key_set(catalog: Catalog) -> dict[str, Any]:
    """The public keys as a JSON Web Key Set (RFC 7517), those of certificates after those of tokens."""
    rows = await catalog.rows("auth/public_keys")
    of_tokens = [{**_jwk(bytes(row["public_key"])), "kid": row["kid"], "use": "sig", "alg": ALGORITHM} for row in rows]
    return {"keys": of_tokens + await certificate_key_set(catalog)}


def _jwk(public: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode()}


def _thumbprint(public: bytes) -> str:
    """RFC 7638: a key's name follows from the key."""
    jwk = _jwk(public)
    canonical = f'{{"crv":"{jwk["crv"]}","kty":"{jwk["kty"]}","x":"{jwk["x"]}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
