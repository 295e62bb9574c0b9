"""What the workspace does by itself, each hour: sign how far the audit logs are, seal anew, and end what is over."""

import structlog

from functions.workspace.call import Call
from functions.workspace.ports import Ports
from shared.catalog.client import Row
from shared.catalog.projects import remove_project
from shared.cloudevent import decode
from shared.http import Reply
from shared.refusals import Refusal, Rejected
from shared.security.audit import Agent, record
from shared.security.audit_chain import Checkpoint, Verdict, checkpoint, organisations
from shared.security.resealing import reseal
from shared.warehouse.client import Warehouse
from shared.warehouse.removal import RemovalUnfinishedError, delete_rows

log = structlog.get_logger()

DUE = "dev.sluice.workspace.due.v1"
# How long a deleted project can be brought back.
RESTORABLE_DAYS = 30
_PURGE_SECONDS = 40.0
_MOST_BYTES = 64 * 1024


async def deliver(call: Call) -> Reply:
    """Do what is due; each part may be repeated."""
    message = decode(call.headers, await call.raw_body(_MOST_BYTES))
    if message.attributes["type"] != DUE:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, message.attributes["type"])
    await sign(call.ports)
    if call.ports.settings.earlier_secret_key:
        await _seal_anew(call.ports)
    await call.ports.catalog.rows("workspace/forget_requests")
    for row in await call.ports.catalog.rows("workspace/projects_to_purge", {"days": RESTORABLE_DAYS}):
        await _purge(call.ports, row)
    return Reply(204)


async def sign(ports: Ports) -> None:
    """A checkpoint of every audit log that has grown; the log lines, kept elsewhere, show what was cut off."""
    for organisation in await organisations(ports.catalog):
        match await checkpoint(ports.catalog, organisation, ports.signer):
            case Checkpoint() as signed:
                log.info(
                    "audit_checkpoint",
                    organisation=str(organisation),
                    seq=signed.seq,
                    hash=signed.hash.hex(),
                    at=signed.at.isoformat(),
                    key_id=signed.key_id,
                    signed=signed.signature.hex(),
                )
            case Verdict() as unsound:
                faults = [f"{fault.kind} {fault.seq}: {fault.detail}" for fault in unsound.faults[:10]]
                log.error("audit_log_tampered_with", organisation=str(organisation), faults=faults)
            case None:
                pass


async def _seal_anew(ports: Ports) -> None:
    """While there is a secret before the one of now: need it no more."""
    done = await reseal(ports.catalog, ports.sealer, ports.signer)
    if done.closed:
        log.error("sealed_with_unknown_secrets", closed=done.closed[:10], count=len(done.closed))
    elif done.anew or done.endorsed:
        log.info("secrets_resealed", sealed=done.sealed, anew=done.anew, meaning="JWT_SECRET_KEY_BEFORE can go")


async def _purge(ports: Ports, row: Row) -> None:
    """Remove a deleted project's events, then the project; what is left for lack of time goes the next hour."""
    warehouse = Warehouse(ports.settings.warehouse_url)
    try:
        await delete_rows(warehouse, row["id"], lambda said: log.info("purging", said=said), seconds=_PURGE_SECONDS)
    except RemovalUnfinishedError:
        return
    finally:
        await warehouse.close()
    await remove_project(ports.catalog, row["id"])
    await record(
        ports.catalog,
        organisation_id=row["organisation_id"],
        actor=Agent("workspace"),
        action="project.purged",
        target=f"project:{row['id']}",
        before={"name": row["name"], "deleted_at": row["deleted_at"].isoformat()},
    )
