"""Sessions: one sign-in, with a family of refresh tokens of which each is used once.

A refresh token is kept as its digest. Its successor follows from it and a salt made at its use, so a client whose
answer got lost gets the same one again for GRACE_SECONDS, and the catalog alone gives nobody a token. A token used
later than that, or after its successor was, is in two hands: the whole session ends.
"""

import base64
import hashlib
import hmac
import secrets
import uuid
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from shared.catalog.client import Catalog, Queries, Row
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected

GRACE_SECONDS = 20
# A session nobody uses ends after these, and each after the other.
IDLE_DAYS = 30
MOST_DAYS = 180
_PREFIX = "slr_"
_MOST_TEXT = 300

Kind = Literal["api", "browser"]
Method = Literal["password", "totp", "recovery_code", "oidc"]
Because = Literal["logout", "revoked", "password", "reuse"]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in as it is listed."""

    id: uuid.UUID
    user_id: uuid.UUID
    kind: Kind
    method: Method
    address: str
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class Grant(NamedTuple):
    """A session with the refresh token that comes next."""

    session_id: uuid.UUID
    user_id: uuid.UUID
    kind: Kind
    refresh_token: str


async def start(
    queries: Queries, user_id: uuid.UUID, kind: Kind, method: Method, *, address: str = "", user_agent: str = ""
) -> Grant:
    """A new session of a user."""
    session_id, clear = uuid7(), _PREFIX + secrets.token_urlsafe(32)
    values = {
        "id": session_id,
        "user_id": user_id,
        "kind": kind,
        "method": method,
        "address": address[:_MOST_TEXT],
        "user_agent": user_agent[:_MOST_TEXT],
        "idle_days": IDLE_DAYS,
        "token_hash": digest(clear),
    }
    await queries.rows("auth/start_session", values)
    return Grant(session_id, user_id, kind, clear)


async def refresh(catalog: Catalog, clear: str) -> Grant:
    """Use a refresh token; the session with its successor.

    Raises Rejected (TOKEN_UNKNOWN; TOKEN_REVOKED where the session has ended, also by this use; 401).
    """
    async with catalog.transaction() as transaction:
        rows = await transaction.rows("auth/refresh_token", {"token_hash": digest(clear)})
        grant = await _used(transaction, rows[0], clear) if rows else None
        if rows and grant is None and rows[0]["holds"]:
            await revoke(transaction, rows[0]["user_id"], [rows[0]["session_id"]], "reuse")
    if not rows:
        raise Rejected(Refusal.TOKEN_UNKNOWN, "the refresh token is not known")
    if grant is None:
        raise Rejected(Refusal.TOKEN_REVOKED)
    return grant


async def revoke(
    queries: Queries, user_id: uuid.UUID, ids: list[uuid.UUID] | None, because: Because, *, but: uuid.UUID | None = None
) -> list[uuid.UUID]:
    """End sessions of a user, those of `ids` or (None) all, leaving `but` alone; the ids of those that ended."""
    values = {"user_id": user_id, "ids": ids, "but": but, "because": because}
    return [row["id"] for row in await queries.rows("auth/revoke_sessions", values)]


async def list_sessions(
    catalog: Catalog, user_id: uuid.UUID, *, after: uuid.UUID | None = None, most: int = 500
) -> list[Session]:
    """The sessions of a user that hold, the one used last first, `most` of those after the session `after`."""
    values = {"user_id": user_id, "after": after, "most": most}
    return [Session(**row) for row in await catalog.rows("auth/sessions", values)]


async def session_of_token(catalog: Catalog, clear: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """User and session of a refresh token, used or not; None where there is none."""
    rows = await catalog.rows("auth/session_of_token", {"token_hash": digest(clear)})
    return (rows[0]["user_id"], rows[0]["session_id"]) if rows else None


def digest(clear: str) -> bytes:
    """What is kept of a token: there is nothing to guess in 256 random bits, so no slow hash."""
    return hashlib.sha256(clear.encode("utf-8", "surrogatepass")).digest()


async def _used(queries: Queries, row: Row, clear: str) -> Grant | None:
    """The grant, or None where the token gives none; the row is of a session this transaction holds."""
    if not row["holds"]:
        return None
    if row["used_at"] is None:
        salt = secrets.token_bytes(32)
        values = {
            "token_hash": digest(clear),
            "salt": salt,
            "session_id": row["session_id"],
            "next_hash": digest(_successor(clear, salt)),
            "idle_days": IDLE_DAYS,
            "most_days": MOST_DAYS,
        }
        await queries.rows("auth/rotate_refresh_token", values)
        return _grant(row, _successor(clear, salt))
    successor = _successor(clear, bytes(row["salt"]))
    if row["used_seconds"] > GRACE_SECONDS:
        return None
    unused = await queries.rows("auth/unused_refresh_token", {"token_hash": digest(successor)})
    return _grant(row, successor) if unused else None


def _grant(row: Row, clear: str) -> Grant:
    return Grant(row["session_id"], row["user_id"], row["kind"], clear)


def _successor(clear: str, salt: bytes) -> str:
    raw = hmac.digest(clear.encode("utf-8", "surrogatepass"), salt, hashlib.sha256)
    return _PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
