"""The addresses of schemas: make, list, show, write anew, try, remove; draft one, hold properties against one."""

from datetime import timedelta
from typing import Any

import msgspec

from functions.quality_check.asked import (
    CheckAnswer,
    CheckRequest,
    DraftAnswer,
    DraftRequest,
    EventSchemaAnswer,
    NewSchema,
    NextVersion,
    SchemasAnswer,
    SchemasQuery,
    SchemaViolation,
    TriedAnswer,
    VersionsAnswer,
)
from functions.quality_check.call import Call, Routes
from functions.quality_check.compatibility import breaks
from functions.quality_check.draft import drafted
from functions.quality_check.profiles import HERE
from functions.quality_check.registry import EventSchema, QualitySettings, Registry, checked_text
from shared.clock import to_datetime
from shared.http import Reply, json_reply
from shared.query.ask import Asker
from shared.query.parameters import Parameters
from shared.query.period import Period, zone_of
from shared.query.scope import read_sql, scope
from shared.refusals import Refusal, Rejected
from shared.schemas import Compiled
from shared.security.policy import Action

SCHEMAS = "/api/v1/schemas"
ONE = SCHEMAS + "/{id}"
VERSIONS = ONE + "/versions"
TRY = ONE + "/try"
DRAFT = SCHEMAS + "/draft"
CHECK = SCHEMAS + "/check"
SETTINGS = SCHEMAS + "/settings"


async def _list(call: Call, _: dict[str, str]) -> Reply:
    query = call.query(SchemasQuery)
    found = await call.registry.page(query.cursor or None, query.limit + 1, query.event or None)
    page = found[: query.limit]
    more = page[-1].event if len(found) > query.limit else None
    settings = await call.registry.settings()
    return json_reply(SchemasAnswer([shown(one) for one in page], more, settings.mode))


async def _create(call: Call, _: dict[str, str]) -> Reply:
    wanted = await call.body(NewSchema)
    made = await call.change(
        "schema.created",
        lambda queries: Registry(queries, call.project_id).create(wanted.event, wanted),
        target=_target,
        shown=shown,
    )
    reply = json_reply(shown(made), 201)
    reply.headers["location"] = f"{SCHEMAS}/{made.id}"
    return reply


async def _show(call: Call, path: dict[str, str]) -> Reply:
    return json_reply(shown(await call.schema(path["id"])))


async def _write(call: Call, path: dict[str, str]) -> Reply:
    before, wanted = await call.schema(path["id"]), await call.body(NextVersion)
    after = await call.change(
        "schema.changed",
        lambda queries: Registry(queries, call.project_id).write(before, wanted),
        target=_target,
        before=shown(before),
        shown=shown,
    )
    return json_reply(shown(after))


async def _try(call: Call, path: dict[str, str]) -> Reply:
    before, wanted = await call.schema(path["id"]), await call.body(NextVersion)
    found = breaks(before.parsed, msgspec.json.decode(checked_text(wanted.schema)), before.compatibility)
    return json_reply(TriedAnswer(compatible=not found, breaks=found, compatibility=before.compatibility))


async def _remove(call: Call, path: dict[str, str]) -> Reply:
    before = await call.schema(path["id"])
    await call.change(
        "schema.removed",
        lambda queries: Registry(queries, call.project_id).remove(before.id),
        target=lambda _: _target(before),
        before=shown(before),
    )
    return Reply(204)


async def _versions(call: Call, path: dict[str, str]) -> Reply:
    found = await call.schema(path["id"])
    return json_reply(VersionsAnswer(await call.registry.versions(found.id)))


async def _draft(call: Call, _: dict[str, str]) -> Reply:
    wanted = await call.body(DraftRequest)
    now = to_datetime(call.ports.clock.micros())
    period = Period(now - timedelta(days=wanted.days), now + timedelta(days=1), zone_of("UTC"))
    parameters = Parameters()
    where = scope(call.project_id, period, parameters, events=[wanted.event])
    sql = read_sql(HERE, "sample", scope=where, most=parameters.bind("UInt32", wanted.rows))
    asker = Asker(call.ports.questions, function="quality_check", project_id=call.project_id)
    rows = (await call.request.while_connected(asker.ask(sql, parameters.values))).rows
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no event {wanted.event!r} in the last {wanted.days} days")
    samples = [msgspec.json.decode(row[0], type=dict[str, Any]) for row in rows]
    return json_reply(DraftAnswer(event=wanted.event, schema=drafted(samples), rows=len(rows)))


async def _check(call: Call, _: dict[str, str]) -> Reply:
    wanted = await call.body(CheckRequest)
    version: int | None = None
    if wanted.schema is not msgspec.UNSET:
        text = checked_text(wanted.schema)
    else:
        found = await call.registry.page(None, 1, wanted.event)
        if not found:
            raise Rejected(Refusal.NOT_FOUND, f"{wanted.event!r} has no schema; give one as `schema`")
        text, version = found[0].schema, found[0].version
    violations = [SchemaViolation(*one) for one in Compiled(text).violations(wanted.properties, most=100)]
    return json_reply(CheckAnswer(valid=not violations, violations=violations, version=version))


async def _settings(call: Call, _: dict[str, str]) -> Reply:
    return json_reply(await call.registry.settings())


async def _keep_settings(call: Call, _: dict[str, str]) -> Reply:
    wanted, before = await call.body(QualitySettings), await call.registry.settings()
    await call.change(
        "quality.changed",
        lambda queries: Registry(queries, call.project_id).keep_settings(wanted),
        target=lambda _: f"project:{call.project_id}",
        before=before,
        shown=lambda _: wanted,
    )
    return json_reply(wanted)


def shown(schema: EventSchema) -> EventSchemaAnswer:
    """What people see of a schema."""
    return EventSchemaAnswer(
        id=schema.id,
        event=schema.event,
        version=schema.version,
        compatibility=schema.compatibility,
        schema=schema.parsed,
        created_at=schema.created_at,
        updated_at=schema.updated_at,
    )


def _target(schema: EventSchema) -> str:
    return f"schema:{schema.id}"


_READ, _WRITE = Action.DEFINITIONS_READ, Action.DEFINITIONS_WRITE
ROUTES: Routes = {
    SCHEMAS: {"GET": (_READ, _list), "POST": (_WRITE, _create)},
    DRAFT: {"POST": (Action.EVENTS_READ, _draft)},
    CHECK: {"POST": (_READ, _check)},
    SETTINGS: {"GET": (_READ, _settings), "PUT": (Action.PROJECT_WRITE, _keep_settings)},
    ONE: {"GET": (_READ, _show), "PUT": (_WRITE, _write), "DELETE": (_WRITE, _remove)},
    TRY: {"POST": (_READ, _try)},
    VERSIONS: {"GET": (_READ, _versions)},
}
