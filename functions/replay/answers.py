"""What replay answers: its jobs, and their events."""

import msgspec

from functions.replay.asked import ReplayRequest
from functions.replay.logic import Result
from functions.replay.ports import Ports
from shared.clock import to_datetime
from shared.cloudevent import decode
from shared.http import Reply, Request
from shared.jobs import Job, api, requested_type
from shared.jobs.recorded import start
from shared.jobs.worker import handle
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller

REPLAYS = "/api/v1/rejected/replays"
DUE = "dev.sluice.replay.due.v1"
_MOST_BYTES = 256 * 1024


async def deliver(request: Request, ports: Ports) -> Reply:
    """An event: of a job, or of the timer that asks again for what stalled."""
    message = decode(request.headers, await request.body(_MOST_BYTES))
    if message.attributes["type"] == DUE:
        await ports.jobs.sweep()
        await ports.catalog.rows("forget_replay_samples")
    elif message.attributes["type"] == requested_type(ports.jobs.kind):
        if ports.busy.locked():
            raise Rejected(Refusal.OVERLOADED, "as many replays as this process works on at once are under way")
        async with ports.busy:
            await handle(message, ports.jobs, ports.replayer)
    return Reply(204)


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Start a replay, which the audit log keeps, or show, list and cancel them."""
    if request.path == REPLAYS and request.method == "POST":
        asked = from_json(await request.body(_MOST_BYTES) or b"{}", ReplayRequest)
        job = asked.settled(to_datetime(ports.clock.micros()))
        return await start(
            request, ports.jobs, caller, job, REPLAYS, catalog=ports.catalog, proxies=ports.proxies, same=_same
        )
    return await api.answer(request, ports.jobs, caller.project_id, REPLAYS, _shown)


def _same(kept: bytes, asked: bytes) -> bool:
    """Whether two jobs are the same request: the end of an open range is the moment it was asked."""
    first, second = msgspec.json.decode(kept), msgspec.json.decode(asked)
    return {**first, "to": ""} == {**second, "to": ""}


def _shown(job: Job) -> Result:
    return msgspec.json.decode(job.result or "", type=Result)
