"""Whoever asks: a user who is signed in, or an API key."""

import uuid
from typing import Literal

import msgspec

from shared.security.keys import Scope
from shared.security.policy import Role


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who a request comes from, and what they are where it goes to.

    A key acts in its own project by `scopes`; a user in `organisation_id` by `role`, None where they are no member of
    it or none was looked at. `project_id` is the project the request is about, None where it is about none.
    `session_id` is a user's sign-in, `email` their address; a key has neither.
    """

    kind: Literal["key", "user"]
    id: uuid.UUID
    organisation_id: uuid.UUID | None = None
    project_id: uuid.UUID | None = None
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()
    email: str = ""
    session_id: uuid.UUID | None = None
