"""Who is told of a finished export: those the request names, and webhooks that asked for it."""

import msgspec

from functions.export.asked import ExportJob
from functions.export.logic import Exporter
from shared.bus import Bus
from shared.jobs import Job
from shared.notifications import Notification, notify


async def notify_of(job: Job, exporter: Exporter, bus: Bus) -> None:
    """Tell of a job that was completed or has failed; twice around a crash, under the same key.

    Raises BusUnavailableError, so that the event of the job comes again.
    """
    if job.state == "cancelled":
        return
    completed = job.state == "completed"
    request = msgspec.json.decode(job.request, type=ExportJob)
    values = msgspec.to_builtins(exporter.told(job))
    del values["notify"]
    notification = Notification(
        key=f"export:{job.id}:{job.state}",
        project_id=job.project_id,
        template="export_completed" if completed else "export_failed",
        values=values,
        language=request.told.language,
        emails=request.told.emails,
        webhooks=request.told.webhooks,
        subscribers="export.completed" if completed else "export.failed",
    )
    await notify(bus, notification)
