"""Users for tests, written straight into the catalog, with tokens of the real signer and forged ones."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import jwt
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.catalog.client import Catalog
from shared.ids import uuid7
from shared.security.policy import Role
from shared.security.sealing import Sealer
from shared.security.signing_keys import SigningKeys
from shared.security.tokens import AUDIENCE, ISSUER, TYPE

FORGED = (
    "expired",
    "tampered",
    "alg:none",
    "HMAC with the public key",
    "signed by a stranger",
    "of another type",
    "for another audience",
    "not yet valid",
    "without an end",
)


class People:
    """Users of one catalog; `secret` is the instance's (JWT_SECRET_KEY)."""

    def __init__(self, catalog_url: str, secret: str) -> None:
        self._url = catalog_url
        self._sealer = Sealer(secret)

    def add(self, organisation_id: uuid.UUID | str | None, role: Role | None = None) -> tuple[uuid.UUID, uuid.UUID]:
        """A user with an open session, a member where a role is given; both ids."""
        user, session = uuid7(), uuid7()
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (user, f"{user}@example.com"))
            connection.execute(
                "INSERT INTO sessions (id, user_id, kind, method, expires_at)"
                " VALUES (%s, %s, 'api', 'password', now() + interval '1 day')",
                (session, user),
            )
        if role is not None:
            self.join(user, organisation_id, role)
        return user, session

    def join(self, user: uuid.UUID, organisation_id: uuid.UUID | str | None, role: Role) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO memberships (organisation_id, user_id, role) VALUES (%s, %s, %s)",
                (organisation_id, user, role),
            )

    def change(self, statement: str, user: uuid.UUID) -> None:
        """Run one statement about a user, whose id is its parameter."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.encode(), (user,))

    async def token(self, user: uuid.UUID, session: uuid.UUID, *, seconds: int = 900) -> str:
        """A sound token, signed as auth does."""
        catalog = Catalog(self._url)
        try:
            return await SigningKeys(catalog, self._sealer).issue(user, session, seconds)
        finally:
            await catalog.close()

    async def forged(self, user: uuid.UUID, session: uuid.UUID) -> dict[str, str]:
        """A token for each of FORGED, every one about a real user and session."""
        catalog = Catalog(self._url)
        try:
            signing = await SigningKeys(catalog, self._sealer).current()
        finally:
            await catalog.close()
        now = int(time.time())
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(user), "sid": str(session), "jti": "x"}
        said |= {"iat": now, "exp": now + 600}
        head = {"kid": signing.kid, "typ": TYPE}

        def signed(claims: dict[str, Any], key: Any = signing.key, more: dict[str, Any] | None = None) -> str:
            return jwt.encode(claims, key, algorithm="EdDSA", headers={**head, **(more or {})})

        sound = signed(said)
        body = sound.split(".")[1]
        return {
            "expired": signed({**said, "iat": now - 2_000, "exp": now - 1_000}),
            "tampered": _with_body(sound, {**said, "sub": str(uuid7())}),
            "alg:none": f"{_part({**head, 'alg': 'none'})}.{body}.",
            "HMAC with the public key": _hmac_confused(head, body, signing.key.public_key().public_bytes_raw()),
            "signed by a stranger": signed(said, Ed25519PrivateKey.generate()),
            "of another type": signed(said, more={"typ": "JWT"}),
            "for another audience": signed({**said, "aud": "urn:elsewhere"}),
            "not yet valid": signed({**said, "nbf": now + 1_000}),
            "without an end": signed({name: value for name, value in said.items() if name != "exp"}),
        }


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _with_body(token: str, claims: dict[str, Any]) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{_part(claims)}.{signature}"


def _hmac_confused(head: dict[str, Any], body: str, public: bytes) -> str:
    signed = f"{_part({**head, 'alg': 'HS256'})}.{body}"
    digest = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
