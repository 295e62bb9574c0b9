"""Who may do what: one table of roles, one of key scopes, and one function that reads them.

A user acts by the role they hold in the organisation that owns the project, an API key by its scopes and only in its
own project. Nothing else decides: a function asks `require(actor, action)`, docs/authorisation.md is made from these
tables, and a test walks every address of the running apps against them.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Literal, Protocol, get_args

from shared.refusals import Refusal, Rejected
from shared.security.keys import Scope

Role = Literal["owner", "admin", "editor", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)


class Action(StrEnum):
    """Everything somebody may be allowed to do; the part before the dot is what it is done to."""

    # a project's data
    EVENTS_INGEST = "events.ingest"
    EVENTS_READ = "events.read"
    RECEIPTS_READ = "receipts.read"
    REJECTED_READ = "rejected.read"
    SQL_READ = "sql.read"
    EXPORTS_READ = "exports.read"
    EXPORTS_WRITE = "exports.write"
    JOBS_READ = "jobs.read"
    # people in the data, and how long it is kept
    PERSONS_EXPORT = "persons.export"
    PERSONS_ERASE = "persons.erase"
    PERSONS_MERGE = "persons.merge"
    RETENTION_WRITE = "retention.write"
    PII_WRITE = "pii.write"
    REPLAY = "events.replay"
    # what a team makes of it
    DEFINITIONS_READ = "definitions.read"
    DEFINITIONS_WRITE = "definitions.write"
    DASHBOARDS_READ = "dashboards.read"
    DASHBOARDS_WRITE = "dashboards.write"
    ANNOTATIONS_READ = "annotations.read"
    ANNOTATIONS_WRITE = "annotations.write"
    SHARES_READ = "shares.read"
    SHARES_WRITE = "shares.write"
    ALERTS_READ = "alerts.read"
    ALERTS_WRITE = "alerts.write"
    REPORTS_READ = "reports.read"
    REPORTS_WRITE = "reports.write"
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_WRITE = "webhooks.write"
    # the project and its keys
    PROJECT_READ = "project.read"
    PROJECT_WRITE = "project.write"
    PROJECT_CREATE = "project.create"
    PROJECT_DELETE = "project.delete"
    KEYS_READ = "keys.read"
    KEYS_WRITE = "keys.write"
    # the organisation and its people
    ORGANISATION_READ = "organisation.read"
    ORGANISATION_WRITE = "organisation.write"
    ORGANISATION_DELETE = "organisation.delete"
    MEMBERS_READ = "members.read"
    MEMBERS_WRITE = "members.write"
    OWNERS_WRITE = "owners.write"
    AUDIT_READ = "audit.read"
    # the instance
    BACKUPS_READ = "backups.read"
    BACKUPS_WRITE = "backups.write"


_VIEWER = frozenset(
    {
        Action.EVENTS_READ,
        Action.RECEIPTS_READ,
        Action.REJECTED_READ,
        Action.DEFINITIONS_READ,
        Action.DASHBOARDS_READ,
        Action.ANNOTATIONS_READ,
        Action.ALERTS_READ,
        Action.REPORTS_READ,
        Action.PROJECT_READ,
        Action.ORGANISATION_READ,
        Action.MEMBERS_READ,
    }
)
_EDITOR = _VIEWER | {
    Action.SQL_READ,
    Action.EXPORTS_READ,
    Action.EXPORTS_WRITE,
    Action.JOBS_READ,
    Action.DEFINITIONS_WRITE,
    Action.DASHBOARDS_WRITE,
    Action.ANNOTATIONS_WRITE,
    Action.SHARES_READ,
    Action.SHARES_WRITE,
    Action.ALERTS_WRITE,
    Action.REPORTS_WRITE,
}
_ADMIN = _EDITOR | {
    Action.PERSONS_EXPORT,
    Action.PERSONS_ERASE,
    Action.PERSONS_MERGE,
    Action.RETENTION_WRITE,
    Action.PII_WRITE,
    Action.REPLAY,
    Action.WEBHOOKS_READ,
    Action.WEBHOOKS_WRITE,
    Action.PROJECT_WRITE,
    Action.PROJECT_CREATE,
    Action.PROJECT_DELETE,
    Action.KEYS_READ,
    Action.KEYS_WRITE,
    Action.ORGANISATION_WRITE,
    Action.MEMBERS_WRITE,
}
_OWNER = _ADMIN | {
    Action.ORGANISATION_DELETE,
    Action.OWNERS_WRITE,
    Action.AUDIT_READ,
    Action.BACKUPS_READ,
    Action.BACKUPS_WRITE,
}

ROLE_ACTIONS: Mapping[Role, frozenset[Action]] = {
    "owner": _OWNER,
    "admin": _ADMIN,
    "editor": _EDITOR,
    "viewer": _VIEWER,
}

# Scopes do not contain each other: a key may do what its scopes name and nothing else. No scope reaches the
# organisation, its people or the making of keys with more scopes than the key has (shared keys would outlive people).
SCOPE_ACTIONS: Mapping[Scope, frozenset[Action]] = {
    "ingest": frozenset({Action.EVENTS_INGEST, Action.RECEIPTS_READ}),
    "read": frozenset(
        {
            Action.EVENTS_READ,
            Action.SQL_READ,
            Action.RECEIPTS_READ,
            Action.REJECTED_READ,
            Action.DEFINITIONS_READ,
            Action.DASHBOARDS_READ,
            Action.ANNOTATIONS_READ,
            Action.ALERTS_READ,
            Action.REPORTS_READ,
            Action.PROJECT_READ,
        }
    ),
    "export": frozenset({Action.EXPORTS_READ, Action.EXPORTS_WRITE, Action.JOBS_READ}),
    "admin": frozenset(
        {
            Action.JOBS_READ,
            Action.PERSONS_EXPORT,
            Action.PERSONS_ERASE,
            Action.PERSONS_MERGE,
            Action.RETENTION_WRITE,
            Action.PII_WRITE,
            Action.REPLAY,
            Action.DEFINITIONS_READ,
            Action.DEFINITIONS_WRITE,
            Action.DASHBOARDS_READ,
            Action.DASHBOARDS_WRITE,
            Action.ANNOTATIONS_READ,
            Action.ANNOTATIONS_WRITE,
            Action.SHARES_READ,
            Action.SHARES_WRITE,
            Action.ALERTS_READ,
            Action.ALERTS_WRITE,
            Action.REPORTS_READ,
            Action.REPORTS_WRITE,
            Action.WEBHOOKS_READ,
            Action.WEBHOOKS_WRITE,
            Action.PROJECT_READ,
            Action.PROJECT_WRITE,
            Action.KEYS_READ,
            Action.KEYS_WRITE,
        }
    ),
}


class Acting(Protocol):
    """What the tables need to know of an actor (shared.security.actor has the whole of one)."""

    @property
    def kind(self) -> Literal["key", "user"]: ...
    @property
    def role(self) -> Role | None: ...
    @property
    def scopes(self) -> frozenset[Scope]: ...


def allowed(actor: Acting, action: Action) -> bool:
    """Whether the tables let `actor` do `action`; that it is their project or organisation is the caller's to know."""
    if actor.kind == "user":
        return actor.role is not None and action in ROLE_ACTIONS[actor.role]
    return any(action in SCOPE_ACTIONS[scope] for scope in actor.scopes)


