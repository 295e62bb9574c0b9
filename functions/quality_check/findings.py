"""Findings in the catalog: opened once, closed once, and whoever wants to know is told of both."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from functions.quality_check.kinds import Found, Kind, place_of
from shared.bus import Bus, Message
from shared.catalog.client import Catalog, Queries, Row
from shared.clock import to_datetime, to_micros
from shared.events import CONTROL_TOPIC
from shared.ids import uuid7
from shared.notifications import Language, Notification, message_of

FOUND = "dev.sluice.quality.found.v1"
GONE = "dev.sluice.quality.gone.v1"
MOST_TOLD = 1_000
_MOST_IN_MAIL = 10


class QualityFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is, or was, wrong with an event or one of its properties ('' for the event, or the whole project).

    `value` and `expected` are shares, or numbers of events for `volume`, `silent` and `unplanned`; `detail` has the
    numbers, types or names they come from. It is open until `closed_at`; to acknowledge it changes nothing else.
    """

    id: uuid.UUID
    kind: Kind
    event: str
    property: str
    value: float
    expected: float | None
    detail: str
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    note: str


async def keep(queries: Queries, project_id: uuid.UUID, found: Sequence[Found], at: datetime) -> None:
    """Make the open findings those that were found at `at`. In a transaction: two at once open nothing twice.

    A look that began earlier than what is known closes nothing that it could not see.
    """
    await queries.rows("lock_project", {"project_id": project_id})
    rows = await queries.rows("quality/open_findings", {"project_id": project_id})
    known = {(row["event"], row["kind"], row["property"]): row["id"] for row in rows}
    for one in found:
        numbers = {"value": one.value, "expected": one.expected, "detail": one.detail, "at": at}
        if finding_id := known.pop(place_of(one), None):
            await queries.rows("quality/see_finding", {"id": finding_id, **numbers})
        else:
            place = {"kind": one.kind, "event": one.event, "property": one.property}
            values = {"id": uuid7(to_micros(at) // 1_000), "project_id": project_id, **place, **numbers}
            await queries.rows("quality/open_finding", values)
    if known:
        await queries.rows("quality/close_findings", {"ids": list(known.values()), "at": at})


async def tell(catalog: Catalog, bus: Bus, project_id: uuid.UUID, public_url: str) -> int:
    """Tell of what came and went and nobody was told of; how many findings that were.

    An event each, a notification for the webhooks that subscribe, and for the admins who want it one mail of all that
    came. Twice at most, under the same ids and keys.
    """
    rows = await catalog.rows("quality/untold", {"project_id": project_id, "most": MOST_TOLD})
    if not rows:
        return 0
    messages = [message for row in rows for message in _news(row)]
    fresh = [row for row in rows if not row["told_found"] and row["closed_at"] is None]
    if fresh and fresh[0]["mail_admins"]:
        admins = await catalog.rows("project_admins", {"project_id": project_id})
        messages += [message_of(_mail(fresh, one["email"], one["language"], public_url)) for one in admins]
    await bus.publish(CONTROL_TOPIC, messages)
    for row in rows:
        await catalog.rows("quality/told", {"id": row["id"], "gone": row["closed_at"] is not None})
    return len(rows)


def finding_of(row: Row) -> QualityFinding:
    """A row of `quality_findings`."""
    return QualityFinding(**{name: row[name] for name in QualityFinding.__struct_fields__})


def _news(row: Row) -> list[Message]:
    told: list[Message] = []
    if not row["told_found"]:
        told += _telling(row, "found", row["opened_at"])
    if row["closed_at"] is not None:
        told += _telling(row, "gone", row["closed_at"])
    return told


def _telling(row: Row, what: Literal["found", "gone"], at: datetime) -> list[Message]:
    finding = finding_of(row)
    values: dict[str, Any] = msgspec.to_builtins(finding)
    attributes = {
        "specversion": "1.0",
        "id": f"{finding.id}:{what}",
        "source": "/sluice/quality",
        "type": FOUND if what == "found" else GONE,
        "time": to_datetime(to_micros(at)).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "project": str(row["project_id"]),
    }
    notification = Notification(
        key=f"quality:{finding.id}:{what}",
        project_id=row["project_id"],
        template="quality_found" if what == "found" else "quality_gone",
        values=values,
        subscribers="quality.found" if what == "found" else "quality.gone",
    )
    return [Message(attributes, msgspec.json.encode(finding)), message_of(notification)]


def _mail(fresh: Sequence[Row], email: str, language: Language, public_url: str) -> Notification:
    shown = [msgspec.to_builtins(finding_of(row)) for row in fresh[:_MOST_IN_MAIL]]
    link = f"{public_url.rstrip('/')}/app/quality" if public_url else ""
    return Notification(
        key=f"quality:digest:{fresh[0]['id']}:{email}",
        project_id=fresh[0]["project_id"],
        template="quality_digest",
        values={"findings": shown, "count": len(fresh), "more": len(fresh) - len(shown), "link": link},
        language=language,
        emails=[email],
    )
