"""Notices: what was told by mail or webhook, for those who look into the app instead.

A notice holds a few short facts, never what was measured of people; who opens it goes to the page that has the rest.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from shared.catalog.client import Queries
from shared.notifications import Notification

LeastRole = Literal["viewer", "editor", "admin"]
KEPT_DAYS = 90
# What is for one account, by the address it was sent to.
_OF_USERS = frozenset({"invitation", "new_sign_in"})
# Secrets, what was only a try, what only machines listen to, and what happens every day.
_NOT_SHOWN = frozenset({"password_reset", "email_verification", "test", "event_matched", "retention_enforced"})
_LEAST: Mapping[str, LeastRole] = MappingProxyType(
    {
        "export_completed": "editor",
        "export_failed": "editor",
        "erasure_completed": "admin",
        "webhook_disabled": "admin",
        "ledger_gap": "admin",
    }
)
_FACTS = (
    *("id", "name", "title", "rule", "rule_id", "alert", "state", "error", "reason", "organisation", "role", "inviter"),
    *("rows", "kind", "severity", "since", "incident_id", "report", "schedule", "count", "summary"),
)
_MOST_CHARACTERS = 300


async def keep(queries: Queries, told: Notification) -> None:
    """Put a notification into the inbox of whom it concerns, once however often it comes.

    Raises CatalogUnavailableError, and CatalogRefusedError for what the catalog does not take.
    """
    if told.template in _NOT_SHOWN:
        return
    values = {"key": told.key, "kind": told.template, "data": msgspec.json.encode(facts(told.values)).decode()}
    if told.project_id is not None:
        least = _LEAST.get(told.template, "viewer")
        await queries.rows("notices/keep_of_project", {**values, "project_id": told.project_id, "least_role": least})
    elif told.template in _OF_USERS:
        emails = [address.strip().lower() for address in told.emails]
        await queries.rows("notices/keep_of_users", {**values, "emails": emails})


async def forget(queries: Queries) -> None:
    """Drop what is older than KEPT_DAYS."""
    await queries.rows("notices/forget", {"days": KEPT_DAYS})


def facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of what was told the short facts; of an address its host, which holds no token."""
    found = {name: _short(values[name]) for name in _FACTS if isinstance(values.get(name), str | int | float | bool)}
    if isinstance(url := values.get("url"), str):
        found["host"] = urlsplit(url).hostname or ""
    return found


def _short(value: Any) -> Any:
    return value.replace("\0", "")[:_MOST_CHARACTERS] if isinstance(value, str) else value


def numbers_of(ids: Sequence[str]) -> list[int]:
    """The places that ids name; what is no id of a notice is left out."""
    return [int(one) for one in ids if one.isascii() and one.isdigit() and len(one) < 19]  # noqa: PLR2004 (a bigint)
