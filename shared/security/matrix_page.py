"""docs/authorisation.md: the policy's tables and the matrix of addresses, for people."""

from collections.abc import Iterator

from shared.security.matrix import BESIDE, ROUTES, Guard, who
from shared.security.policy import ROLE_ACTIONS, ROLES, SCOPE_ACTIONS, SCOPES, Action

_YES, _NO = "●", ""

_HEAD = """\
# Who may do what

{note}

A **user** (an access token as `Authorization: Bearer …`) acts by the role they hold in the organisation that owns the
project. The project is `X-Project-Id`, else `?project_id=`, else the only one open to them, else the answer is 409
`project_required` with the list. An **API key** acts in its own project by its scopes, which do not contain each other.
One table and one function decide, `shared/security/policy.py`; every function asks it itself, the gateway is not a
guard. A test walks every address below on the running apps: without credentials, with every role, every scope, a key
and a token of another project, and with tokens that are expired, changed, unsigned (`alg: none`) or signed with the
public key as an HMAC secret. An address that is not in the table fails it.

What is taken away ends within five seconds: a revoked or expired key, a blocked user, an ended session, another role,
a lost membership. While the catalog is away nothing can be taken away, and what was known by then holds: keys for an
hour, users for 15 minutes.

What is missing is said: 401 `key_missing`, `token_missing`, `key_unknown`, `token_unknown`, `token_expired`,
`token_revoked`, each with `WWW-Authenticate`; 403 `scope_missing`, `role_missing`, `key_expired`, `key_revoked`,
`token_required` for a key where only people are let in, and `project_forbidden` alike for a project that is not there
and one that is not open to the caller.
"""

_LIMITS = """\
## How often

| whom | setting | default | counted |
|---|---|---|---|
| a key, sending events | `SLUICE_LIMIT_INGEST_KEY` | any | requests |
| an address, sending events with a public key | `SLUICE_LIMIT_INGEST_ADDRESS` | any | requests |
| a project, a UTC day | `SLUICE_EVENTS_PER_DAY` | any | events; what does not fit is refused whole, with the counts |
| a key, all else | `SLUICE_LIMIT_READ_KEY` | 12000/minute | requests through the edge or the gateway |
| a user, all else | `SLUICE_LIMIT_READ_USER` | 3000/minute | requests through the edge or the gateway |
| an address, all else | `SLUICE_LIMIT_READ_ADDRESS` | 30000/minute | requests through the edge or the gateway |
| signing in, an account from one address | fixed | 8 in 5 minutes, until it succeeds | attempts |
| signing in, an account from addresses it does not know | fixed | 60 an hour | attempts |
| signing in, an address | fixed | 150 in 5 minutes | attempts |

`sluice limits` gives a project limits of its own, which hold within 15 seconds. Answers carry `RateLimit-Limit`,
`-Remaining`, `-Reset` and `-Policy`; beyond a limit the answer is 429 `rate_limited` or `quota_exceeded` with
`Retry-After`, and nothing was stored. Windows are aligned to the clock.

No request waits for a count: each process counts by itself and agrees with the others through the cache twice a second,
so that N processes let through at most what arrives in half a second beyond the limit; without the cache each counts
alone (limits fail open). A quota counts what was let through, also where a request then failed and was repeated, and
begins anew where the cache lost it. Signing in is counted exactly, and not possible without the cache (it fails
closed). An account that strangers hammer goes on letting in whoever signs in from an address it knows.
"""


def authorisation_page(note: str) -> str:
    """The page, with the sentence that says where it comes from."""
    return "\n".join(
        [
            _HEAD.format(note=note),
            "## Actions",
            "",
            *_table(("action", *(f"role {role}" for role in ROLES), *(f"scope {scope}" for scope in SCOPES))),
            *map(_action_row, Action),
            "",
            "Owners alone make and remove owners; nobody gives a key scopes beyond what they may do themselves.",
            "",
            "## Addresses",
            "",
            *_table(("address", "asks for", "roles", "scopes")),
            *_address_rows(),
            "",
            "## Beside the addresses",
            "",
            *_table(("what", "asks for")),
            *(f"| {name} | {asks} |" for name, asks in BESIDE.items()),
            "",
            _LIMITS,
        ]
    )


def _table(names: tuple[str, ...]) -> list[str]:
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def _action_row(action: Action) -> str:
    roles = [_YES if action in ROLE_ACTIONS[role] else _NO for role in ROLES]
    scopes = [_YES if action in SCOPE_ACTIONS[scope] else _NO for scope in SCOPES]
    return f"| `{action}` | {' | '.join([*roles, *scopes])} |"


def _address_rows() -> Iterator[str]:
    for (method, path), guard in ROUTES.items():
        roles, scopes = _shown(guard)
        asks = f"`{guard}`" if isinstance(guard, Action) else guard
        yield f"| `{method} {path}` | {asks} | {roles} | {scopes} |"


def _shown(guard: Guard) -> tuple[str, str]:
    enough = who(guard)
    roles, scopes = ", ".join(enough[0]), ", ".join(enough[1])
    if not isinstance(guard, Action):
        return ("any", scopes or "none") if roles else ("", "")
    return roles or "none", scopes or "none"
