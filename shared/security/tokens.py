"""Access tokens as everybody checks them: EdDSA-signed JWTs, by public keys out of the catalog.

Every function verifies by itself; no other function is asked. What a token says is who signed in and when it ends, not
what they may do. RFC 8725 is kept to the letter: one algorithm, a key by `kid` out of our own list, issuer, audience
and type checked, nothing in the token's head believed.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK, Clock
from shared.refusals import Refusal, Rejected, UnavailableError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
ISSUER = "urn:sluice:auth"
AUDIENCE = "urn:sluice:api"
LIFE_SECONDS = 900
LEEWAY_SECONDS = 5
MOST_CHARACTERS = 4_096

# Keys are asked for anew so often, and at once for a `kid` that is not known, but not more often than RETRY_SECONDS.
REFRESH_SECONDS = 30.0
RETRY_SECONDS = 1.0
# While the catalog is away, keys hold on as long as they verify for: nothing could be rotated then either.
STALE_SECONDS = 3_600.0
_REQUIRED = ["iss", "aud", "sub", "sid", "iat", "exp", "jti"]


class Claims(msgspec.Struct, frozen=True):
    """What a sound token says."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    token_id: str
    issued_at: datetime
    expires_at: datetime


PublicKeys = Mapping[str, "Ed25519PublicKey"]


class Verifier:
    """Checks tokens by keys it keeps for a while; one question for keys is under way at a time."""

    def __init__(self, look_up: Callable[[], Awaitable[PublicKeys]], clock: Clock = SYSTEM_CLOCK) -> None:
        self._look_up = look_up
        self._clock = clock
        self._keys: PublicKeys = {}
        self._read_at: float | None = None
        self._reading: asyncio.Lock | None = None

    async def verify(self, token: str) -> Claims:
        """What a token says. Raises Rejected (TOKEN_UNKNOWN, TOKEN_EXPIRED; 401), UnavailableError without keys."""
        if len(token) > MOST_CHARACTERS:
            raise _unknown("it is too long")
        key = await self._key(_kid(token))
        if key is None:
            raise _unknown("it was signed with a key that is not ours, or not any more")
        return _decoded(token, key)

    async def close(self) -> None:
        """Nothing is open; here so that whoever opens a verifier can close it."""

    async def _key(self, kid: str) -> "Ed25519PublicKey | None":
        if self._age() > REFRESH_SECONDS or kid not in self._keys:
            await self._refresh(self._clock.monotonic(), kid)
        return self._keys.get(kid)

    async def _refresh(self, asked_at: float, kid: str) -> None:
        self._reading = self._reading or asyncio.Lock()
        async with self._reading:
            if self._age() < REFRESH_SECONDS:
                if kid in self._keys or (self._read_at is not None and self._read_at >= asked_at):
                    return
                # A key is published before it signs, so who waits here is a stranger or the first after a start.
                await asyncio.sleep(max(0.0, RETRY_SECONDS - self._age()))
            reading_at = self._clock.monotonic()
            try:
                self._keys = await self._look_up()
            except UnavailableError:
                if self._age() > STALE_SECONDS:
                    raise
                return
            self._read_at = reading_at

    def _age(self) -> float:
        return float("inf") if self._read_at is None else self._clock.monotonic() - self._read_at


def open_verifier(catalog: Catalog) -> Verifier:
    """A Verifier with the catalog's keys; closed by whoever opened it, as the catalog is."""

    async def look_up() -> PublicKeys:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        rows = await catalog.rows("auth/public_keys")
        return {row["kid"]: Ed25519PublicKey.from_public_bytes(bytes(row["public_key"])) for row in rows}

    return Verifier(look_up)


def _kid(token: str) -> str:
    """The name of the key in a token's head, the only thing there that is used before the signature is checked."""
    import jwt

    try:
        head: dict[str, Any] = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, UnicodeError, RecursionError) as error:
        raise _unknown("it is no JSON Web Token") from error
    if head.get("alg") != ALGORITHM or str(head.get("typ", "")).lower() != TYPE or "crit" in head:
        raise _unknown(f"it takes tokens with alg {ALGORITHM} and typ {TYPE}, without crit")
    kid = head.get("kid")
    if not isinstance(kid, str):
        raise _unknown("it names no key")
    return kid


def _decoded(token: str, key: "Ed25519PublicKey") -> Claims:
    import jwt

    try:
        said = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED},
        )
        return Claims(
            uuid.UUID(said["sub"]),
            uuid.UUID(said["sid"]),
            str(said["jti"]),
            datetime.fromtimestamp(said["iat"], UTC),
            datetime.fromtimestamp(said["exp"], UTC),
        )
    except jwt.ExpiredSignatureError as error:
        raise Rejected(Refusal.TOKEN_EXPIRED) from error
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise _unknown("its signature, issuer, audience or time is wrong") from error


def _unknown(detail: str) -> Rejected:
    return Rejected(Refusal.TOKEN_UNKNOWN, detail)
