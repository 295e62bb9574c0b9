"""What each public address asks of whoever calls it: the authorisation matrix, route by route.

docs/authorisation.md is made from it. A test compares it with the routes of the running apps, so that an address nobody
put here fails, and walks each of them with every role, scope and forged token. It decides nothing: functions ask
shared.security.policy themselves.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from shared.security.keys import Scope
from shared.security.policy import ROLE_ACTIONS, ROLES, SCOPE_ACTIONS, SCOPES, Action, Role


class Door(StrEnum):
    """What is asked where no action of the policy is."""

    PUBLIC = "nothing"
    SIGNED_IN = "a signed-in user"
    KEY_OR_USER = "a key or a signed-in user"
    LINK = "the secret in the link"
    MAILED = "a mailed one-time token, or a password"
    LAPTOP = "to be on the laptop it runs on"


Guard = Action | Door

_OLD_AND_NEW = ("/api/v1/auth", "/auth")
_A = Action

_SENDING = ("/api/v1/events", "/api/v1/events/track", "/api/v1/events/batch", "/events", "/events/")
_QUESTIONS = (
    "count",
    "timeseries",
    "breakdown",
    "events",
    "funnel",
    "retention",
    "lifecycle",
    "stickiness",
    "paths",
    "attribution",
    "sessions",
)
_WITHOUT_PEOPLE = frozenset({"count", "timeseries", "breakdown", "events"})
_WITH_PEOPLE = tuple(f"/api/v1/query/{name}" for name in _QUESTIONS if name not in _WITHOUT_PEOPLE)
_ASKING = tuple(f"/api/v1/query/{name}" for name in _QUESTIONS)
_READING = (
    "/analytics/events/count",
    "/analytics/events/timeseries",
    "/analytics/events/by-type",
    "/analytics/events/by-user",
    "/api/v1/stats/events",
    "/api/v1/schema/events",
    "/api/v1/schema/properties",
    "/api/v1/schema/values",
    "/api/v1/live/counts",
    "/api/v1/live/stream",
    "/api/v1/live/ws",
)

# By path, then by method.
_ROUTES: dict[str, Mapping[str, Guard]] = {
    **{path: {"POST": _A.EVENTS_INGEST, "OPTIONS": Door.PUBLIC} for path in _SENDING},
    **{path: {"GET": _A.EVENTS_READ, "POST": _A.EVENTS_READ} for path in _ASKING},
    "/api/v1/query/explore": {"POST": _A.EVENTS_READ},
    "/api/v1/query/sql": {"POST": _A.SQL_READ},
    "/api/v1/query/sql/tables": {"GET": _A.SQL_READ},
    **{path: {"GET": _A.EVENTS_READ} for path in _READING},
    **{f"{path}/people": {"POST": _A.EVENTS_READ} for path in _WITH_PEOPLE},
    "/api/v1/receipts/{id}": {"GET": _A.RECEIPTS_READ},
    "/api/v1/rejected": {"GET": _A.REJECTED_READ},
    "/api/v1/rejected/reasons": {"GET": _A.REJECTED_READ},
    "/api/v1/exports": {"GET": _A.EXPORTS_READ, "POST": _A.EXPORTS_WRITE},
    "/api/v1/exports/{id}": {"GET": _A.EXPORTS_READ, "DELETE": _A.EXPORTS_WRITE},
    "/api/v1/exports/{id}/cancel": {"POST": _A.EXPORTS_WRITE},
    "/api/v1/exports/schedules": {"GET": _A.EXPORTS_READ, "POST": _A.EXPORTS_WRITE},
    "/api/v1/exports/schedules/{id}": {
        "GET": _A.EXPORTS_READ,
        "PUT": _A.EXPORTS_WRITE,
        "DELETE": _A.EXPORTS_WRITE,
    },
    "/api/v1/export/csv": {"GET": _A.EXPORTS_READ},
    "/api/v1/export/json": {"GET": _A.EXPORTS_READ},
    "/api/v1/export/parquet": {"GET": _A.EXPORTS_READ},
    "/api/v1/files": {"GET": Door.LINK},
    **{
        f"{prefix}{rest}": methods
        for prefix in ("/api/v1/erasures", "/api/v1/gdpr/delete")
        for rest, methods in {
            "": {"GET": _A.PERSONS_ERASE, "POST": _A.PERSONS_ERASE},
            "/{id}": {"GET": _A.PERSONS_ERASE, "DELETE": _A.PERSONS_ERASE},
            "/{id}/cancel": {"POST": _A.PERSONS_ERASE},
        }.items()
    },
    "/api/v1/erasures/lift": {"POST": _A.PERSONS_ERASE},
    "/api/v1/access-requests": {"GET": _A.PERSONS_EXPORT, "POST": _A.PERSONS_EXPORT},
    "/api/v1/access-requests/{id}": {"GET": _A.PERSONS_EXPORT, "DELETE": _A.PERSONS_EXPORT},
    "/api/v1/access-requests/{id}/cancel": {"POST": _A.PERSONS_EXPORT},
    "/api/v1/users/{user_id}/data": {"DELETE": _A.PERSONS_ERASE},
    "/api/v1/people": {"GET": _A.EVENTS_READ, "POST": _A.EVENTS_READ},
    "/api/v1/people/properties": {"GET": _A.EVENTS_READ},
    "/api/v1/people/export": {"GET": _A.EXPORTS_READ, "POST": _A.EXPORTS_READ},
    "/api/v1/people/{id}": {"GET": _A.EVENTS_READ},
    "/api/v1/people/{id}/erasure": {"POST": _A.PERSONS_ERASE},
    "/api/v1/people/{id}/consent": {"GET": _A.PERSONS_ERASE, "PUT": _A.PERSONS_ERASE},
    "/api/v1/people/{id}/access-request": {"POST": _A.PERSONS_EXPORT},
    "/api/v1/people/{id}/timeline": {"GET": _A.EVENTS_READ},
    "/api/v1/people/{id}/sessions": {"GET": _A.EVENTS_READ},
    "/api/v1/people/{id}/merges": {"POST": _A.PERSONS_MERGE},
    "/api/v1/people/{id}/merges/{merge}": {"DELETE": _A.PERSONS_MERGE},
    "/api/v1/backups": {"GET": _A.BACKUPS_READ, "POST": _A.BACKUPS_WRITE},
    "/api/v1/backups/{id}": {"GET": _A.BACKUPS_READ, "DELETE": _A.BACKUPS_WRITE},
    "/api/v1/ledger": {"GET": _A.EVENTS_READ},
    "/api/v1/pii/preview": {"POST": _A.PII_WRITE},
    "/api/v1/retention": {"GET": _A.RETENTION_WRITE, "PUT": _A.RETENTION_WRITE},
    "/api/v1/retention/preview": {"POST": _A.RETENTION_WRITE},
    "/api/v1/retention/runs": {"GET": _A.RETENTION_WRITE, "POST": _A.RETENTION_WRITE},
    "/api/v1/retention/runs/{id}": {"GET": _A.RETENTION_WRITE, "DELETE": _A.RETENTION_WRITE},
    "/api/v1/retention/runs/{id}/cancel": {"POST": _A.RETENTION_WRITE},
    "/api/v1/retention/holds": {"GET": _A.RETENTION_WRITE, "POST": _A.RETENTION_WRITE},
    "/api/v1/retention/holds/{id}": {"GET": _A.RETENTION_WRITE, "DELETE": _A.RETENTION_WRITE},
    "/api/v1/schemas": {"GET": _A.DEFINITIONS_READ, "POST": _A.DEFINITIONS_WRITE},
    "/api/v1/schemas/draft": {"POST": _A.EVENTS_READ},
    "/api/v1/schemas/check": {"POST": _A.DEFINITIONS_READ},
    "/api/v1/schemas/settings": {"GET": _A.DEFINITIONS_READ, "PUT": _A.PROJECT_WRITE},
    "/api/v1/schemas/{id}": {"GET": _A.DEFINITIONS_READ, "PUT": _A.DEFINITIONS_WRITE, "DELETE": _A.DEFINITIONS_WRITE},
    "/api/v1/schemas/{id}/try": {"POST": _A.DEFINITIONS_READ},
    "/api/v1/schemas/{id}/versions": {"GET": _A.DEFINITIONS_READ},
    "/api/v1/quality": {"GET": _A.DEFINITIONS_READ},
    "/api/v1/quality/history": {"GET": _A.DEFINITIONS_READ},
    "/api/v1/quality/check": {"POST": _A.DEFINITIONS_WRITE},
    "/api/v1/quality/findings": {"GET": _A.DEFINITIONS_READ},
    "/api/v1/quality/findings/{id}": {"GET": _A.DEFINITIONS_READ},
    "/api/v1/quality/findings/{id}/acknowledge": {"POST": _A.DEFINITIONS_WRITE},
    "/api/v1/dictionary": {"GET": _A.EVENTS_READ, "PATCH": _A.DEFINITIONS_WRITE},
    "/api/v1/pii/rules": {"GET": _A.PII_WRITE, "POST": _A.PII_WRITE},
    "/api/v1/pii/rules/{id}": {"GET": _A.PII_WRITE, "PUT": _A.PII_WRITE, "DELETE": _A.PII_WRITE},
    "/api/v1/pii/scans": {"GET": _A.PII_WRITE, "POST": _A.PII_WRITE},
    "/api/v1/pii/scans/{id}": {"GET": _A.PII_WRITE, "DELETE": _A.PII_WRITE},
    "/api/v1/pii/scans/{id}/cancel": {"POST": _A.PII_WRITE},
    "/api/v1/rejected/replays": {"GET": _A.REPLAY, "POST": _A.REPLAY},
    "/api/v1/rejected/replays/{id}": {"GET": _A.REPLAY, "DELETE": _A.REPLAY},
    "/api/v1/rejected/replays/{id}/cancel": {"POST": _A.REPLAY},
    "/api/v1/sessions": {"GET": _A.EVENTS_READ, "POST": _A.EVENTS_READ},
    "/api/v1/sessions/settings": {"GET": _A.EVENTS_READ, "PUT": _A.PROJECT_WRITE},
    "/api/v1/segments": {"GET": _A.EVENTS_READ, "POST": _A.DEFINITIONS_WRITE},
    "/api/v1/segments/lists": {"POST": _A.DEFINITIONS_WRITE},
    "/api/v1/segments/preview": {"POST": _A.EVENTS_READ},
    "/api/v1/segments/presets": {"GET": _A.EVENTS_READ},
    "/api/v1/segments/overlap": {"POST": _A.EVENTS_READ},
    "/api/v1/segments/{id}": {"GET": _A.EVENTS_READ, "PUT": _A.DEFINITIONS_WRITE, "DELETE": _A.DEFINITIONS_WRITE},
    "/api/v1/segments/{id}/list": {"PUT": _A.DEFINITIONS_WRITE},
    "/api/v1/segments/{id}/size": {"GET": _A.EVENTS_READ},
    "/api/v1/segments/{id}/members": {"GET": _A.EVENTS_READ},
    "/api/v1/alerts": {"GET": _A.ALERTS_READ, "POST": _A.ALERTS_WRITE},
    "/api/v1/alerts/{id}": {"GET": _A.ALERTS_READ, "PUT": _A.ALERTS_WRITE, "DELETE": _A.ALERTS_WRITE},
    "/api/v1/alerts/{id}/pause": {"POST": _A.ALERTS_WRITE},
    "/api/v1/alerts/preview": {"POST": _A.ALERTS_WRITE},
    "/api/v1/alerts/{id}/resume": {"POST": _A.ALERTS_WRITE},
    "/api/v1/alerts/{id}/test": {"POST": _A.ALERTS_WRITE},
    "/api/v1/alerts/{id}/history": {"GET": _A.ALERTS_READ},
    "/api/v1/incidents": {"GET": _A.ALERTS_READ},
    "/api/v1/incidents/{id}": {"GET": _A.ALERTS_READ},
    "/api/v1/incidents/{id}/acknowledge": {"POST": _A.ALERTS_WRITE},
    "/api/v1/incidents/{id}/snooze": {"POST": _A.ALERTS_WRITE},
    "/api/v1/incidents/{id}/resolve": {"POST": _A.ALERTS_WRITE},
    "/api/v1/incidents/{id}/comment": {"POST": _A.ALERTS_WRITE},
    "/api/v1/incidents/links/{token}": {"GET": Door.LINK, "POST": Door.LINK},
    "/api/v1/policies": {"GET": _A.ALERTS_READ, "POST": _A.ALERTS_WRITE},
    "/api/v1/policies/{id}": {"GET": _A.ALERTS_READ, "PUT": _A.ALERTS_WRITE, "DELETE": _A.ALERTS_WRITE},
    "/api/v1/maintenance": {"GET": _A.ALERTS_READ, "POST": _A.ALERTS_WRITE},
    "/api/v1/maintenance/{id}": {"GET": _A.ALERTS_READ, "PUT": _A.ALERTS_WRITE, "DELETE": _A.ALERTS_WRITE},
    "/api/v1/reports": {"GET": _A.REPORTS_READ, "POST": _A.REPORTS_WRITE},
    "/api/v1/reports/{id}": {"GET": _A.REPORTS_READ, "PUT": _A.REPORTS_WRITE, "DELETE": _A.REPORTS_WRITE},
    "/api/v1/reports/{id}/run": {"POST": _A.REPORTS_WRITE},
    "/api/v1/reports/{id}/runs": {"GET": _A.REPORTS_READ},
    "/api/v1/reports/{id}/runs/{run}": {"GET": _A.REPORTS_READ},
    "/api/v1/reports/{id}/runs/{run}/files/{format}": {"GET": _A.REPORTS_READ},
    "/api/v1/reports/{id}/runs/{run}/shares": {"GET": _A.REPORTS_READ, "POST": _A.REPORTS_WRITE},
    "/api/v1/reports/{id}/runs/{run}/shares/{share}": {"DELETE": _A.REPORTS_WRITE},
    "/api/v1/reports/preview": {"POST": _A.REPORTS_READ},
    "/reports/": {"GET": _A.REPORTS_READ},
    "/api/v1/reports/shared/{token}": {"GET": Door.LINK},
    "/api/v1/webhooks": {"GET": _A.WEBHOOKS_READ, "POST": _A.WEBHOOKS_WRITE},
    "/api/v1/webhooks/{id}": {
        "GET": _A.WEBHOOKS_READ,
        "PATCH": _A.WEBHOOKS_WRITE,
        "DELETE": _A.WEBHOOKS_WRITE,
    },
    **{
        f"/api/v1/webhooks/{rest}": {"POST": _A.WEBHOOKS_WRITE}
        for rest in ("{id}/rotate", "{id}/test", "{id}/enable", "{id}/disable", "deliveries/{id}/resend")
    },
    "/api/v1/channels": {"GET": _A.WEBHOOKS_READ, "POST": _A.WEBHOOKS_WRITE},
    "/api/v1/channels/{id}": {"GET": _A.WEBHOOKS_READ, "PATCH": _A.WEBHOOKS_WRITE, "DELETE": _A.WEBHOOKS_WRITE},
    "/api/v1/channels/{id}/test": {"POST": _A.WEBHOOKS_WRITE},
    "/api/v1/channels/{id}/deliveries": {"GET": _A.WEBHOOKS_READ},
    "/api/v1/webhooks/{id}/deliveries": {"GET": _A.WEBHOOKS_READ},
    "/api/v1/webhooks/deliveries": {"GET": _A.WEBHOOKS_READ},
    "/api/v1/webhooks/deliveries/{id}": {"GET": _A.WEBHOOKS_READ},
    "/dev/mails": {"GET": Door.LAPTOP},
    "/dev/mails/{id}": {"GET": Door.LAPTOP},
    # accounts
    **{
        f"{prefix}{rest}": methods
        for prefix in _OLD_AND_NEW
        for rest, methods in {
            "/register": {"POST": Door.PUBLIC},
            "/login": {"POST": Door.MAILED},
            "/refresh": {"POST": Door.MAILED},
            "/logout": {"POST": Door.SIGNED_IN},
            "/logout-all": {"POST": Door.SIGNED_IN},
            "/verify": {"GET": Door.SIGNED_IN, "POST": Door.PUBLIC},
            "/me": {"GET": Door.SIGNED_IN, "PATCH": Door.SIGNED_IN},
            "/sessions": {"GET": Door.SIGNED_IN, "DELETE": Door.SIGNED_IN},
            "/sessions/{session_id}": {"DELETE": Door.SIGNED_IN},
            "/password": {"POST": Door.SIGNED_IN},
            "/password/forgot": {"POST": Door.PUBLIC},
            "/password/reset": {"POST": Door.MAILED},
            "/email/verify": {"POST": Door.MAILED},
            "/email/resend": {"POST": Door.PUBLIC},
            "/totp": {"POST": Door.SIGNED_IN},
            "/totp/confirm": {"POST": Door.SIGNED_IN},
            "/totp/remove": {"POST": Door.SIGNED_IN},
            "/totp/recovery-codes": {"POST": Door.SIGNED_IN},
            "/oidc/start": {"GET": Door.PUBLIC},
            "/oidc/callback": {"GET": Door.PUBLIC},
        }.items()
    },
    "/.well-known/jwks.json": {"GET": Door.PUBLIC},
    # organisations, projects and what is kept in them
    "/api/v1/organisations": {"GET": Door.SIGNED_IN, "POST": Door.SIGNED_IN},
    "/api/v1/organisations/{organisation_id}": {
        "GET": _A.ORGANISATION_READ,
        "PATCH": _A.ORGANISATION_WRITE,
        "DELETE": _A.ORGANISATION_DELETE,
    },
    "/api/v1/organisations/{organisation_id}/members": {"GET": _A.MEMBERS_READ},
    # Everybody may leave: others only go by members.write.
    "/api/v1/organisations/{organisation_id}/members/{user_id}": {
        "PATCH": _A.MEMBERS_WRITE,
        "DELETE": _A.MEMBERS_READ,
    },
    "/api/v1/organisations/{organisation_id}/invitations": {"GET": _A.MEMBERS_WRITE, "POST": _A.MEMBERS_WRITE},
    "/api/v1/organisations/{organisation_id}/invitations/{invitation_id}": {"DELETE": _A.MEMBERS_WRITE},
    "/api/v1/organisations/{organisation_id}/invitations/{invitation_id}/resend": {"POST": _A.MEMBERS_WRITE},
    "/api/v1/invitations/show": {"POST": Door.MAILED},
    "/api/v1/invitations/accept": {"POST": Door.SIGNED_IN},
    # Whom they show and change is decided by where the caller administers.
    "/api/v1/users": {"GET": Door.SIGNED_IN},
    "/users/": {"GET": Door.SIGNED_IN},
    "/api/v1/users/{user_id}": {"GET": Door.SIGNED_IN, "PATCH": Door.SIGNED_IN},
    "/api/v1/users/{user_id}/sessions": {"DELETE": Door.SIGNED_IN},
    "/api/v1/users/{user_id}/second-factor": {"DELETE": Door.SIGNED_IN},
    "/api/v1/audit": {"GET": _A.AUDIT_READ},
    "/api/v1/audit/export": {"GET": _A.AUDIT_READ},
    "/api/v1/audit/verify": {"GET": _A.AUDIT_READ},
    "/api/v1/projects": {"GET": Door.KEY_OR_USER, "POST": _A.PROJECT_CREATE},
    "/api/v1/projects/{project_id}": {
        "GET": _A.PROJECT_READ,
        "PATCH": _A.PROJECT_WRITE,
        "DELETE": _A.PROJECT_DELETE,
    },
    "/api/v1/projects/{project_id}/restore": {"POST": _A.PROJECT_DELETE},
    "/api/v1/projects/{project_id}/limits": {"GET": _A.PROJECT_READ},
    "/api/v1/projects/{project_id}/keys": {"GET": _A.KEYS_READ, "POST": _A.KEYS_WRITE},
    "/api/v1/projects/{project_id}/keys/{key_id}": {
        "GET": _A.KEYS_READ,
        "PATCH": _A.KEYS_WRITE,
        "DELETE": _A.KEYS_WRITE,
    },
    "/api/v1/projects/{project_id}/keys/{key_id}/rotate": {"POST": _A.KEYS_WRITE},
    "/api/v1/inbox": {"GET": Door.SIGNED_IN},
    "/api/v1/inbox/read": {"POST": Door.SIGNED_IN},
    "/api/v1/system": {"GET": _A.EVENTS_READ},
    "/api/v1/jobs": {"GET": _A.JOBS_READ},
    "/api/v1/dashboard": {"GET": _A.EVENTS_READ},
    "/dashboard/": {"GET": _A.EVENTS_READ},
    **{
        f"/api/v1/{name}{rest}": methods
        for name, read, write in (
            ("definitions", _A.DEFINITIONS_READ, _A.DEFINITIONS_WRITE),
            ("dashboards", _A.DASHBOARDS_READ, _A.DASHBOARDS_WRITE),
        )
        for rest, methods in {
            "": {"GET": read, "POST": write},
            f"/{{{name[:-1]}_id}}": {"GET": read, "PUT": write, "DELETE": write},
            f"/{{{name[:-1]}_id}}/versions": {"GET": read},
            f"/{{{name[:-1]}_id}}/restore": {"POST": write},
        }.items()
    },
    "/api/v1/annotations": {"GET": _A.ANNOTATIONS_READ, "POST": _A.ANNOTATIONS_WRITE},
    "/api/v1/annotations/{annotation_id}": {"PATCH": _A.ANNOTATIONS_WRITE, "DELETE": _A.ANNOTATIONS_WRITE},
    "/create_resource/": {"POST": _A.DEFINITIONS_WRITE},
    "/get_resource/": {"GET": _A.DEFINITIONS_READ},
    "/api/v1/shares": {"GET": _A.SHARES_READ, "POST": _A.SHARES_WRITE},
    "/api/v1/shares/{share_id}": {"GET": _A.SHARES_READ, "DELETE": _A.SHARES_WRITE},
    "/api/v1/shared/{token}": {"GET": Door.LINK},
    "/api/v1/shared/{token}/widgets/{widget_id}": {"GET": Door.LINK},
    # the gateway's own, and the edge's
    "/docs": {"GET": Door.PUBLIC},
    "/docs/reference.css": {"GET": Door.PUBLIC},
    "/api/v1/openapi.json": {"GET": Door.PUBLIC},
    "/": {"GET": Door.PUBLIC},
    **{path: {"GET": Door.PUBLIC} for path in ("/healthz", "/health", "/_/health", "/readyz", "/_/ready")},
}

ROUTES: Mapping[tuple[str, str], Guard] = MappingProxyType(
    {(method, path): guard for path, methods in _ROUTES.items() for method, guard in methods.items()}
)
"""The guard of every public address, by method and path."""

BESIDE: Mapping[str, str] = MappingProxyType(
    {
        "the ClickHouse door, login `operator`": (
            "its password (`SLUICE_WAREHOUSE_OPERATOR_PASSWORD`; off until it is set): reads everything, changes"
            " nothing"
        ),
        "the ClickHouse door, login of a project": (
            "a secret key with the scope `read`: one SELECT over the project's own rows"
        ),
        "`/metrics` of a function": "to reach its own port; a request with `X-Forwarded-For` gets a 404",
        "`/<service>/` of the process `work`, `/` of a container": (
            "to be inside: CloudEvents of sources, triggers and timers; from the edge a 404"
        ),
    }
)
"""What is not an address of the edge, and what it asks."""


def who(guard: Guard) -> tuple[list[Role], list[Scope]]:
    """The roles and the scopes that are enough, each by itself; none of both where no credential is asked for."""
    if isinstance(guard, Action):
        roles = [role for role in ROLES if guard in ROLE_ACTIONS[role]]
        return roles, [scope for scope in SCOPES if guard in SCOPE_ACTIONS[scope]]
    match guard:
        case Door.SIGNED_IN:
            return list(ROLES), []
        case Door.KEY_OR_USER:
            return list(ROLES), ["read", "admin"]
        case _:
            return [], []
