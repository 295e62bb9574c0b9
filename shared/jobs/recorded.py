"""Starting a job that changes what people rely on: the audit log says who asked for what."""

import operator
from collections.abc import Callable

import msgspec

from shared.addresses import TrustedProxies
from shared.catalog.client import Catalog
from shared.http import Reply, Request
from shared.jobs import Jobs, api
from shared.security import audit
from shared.security.access import Caller


async def start(
    request: Request,
    jobs: Jobs,
    caller: Caller,
    wanted: msgspec.Struct,
    path: str,
    *,
    catalog: Catalog,
    proxies: TrustedProxies,
    same: Callable[[bytes, bytes], bool] = operator.eq,
) -> Reply:
    """Accept work as shared.jobs.api.start does, recorded first: what is begun is never without its record."""
    rows = await catalog.rows("organisation_of_project", {"project_id": caller.project_id})
    await audit.record(
        catalog,
        organisation_id=rows[0]["organisation_id"] if rows else None,
        actor=caller,
        action=f"{jobs.kind}.requested",
        target=f"project:{caller.project_id}",
        after=msgspec.json.decode(msgspec.json.encode(wanted)),
        request_id=request.request_id,
        address=proxies.address(request.headers, request.peer),
        project_id=caller.project_id,
    )
    asked_by = f"{caller.kind}:{caller.id}"
    return await api.start(request, jobs, caller.project_id, wanted, path, same=same, asked_by=asked_by)
