"""The audit log: who did what, when, from where, and what was there before and after.

Each organisation has a log of its own, whose rows the catalog numbers without gaps and chains by SHA-256; the table
refuses to change or lose a row. What belongs to no organisation (an account nobody invited, the instance itself) is in
the log INSTANCE. shared.security.audit_chain finds what somebody with the database's own rights changed nevertheless.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from shared.catalog.client import Queries
from shared.config import MASK
from shared.security.masking import mask

INSTANCE = uuid.UUID(int=0)
"""The organisation under which is kept what belongs to none."""

_SECRET_NAME = re.compile(
    r"(?i)password|passwd|secret|token|credential|authorization|cookie|recovery|totp|otp|signature|private|key_hash"
    r"|^key$|api_?key|passphrase"
)
# A dashboard fits; what is larger is kept as its digest.
_MOST_BYTES = 64 * 1024
_MOST_TEXT = 500
_DEEPEST = 20

Kind = Literal["user", "key", "system", "share"]


class Acting(Protocol):
    """What the log keeps of whoever acts; shared.security.actor.Actor has it."""

    @property
    def kind(self) -> Literal["user", "key"]: ...
    @property
    def id(self) -> uuid.UUID: ...
    @property
    def email(self) -> str: ...


class Agent(msgspec.Struct, frozen=True):
    """Who acts without being a user or a key: the system itself (`name` says which part), or a share's visitor."""

    name: str
    kind: Literal["system", "share"] = "system"
    id: str = ""


async def record(
    connection: Queries,
    *,
    organisation_id: uuid.UUID | None,
    actor: Acting | Agent,
    action: str,
    target: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    request_id: str = "",
    address: str = "",
    project_id: uuid.UUID | None = None,
) -> int:
    """Append one row, and return its number in the organisation's log (None: INSTANCE).

    `action` is `noun.past_verb` (`member.removed`), `target` is `kind:id`, `address` the client's own. Secrets in
    `before` and `after` (JSON values) are masked by their names and by what they look like. `connection` is the
    transaction of the change, so that neither is without the other, or the catalog for what changes nothing. It holds
    the organisation's log until it ends: record last. Raises as `Catalog.rows` does.
    """
    rows = await connection.rows(
        "audit/record",
        {
            "organisation_id": organisation_id or INSTANCE,
            "actor_kind": actor.kind,
            "actor_id": str(actor.id),
            "actor_name": _shown(actor.name if isinstance(actor, Agent) else actor.email),
            "action": action,
            "target": _shown(target),
            "project_id": project_id,
            "before": _text(before),
            "after": _text(after),
            "request_id": _shown(request_id),
            "address": _shown(address),
        },
    )
    return int(rows[0]["seq"])


def masked(value: Any, depth: int = 0) -> Any:
    """The same JSON value without its secrets: under names of secrets, and in texts that look like one."""
    if depth > _DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {
            str(name): MASK if _SECRET_NAME.search(str(name)) and inner not in (None, "") else masked(inner, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return mask(value)
    return value


def _text(value: Mapping[str, Any] | None) -> str | None:
    if value is None:
        return None
    text = msgspec.json.encode(masked(msgspec.to_builtins(value)), order="sorted")
    if len(text) > _MOST_BYTES:
        digest = {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        text = msgspec.json.encode(digest, order="sorted")
    return text.decode()


def _shown(text: str) -> str:
    return text[:_MOST_TEXT].replace("\0", "�").encode("utf-8", "replace").decode()
