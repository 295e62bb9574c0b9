"""The rules and what they went through, in the catalog."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from functions.alert_evaluate.rules import Rule
from functions.alert_evaluate.states import WHOLE, Change, Shown, Standing, Standings, State, whole
from shared.catalog.client import Queries, Row
from shared.catalog.webhooks import Webhooks
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.timers import Timers
from shared.timers.schedule import Schedule

EACH_MINUTE = Schedule("* * * * *", "UTC")
IncidentState = Literal["open", "acknowledged"]


class Grouped(msgspec.Struct, frozen=True):
    """Where the groups of a rule stand, and by what field they are groups; null where the rule has none."""

    by: str | None = None
    of: Standings = {}


class Alert(msgspec.Struct, frozen=True):
    """A row of `alerts`; `rule` is the JSON of a Rule, `groups` of a Grouped.

    `evaluated_to` is the end of the last window that was judged.
    """

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
    groups: str
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

    @property
    def grouped(self) -> Grouped:
        return msgspec.json.decode(self.groups, type=Grouped)

    @property
    def standings(self) -> Standings:
        """Where each group stands; of a rule that was judged without groups, where it stands itself."""
        grouped = self.grouped
        return {WHOLE: self.standing} if grouped.by is None else grouped.of


class Noted(msgspec.Struct, frozen=True):
    """A row of `alert_changes`: the step of a rule or a group into another state at the end of a window.

    `rule` is the rule of then, `project` the project's name, `since` when the condition began to hold.
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
    group_name: str
    rule: str
    created_at: datetime


class Outcome(NamedTuple):
    """Where a rule and its groups stand after the window that ended there, and the steps that brought them there.

    `by` is the field of its groups. `stands`: of a rule with groups, where it stands itself. Without `end` the window
    is not over: the next look at it comes all the same.
    """

    alert: Alert
    standings: Standings
    by: str | None
    stands: Standing
    steps: Sequence[Change]
    end: datetime | None


class Saved(NamedTuple):
    """The rules whose outcome was noted, and the steps that nobody had noted before."""

    alerts: frozenset[uuid.UUID]
    steps: frozenset[uuid.UUID]


