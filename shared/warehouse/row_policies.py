"""A project's login on a ClickHouse server: a user that may SELECT, row policies, a profile; rendered, not run.

The server does what the door of the embedded engine does by rewriting: a row policy shows a user its project's rows
only, the profile adds FINAL to every SELECT and bounds what it takes. Statements repeat harmlessly.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from shared.warehouse.client import READ_LIMITS, READ_SETTINGS
from shared.warehouse.project_tables import DATABASE, TABLES

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PROFILE = "sluice_project_reader"
_ROLE = "sluice_project_reader"
_LIMITS: Mapping[str, object] = MappingProxyType(
    {
        **READ_SETTINGS,
        **READ_LIMITS,
        "final": 1,
        "max_concurrent_queries_for_user": 2,
        "max_result_bytes": 256 * 1024**2,
        # A stored JSON column carries the paths of all projects of its part; as text it carries a row's own.
        "output_format_native_write_json_as_string": 1,
    }
)


def shared_statements() -> list[str]:
    """Once for a server, before any project: the profile and the role that all their users have.

    With `users_without_row_policies_can_read_rows` (the default) our functions' user goes on seeing every row; each
    table has a policy for the role that shows nothing, so that a user whose own policy is missing sees nothing.
    """
    settings = ", ".join(f"{name} = {value!r} CONST" for name, value in _LIMITS.items())
    statements = [
        f"CREATE SETTINGS PROFILE IF NOT EXISTS {_PROFILE} SETTINGS {settings}, readonly = 1 CONST",
        f"CREATE ROLE IF NOT EXISTS {_ROLE} SETTINGS PROFILE '{_PROFILE}'",
    ]
    for table in TABLES:
        statements.append(f"GRANT SELECT ON {DATABASE}.{table} TO {_ROLE}")
        statements.append(
            f"CREATE ROW POLICY IF NOT EXISTS {_ROLE} ON {DATABASE}.{table} FOR SELECT USING 0 TO {_ROLE}"
        )
    return statements


def project_statements(project_id: UUID, password_sha256: str) -> list[str]:
    """The user named by the project's id, its password as the SHA-256 in hex that the catalog keeps of a key.

    Run them again with another digest to change the password. Raises ValueError for what is no digest.
    """
    if not _DIGEST.fullmatch(password_sha256):
        raise ValueError("a password is given as its SHA-256, 64 hexadecimal digits in lower case")
    user = f"`{project_id}`"
    identified = f"IDENTIFIED WITH sha256_hash BY '{password_sha256}'"
    statements = [
        f"CREATE USER IF NOT EXISTS {user} {identified}",
        f"ALTER USER {user} {identified} DEFAULT DATABASE {DATABASE}",
        f"GRANT {_ROLE} TO {user}",
        f"SET DEFAULT ROLE {_ROLE} TO {user}",
    ]
    for table in TABLES:
        policy = f"CREATE ROW POLICY IF NOT EXISTS {user} ON {DATABASE}.{table} FOR SELECT"
        statements.append(f"{policy} USING project_id = toUUID('{project_id}') TO {user}")
    return statements


def removal_statements(project_id: UUID) -> list[str]:
    """End the login: its policies and the user; queries under way end by themselves within READ_LIMITS."""
    user = f"`{project_id}`"
    policies = ", ".join(f"{user} ON {DATABASE}.{table}" for table in TABLES)
    return [f"DROP USER IF EXISTS {user}", f"DROP ROW POLICY IF EXISTS {policies}"]
