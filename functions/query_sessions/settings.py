"""How long a pause ends a session of a project: shown, and changed by whoever may change the project."""

import uuid

import msgspec

from functions.query_sessions.asked import gap_of
from functions.query_sessions.ports import Ports
from shared.catalog.client import Queries
from shared.http import Reply, Request, json_reply
from shared.query.durations import Duration
from shared.query.request import MAX_QUERY_BYTES, from_json
from shared.security.access import Caller
from shared.security.changes import Changes


class GapBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pause after which the next event is of another session, from `1m` to `24h`."""

    gap: Duration


class GapAnswer(msgspec.Struct, frozen=True):
    """The project's pause in seconds."""

    gap_seconds: int


class _Own(msgspec.Struct, frozen=True):
    """A project's setting."""

    id: uuid.UUID
    seconds: int


async def show(caller: Caller, ports: Ports) -> Reply:
    """The project's gap."""
    return json_reply(GapAnswer(await ports.gap(caller.project_id)))


async def change(request: Request, caller: Caller, ports: Ports) -> Reply:
    """Give the project another gap, with its row in the audit log; kept days are made anew for it."""
    seconds = gap_of(from_json(await request.body(MAX_QUERY_BYTES), GapBody).gap, 0)
    before = _Own(caller.project_id, await ports.gap(caller.project_id))
    changes: Changes[_Own] = Changes(
        "session_gap",
        lambda own: GapAnswer(own.seconds),
        catalog=ports.catalog,
        proxies=ports.proxies,
        request=request,
        caller=caller,
    )

    async def work(queries: Queries) -> _Own:
        await queries.rows("set_session_gap", {"project_id": caller.project_id, "seconds": seconds})
        return _Own(caller.project_id, seconds)

    await changes.made("changed", work, before)
    return json_reply(GapAnswer(seconds))
