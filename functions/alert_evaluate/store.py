"""The rules and what they went through, in the catalog."""

import uuid
from datetime import datetime
from typing import Any

import msgspec

from functions.alert_evaluate.rules import Rule
from functions.alert_evaluate.states import Change, Shown, Standing, State
from shared.catalog.client import Queries, Row
from shared.catalog.webhooks import Webhooks
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.timers import Timers
from shared.timers.schedule import Schedule

EACH_MINUTE = Schedule("* * * * *", "UTC")


class Alert(msgspec.Struct, frozen=True):
    """A row of `alerts`; `rule` is the JSON of a Rule, `evaluated_to` the end of the last window that was judged."""

    id: uuid.UUID
    project_id: uuid.UUID
    name: str
    rule: str
    version: int
    paused: bool
    state: State
    value: float | None
    pending_since: datetime | None
    incident_id: uuid.UUID | None
    evaluated_to: datetime | None
    problem_code: str | None
    problem_detail: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def parsed(self) -> Rule:
        return msgspec.json.decode(self.rule, type=Rule)

    @property
    def standing(self) -> Standing:
        return Standing(
            self.state, self.pending_since, self.incident_id, self.value, self.problem_code, self.problem_detail
        )


class Noted(msgspec.Struct, frozen=True):
    """A row of `alert_changes`: a rule's step into another state at the end of a window, with the rule of then.

    `project` is the project's name, `since` when the condition began to hold.
    """

    id: uuid.UUID
    alert_id: uuid.UUID
    project_id: uuid.UUID
    project: str
    at: datetime
    before: Shown
    after: Shown
    value: float | None
    incident_id: uuid.UUID | None
    since: datetime | None
    code: str | None
    detail: str | None
    rule: str
    created_at: datetime


class Alerts:
    """Reads and writes rules, in a catalog or a transaction.

    Every call raises CatalogUnavailableError where the catalog is away.
    """

    def __init__(self, catalog: Queries, timers: Timers, most: int) -> None:
        self._catalog = catalog
        self._timers = timers
        self._webhooks = Webhooks(catalog)
        self._most = most

    def within(self, transaction: Queries) -> "Alerts":
        """The same, in a transaction."""
        return Alerts(transaction, self._timers, self._most)

    async def create(self, project_id: uuid.UUID, rule: Rule) -> Alert:
        """A new rule, evaluated from the next full minute on.

        In a transaction: it holds the project's row, so that two at once count each other. Refuses more than a project
        may have (`conflict`), and webhooks it does not have (`bad_destination`).
        """
        await self._webhooks.require(rule.notify.webhooks, project_id)
        alert_id = uuid7()
        values = {
            "id": alert_id,
            "project_id": project_id,
            **_written(rule),
            "most": self._most,
            **self._timer(alert_id),
        }
        await self._catalog.rows("lock_project", {"project_id": project_id})
        found = await self._catalog.rows("create_alert", values)
        if not found:
            raise Rejected(Refusal.CONFLICT, f"the project has {self._most} alert rules, as many as it may: delete one")
        return Alert(**found[0])

    async def find(self, alert_id: uuid.UUID, project_id: uuid.UUID | None = None) -> Alert | None:
        """The rule of that id, of any project or only of this one."""
        return await self._one("find_alert", {"id": alert_id, "project_id": project_id})

    async def page(self, project_id: uuid.UUID, before: uuid.UUID | None, most: int) -> list[Alert]:
        """A project's rules, the newest first, at most so many of those made before that id."""
        rows = await self._catalog.rows("list_alerts", {"project_id": project_id, "before": before, "most": most})
        return [Alert(**row) for row in rows]

    async def replace(self, alert_id: uuid.UUID, project_id: uuid.UUID, rule: Rule) -> Alert | None:
        """Write a rule anew; where it stands stays, and is judged by the new rule from its next window on.

        Refuses webhooks the project does not have (`bad_destination`).
        """
        await self._webhooks.require(rule.notify.webhooks, project_id)
        return await self._one("replace_alert", {"id": alert_id, "project_id": project_id, **_written(rule)})

    async def pause(self, alert_id: uuid.UUID, project_id: uuid.UUID, *, paused: bool) -> Alert | None:
        """Stop or go on evaluating a rule."""
        values = {"id": alert_id, "project_id": project_id, "paused": paused}
        return await self._one("pause_alert", {**values, **self._timer(alert_id)})

    async def remove(self, alert_id: uuid.UUID, project_id: uuid.UUID) -> bool:
        """Remove a rule with its history; False where there is none."""
        values = {"id": alert_id, "project_id": project_id, **self._timer(alert_id)}
        return bool(await self._catalog.rows("remove_alert", values))

    async def save(self, alert: Alert, now: Standing, end: datetime, change: Change | None) -> bool:
        """Note in one go where a rule stands and its step.

        False where somebody else judged the window, or the rule is another by now.
        """
        step: dict[str, Any] = {"change_id": None, "before": "", "after": "", "told": False}
        if change is not None:
            step = {"change_id": change.id, "before": change.before, "after": change.after, "told": change.told}
        step["since"] = now.pending_since or alert.pending_since
        stands = {name: getattr(now, name) for name in Standing.__struct_fields__}
        seen = {"id": alert.id, "version": alert.version, "seen": alert.evaluated_to, "evaluated_to": end}
        return bool(await self._catalog.rows("save_alert", {**stands, **seen, **step}))

    async def history(self, alert_id: uuid.UUID, before: tuple[datetime, uuid.UUID] | None, most: int) -> list[Noted]:
        """A rule's steps, the newest first, at most so many of those before that one."""
        at, change_id = before or (None, None)
        values = {"alert_id": alert_id, "at": at, "before": change_id, "most": most}
        return [Noted(**row) for row in await self._catalog.rows("list_alert_changes", values)]

    async def untold(self, seconds: float, most: int) -> list[Noted]:
        """Steps nobody was told of yet though they should have been, so many seconds after they were noted."""
        rows = await self._catalog.rows("untold_alert_changes", {"seconds": seconds, "most": most})
        return [Noted(**row) for row in rows]

    async def told(self, change_id: uuid.UUID) -> None:
        """Those to be told of a step were."""
        await self._catalog.rows("told_alert_change", {"id": change_id})

    async def noted(self, change_id: uuid.UUID) -> Noted | None:
        """The step of that id."""
        rows = await self._catalog.rows("find_alert_change", {"id": change_id})
        return Noted(**rows[0]) if rows else None

    def _timer(self, alert_id: uuid.UUID) -> Row:
        return self._timers.values(str(alert_id), EACH_MINUTE)

    async def _one(self, query: str, values: Row) -> Alert | None:
        rows = await self._catalog.rows(query, values)
        return Alert(**rows[0]) if rows else None


def _written(rule: Rule) -> Row:
    return {"name": rule.name, "rule": msgspec.json.encode(rule).decode()}