class OpenIncident(msgspec.Struct, frozen=True):
    """An incident of a rule that is not over; `group` as the rule calls it, '' where it has none."""

    id: uuid.UUID
    state: IncidentState
    group: str


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
        may have (`conflict`), and webhooks and a policy it does not have (`bad_destination`).
        """
        await self._check_destinations(project_id, rule)
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

    async def many(self, alert_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Alert]:
        """The rules of these ids, of any project; those that are gone are not there."""
        rows = await self._catalog.rows("find_alerts", {"ids": list(alert_ids)})
        return {row["id"]: Alert(**row) for row in rows}

    async def quick(self, project_id: uuid.UUID) -> list[Alert]:
        """The project's rules that events may decide before their windows end."""
        return [Alert(**row) for row in await self._catalog.rows("quick_alerts", {"project_id": project_id})]

    async def page(self, project_id: uuid.UUID, before: uuid.UUID | None, most: int) -> list[Alert]:
        """A project's rules, the newest first, at most so many of those made before that id."""
        rows = await self._catalog.rows("list_alerts", {"project_id": project_id, "before": before, "most": most})
        return [Alert(**row) for row in rows]

    async def incidents(
        self, project_id: uuid.UUID, alert_ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, list[OpenIncident]]:
        """The incidents of these rules that are not over."""
        rows = await self._catalog.rows("open_incidents_of_rules", {"project_id": project_id, "ids": list(alert_ids)})
        found: dict[uuid.UUID, list[OpenIncident]] = {}
        for row in rows:
            found.setdefault(row["rule_id"], []).append(OpenIncident(row["id"], row["state"], row["group_name"]))
        return found

    async def replace(self, alert_id: uuid.UUID, project_id: uuid.UUID, rule: Rule) -> Alert | None:
        """Write a rule anew; where it stands stays, and is judged by the new rule from its next window on.

        Refuses webhooks and a policy the project does not have (`bad_destination`).
        """
        await self._check_destinations(project_id, rule)
        return await self._one("replace_alert", {"id": alert_id, "project_id": project_id, **_written(rule)})

    async def pause(self, alert_id: uuid.UUID, project_id: uuid.UUID, *, paused: bool) -> Alert | None:
        """Stop or go on evaluating a rule."""
        values = {"id": alert_id, "project_id": project_id, "paused": paused}
        return await self._one("pause_alert", {**values, **self._timer(alert_id)})

    async def remove(self, alert_id: uuid.UUID, project_id: uuid.UUID) -> bool:
        """Remove a rule with its history; False where there is none."""
        values = {"id": alert_id, "project_id": project_id, **self._timer(alert_id)}
        return bool(await self._catalog.rows("remove_alert", values))

    async def save(self, outcomes: Sequence[Outcome]) -> Saved:
        """Note where rules stand and their steps, of each both or neither, all in one statement.

        A rule is left out that somebody else judged for the window, or that is another by now.
        """
        alerts = [_row(one) for one in outcomes]
        steps = [_step(one.alert.id, step) for one in outcomes for step in one.steps]
        values = {"alerts": msgspec.json.encode(alerts).decode(), "steps": msgspec.json.encode(steps).decode()}
        rows = await self._catalog.rows("save_alerts", values)
        saved, noted = ({row["id"] for row in rows if row["what"] == what} for what in ("saved", "noted"))
        return Saved(frozenset(saved), frozenset(noted))

    async def history(self, alert_id: uuid.UUID, before: tuple[datetime, uuid.UUID] | None, most: int) -> list[Noted]:
        """A rule's steps, the newest first, at most so many of those before that one."""
        at, change_id = before or (None, None)
        values = {"alert_id": alert_id, "at": at, "before": change_id, "most": most}
        return [Noted(**row) for row in await self._catalog.rows("list_alert_changes", values)]

    async def fired_since(self, alert_ids: Sequence[uuid.UUID], since: datetime) -> set[uuid.UUID]:
        """Which of these rules began to fire, or stopped, at a time or later."""
        rows = await self._catalog.rows("late_alerts", {"ids": list(alert_ids), "since": since})
        return {row["alert_id"] for row in rows}

    async def untold(self, seconds: float, most: int) -> list[Noted]:
        """Steps nobody was told of yet though they should have been, so many seconds after they were noted."""
        rows = await self._catalog.rows("untold_alert_changes", {"seconds": seconds, "most": most})
        return [Noted(**row) for row in rows]

    async def told(self, change_ids: Sequence[uuid.UUID]) -> None:
        """Those to be told of these steps were."""
        await self._catalog.rows("told_alert_changes", {"ids": list(change_ids)})

    async def noted(self, change_ids: Sequence[uuid.UUID]) -> list[Noted]:
        """The steps of these ids, the oldest first."""
        return [Noted(**row) for row in await self._catalog.rows("find_alert_changes", {"ids": list(change_ids)})]

    async def _check_destinations(self, project_id: uuid.UUID, rule: Rule) -> None:
        await self._webhooks.require(rule.notify.webhooks, project_id)
        if rule.policy is None:
            return
        if not await self._catalog.rows("policy_exists", {"id": rule.policy, "project_id": project_id}):
            raise Rejected(Refusal.BAD_DESTINATION, f"the project has no escalation policy {rule.policy}")

    def _timer(self, alert_id: uuid.UUID) -> Row:
        return self._timers.values(str(alert_id), EACH_MINUTE)

    async def _one(self, query: str, values: Row) -> Alert | None:
        rows = await self._catalog.rows(query, values)
        return Alert(**rows[0]) if rows else None


def stands_of(by: str | None, standings: Standings) -> Standing:
    """Where a rule itself stands."""
    return standings[WHOLE] if by is None else whole(standings)


def _written(rule: Rule) -> Row:
    return {"name": rule.name, "rule": msgspec.json.encode(rule).decode(), "quick": rule.quick}


def _row(outcome: Outcome) -> Row:
    alert, stands = outcome.alert, outcome.stands
    grouped = Grouped(outcome.by, outcome.standings if outcome.by is not None else {})
    return {
        "id": alert.id,
        "version": alert.version,
        "seen": alert.evaluated_to,
        "evaluated_to": outcome.end or alert.evaluated_to,
        "groups": msgspec.json.encode(grouped).decode(),
        **_columns(stands),
    }


def _columns(stands: Standing) -> dict[str, Any]:
    return {
        "state": stands.state,
        "value": stands.value,
        "pending_since": stands.pending_since,
        "incident_id": stands.incident_id,
        "problem_code": stands.problem_code,
        "problem_detail": _plain(stands.problem_detail),
    }


def _step(alert_id: uuid.UUID, step: Change) -> Row:
    return {
        "id": step.id,
        "alert_id": alert_id,
        "group_name": step.group,
        "at": step.at,
        "before": step.before,
        "after": step.after,
        "value": step.standing.value,
        "incident_id": step.standing.incident_id,
        "since": step.since,
        "code": step.standing.problem_code,
        "detail": _plain(step.standing.problem_detail),
        "told": step.told,
    }


def _plain(text: str | None) -> str | None:
    """A text the catalog can keep."""
    return None if text is None else text.replace("\0", " ")
