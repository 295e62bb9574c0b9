"""The policy's tables, and the one function that reads them."""

import itertools

import pytest

from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.security.actor import Actor
from shared.security.keys import Scope
from shared.security.policy import (
    ROLE_ACTIONS,
    ROLES,
    SCOPE_ACTIONS,
    SCOPES,
    Action,
    Role,
    allowed,
    may_grant,
    require,
    require_grantable,
    roles_for,
    scopes_for,
)


def user(role: Role | None) -> Actor:
    return Actor(kind="user", id=uuid7(), role=role)


def key(*scopes: Scope) -> Actor:
    return Actor(kind="key", id=uuid7(), scopes=frozenset(scopes))


def test_each_role_may_what_the_one_below_it_may() -> None:
    for higher, lower in itertools.pairwise(ROLES):
        assert ROLE_ACTIONS[higher] > ROLE_ACTIONS[lower]


def test_every_action_is_somebodys() -> None:
    for action in Action:
        assert roles_for(action) or scopes_for(action), action


def test_a_viewer_changes_nothing() -> None:
    assert {action for action in ROLE_ACTIONS["viewer"] if not action.endswith(".read")} == set()


def test_a_key_reaches_no_organisation_and_no_member() -> None:
    for scope in SCOPES:
        for action in SCOPE_ACTIONS[scope]:
            assert action.partition(".")[0] not in {"organisation", "members", "owners", "audit"}


@pytest.mark.parametrize("action", [Action.PERSONS_ERASE, Action.REPLAY, Action.RETENTION_WRITE, Action.KEYS_WRITE])
def test_what_cannot_be_undone_needs_the_scope_admin_or_an_admin(action: Action) -> None:
    assert scopes_for(action) == ["admin"]
    assert roles_for(action) == ["admin", "owner"]


def test_somebody_without_a_role_may_nothing() -> None:
    assert not [action for action in Action if allowed(user(None), action) or allowed(key(), action)]


def test_a_users_scopes_and_a_keys_role_count_for_nothing() -> None:
    odd = Actor(kind="user", id=uuid7(), scopes=frozenset(SCOPES))
    assert not allowed(odd, Action.EVENTS_READ)
    odd = Actor(kind="key", id=uuid7(), role="owner")
    assert not allowed(odd, Action.EVENTS_READ)


def test_what_is_missing_is_said() -> None:
    for actor, action, refusal, said in [
        (user("viewer"), Action.KEYS_READ, Refusal.ROLE_MISSING, "needs the role admin or owner; yours is viewer"),
        (user(None), Action.EVENTS_READ, Refusal.ROLE_MISSING, "you are no member there"),
        (key("read"), Action.EXPORTS_READ, Refusal.SCOPE_MISSING, "needs the scope 'export', and has ['read']"),
        (key("admin"), Action.AUDIT_READ, Refusal.SCOPE_MISSING, "for people who are signed in, not for keys"),
    ]:
        with pytest.raises(Rejected) as raised:
            require(actor, action)
        assert raised.value.refusal is refusal
        assert said in raised.value.detail


def test_nobody_gives_a_key_more_than_they_may_do() -> None:
    require_grantable(user("owner"), SCOPES)
    require_grantable(user("admin"), SCOPES)
    require_grantable(key("admin", "read"), ["ingest", "read", "admin"])
    for actor, scopes in [(key("admin"), ["read"]), (key("admin", "read"), ["export"]), (user("editor"), ["admin"])]:
        with pytest.raises(Rejected) as raised:
            require_grantable(actor, scopes)  # type: ignore[arg-type]  # the list loses the type
        assert raised.value.refusal is Refusal.SCOPE_MISSING


def test_only_owners_make_owners() -> None:
    assert [role for role in ROLES if may_grant(role, "owner")] == ["owner"]
    assert [role for role in ROLES if may_grant(role, "admin")] == ["owner", "admin"]