def require(actor: Acting, action: Action) -> None:
    """Raise Rejected (SCOPE_MISSING, ROLE_MISSING) naming what is needed, unless `actor` may do `action`."""
    if allowed(actor, action):
        return
    if actor.kind == "user":
        needed = " or ".join(roles_for(action))
        held = f"yours is {actor.role}" if actor.role else "you are no member there"
        raise Rejected(Refusal.ROLE_MISSING, f"{action} needs the role {needed}; {held}")
    raise Rejected(Refusal.SCOPE_MISSING, _scope_detail(action, actor.scopes))


def roles_for(action: Action) -> list[Role]:
    """The roles that may do `action`, the least first."""
    return [role for role in reversed(ROLES) if action in ROLE_ACTIONS[role]]


def scopes_for(action: Action) -> list[Scope]:
    """The scopes of which one is enough for `action`; none for what only people do."""
    return [scope for scope in SCOPES if action in SCOPE_ACTIONS[scope]]


def require_grantable(actor: Acting, scopes: Collection[Scope]) -> None:
    """Raise Rejected (SCOPE_MISSING) where `actor` would give a key scopes beyond what they may do themselves.

    Sending events is what a key is for and no role does by itself: whoever may make keys may give it.
    """
    beyond = [scope for scope in SCOPES if scope in scopes and not _may_give(actor, scope)]
    if beyond:
        raise Rejected(Refusal.SCOPE_MISSING, f"you cannot give {beyond}: it allows more than you may do yourself")


def _may_give(actor: Acting, scope: Scope) -> bool:
    return all(allowed(actor, action) for action in SCOPE_ACTIONS[scope] - SCOPE_ACTIONS["ingest"])


def may_grant(granting: Role, granted: Role) -> bool:
    """Whether somebody of a role may give, change or take another: owners all, admins all but owner."""
    needed = Action.OWNERS_WRITE if granted == "owner" else Action.MEMBERS_WRITE
    return needed in ROLE_ACTIONS[granting]


def _scope_detail(action: Action, held: frozenset[Scope]) -> str:
    scopes = scopes_for(action)
    if not scopes:
        return f"{action} is for people who are signed in, not for keys"
    return f"it needs the scope {' or '.join(map(repr, scopes))}, and has {sorted(held)}"
