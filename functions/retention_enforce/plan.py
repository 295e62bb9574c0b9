"""What a project keeps for how long, and the conditions on what it keeps no longer."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shared.catalog.client import Queries
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected
from shared.warehouse.deletion import Rows, Table

MOST_DAYS = 36_500
MOST_RULES = 200
# Values are bound in the statement's address, which servers bound.
MOST_NAME_BYTES = 6_000
_MOMENT = "DateTime64(6, 'UTC')"
_HERE = Path(__file__).parent


class Rule(msgspec.Struct, frozen=True):
    """Events of one name are kept for so many days of their own; null for ever."""

    event: str
    days: int | None


class Plan(msgspec.Struct, frozen=True):
    """What a project keeps: events for `days` unless a rule names them, refused payloads for `rejected_days`.

    Null `days` are for ever. A payload is never kept for longer than `days`; `rejected_days` null is as long as those.
    """

    days: int | None = None
    rejected_days: int | None = None
    rules: Sequence[Rule] = ()

    @property
    def payload_days(self) -> int | None:
        """For how many days refused payloads are kept; None for ever."""
        given = [days for days in (self.days, self.rejected_days) if days is not None]
        return min(given, default=None)

    @property
    def for_ever(self) -> bool:
        """Whether nothing is ever due."""
        return self.payload_days is None and all(rule.days is None for rule in self.rules)

    def check(self, now: datetime) -> None:
        """Refuse names given twice or too long together (`bad_request`), and days before 1970 (`bad_range`)."""
        names = [rule.event for rule in self.rules]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Rejected(Refusal.BAD_REQUEST, f"there are two rules for {twice!r}")
        if len(names) > MOST_RULES or sum(len(name.encode()) for name in names) > MOST_NAME_BYTES:
            detail = f"at most {MOST_RULES} rules, and {MOST_NAME_BYTES} bytes of names together"
            raise Rejected(Refusal.BAD_REQUEST, detail)
        for days in (self.days, self.rejected_days, *(rule.days for rule in self.rules)):
            if days is not None and (now - datetime(1970, 1, 1, tzinfo=now.tzinfo)).days < days:
                raise Rejected(Refusal.BAD_RANGE, f"{days} days ago was before 1970: keep for ever with null")


class Scope(NamedTuple):
    """Whose rows, as they are due at a time; `run` names the keys under hold in `held_keys`, None where nobody is."""

    project_id: uuid.UUID
    now: datetime
    run: uuid.UUID | None = None

    def held(self, parameters: Parameters, name: str = "not_held") -> str:
        if self.run is None:
            return "true"
        project, run = parameters.bind("UUID", str(self.project_id)), parameters.bind("UUID", str(self.run))
        return read_sql(_HERE, name, project=project, run=run).rstrip()


async def plan_of(queries: Queries, project_id: uuid.UUID) -> Plan:
    """What the project keeps; refuses a project that is not there (`not_found`)."""
    rows = await queries.rows("find_retention", {"project_id": project_id})
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, "the project is not there any more")
    [row] = rows
    rules = [Rule(event, days) for event, days in msgspec.json.decode(row["rules"])]
    return Plan(row["days"], row["rejected_days"], rules)


async def keep(queries: Queries, project_id: uuid.UUID, plan: Plan) -> Plan:
    """Keep by this plan from the next run on; in one transaction, which `queries` is."""
    values: dict[str, Any] = {"project_id": project_id, "days": plan.days, "rejected_days": plan.rejected_days}
    if not await queries.rows("set_retention", values):
        raise Rejected(Refusal.NOT_FOUND, "the project is not there any more")
    await queries.rows("forget_retention_rules", {"project_id": project_id})
    events, days = [rule.event for rule in plan.rules], [rule.days for rule in plan.rules]
    await queries.rows("keep_retention_rules", {"project_id": project_id, "events": events, "days": days})
    return await plan_of(queries, project_id)


def due_events(plan: Plan, scope: Scope, partitions: Sequence[str] | None = None) -> Rows | None:
    """Events that are due, in some partitions or in all; None where none can be."""
    parameters = Parameters()
    where = _due(plan, scope, parameters)
    if where is not None and partitions is not None:
        where += f"\n    AND _partition_id IN {parameters.bind('Array(String)', list(partitions))}"
    return None if where is None else Rows("events", where, parameters.values)


def due_gone(plan: Plan, scope: Scope, pairs: str, parameters: Parameters) -> Rows | None:
    """What was said of people of whom no event is left; `pairs` says who is who, its values bound in `parameters`."""
    due = _due(plan, scope, parameters, "identity_not_held")
    if due is None:
        return None
    project = parameters.bind("UUID", str(scope.project_id))
    where = read_sql(_HERE, "gone", due=due, project=project, pairs=pairs)
    return Rows("identity_events", where.rstrip(), parameters.values)


def due_before(table: Table, name: str, days: int | None, scope: Scope, held: str = "") -> Rows | None:
    """Rows of a table of which one cutoff holds; None where they are kept for ever. `held` names what keeps some."""
    if days is None:
        return None
    parameters = Parameters()
    project = parameters.bind("UUID", str(scope.project_id))
    cutoff = _moment(scope.now - timedelta(days=days), parameters)
    keeping = scope.held(parameters, held) if held else "true"
    where = read_sql(_HERE, name, project=project, cutoff=cutoff, held=keeping)
    return Rows(table, where.rstrip(), parameters.values)


def due_rejected(plan: Plan, scope: Scope, ids: Sequence[str] | None = ()) -> Rows | None:
    """Refused payloads that are due and name nobody of `ids`; None where none can be, or `ids` is None: too many."""
    if plan.payload_days is None or ids is None:
        return None
    parameters = Parameters()
    project = parameters.bind("UUID", str(scope.project_id))
    cutoff = _moment(scope.now - timedelta(days=plan.payload_days), parameters)
    held = read_sql(_HERE, "not_named", ids=parameters.bind("Array(String)", list(ids))).rstrip() if ids else "true"
    where = read_sql(_HERE, "due_rejected", project=project, cutoff=cutoff, held=held)
    return Rows("rejected_events", where.rstrip(), parameters.values)


def _due(plan: Plan, scope: Scope, parameters: Parameters, held: str = "not_held") -> str | None:
    """The condition on rows with an event's name and its times; None where every event is kept for ever."""
    by_days: dict[int, list[str]] = {}
    for rule in plan.rules:
        if rule.days is not None:
            by_days.setdefault(rule.days, []).append(rule.event)
    parts = []
    for days, names in by_days.items():
        parts.append(_of(f"event IN {parameters.bind('Array(String)', names)}", days, scope, parameters))
    if plan.days is not None:
        named = [rule.event for rule in plan.rules]
        which = f"event NOT IN {parameters.bind('Array(String)', named)}" if named else "true"
        parts.append(_of(which, plan.days, scope, parameters))
    if not parts:
        return None
    fewest = min([*by_days, *([] if plan.days is None else [plan.days])])
    return read_sql(
        _HERE,
        "due_events",
        project=parameters.bind("UUID", str(scope.project_id)),
        newest=_moment(scope.now - timedelta(days=fewest), parameters),
        due=" OR ".join(parts),
        held=scope.held(parameters, held),
    ).rstrip()


def _of(which: str, days: int, scope: Scope, parameters: Parameters) -> str:
    cutoff = _moment(scope.now - timedelta(days=days), parameters)
    return read_sql(_HERE, "due_by_name", which=which, cutoff=cutoff).rstrip()


def _moment(moment: datetime, parameters: Parameters) -> str:
    return parameters.bind(_MOMENT, str(moment.replace(tzinfo=None)))
