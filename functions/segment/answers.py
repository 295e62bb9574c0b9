"""The addresses of segments: make, list, show, write anew, upload, remove; size, members, overlap."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from functions.segment import logic
from functions.segment.asked import (
    ListedSegments,
    MembersAnswer,
    MembersQuery,
    OverlapBody,
    PreviewBody,
    SegmentAnswer,
    SegmentBody,
    SegmentsAnswer,
    SizeQuery,
    UploadedAnswer,
    UploadQuery,
    read_condition,
)
from functions.segment.lists import MOST_BYTES, Uploaded, read_list
from functions.segment.ports import Ports
from functions.segment.presets import PRESETS
from functions.segment.store import Segment, Segments, Written, keep_list, tell, tell_gone
from shared.clock import SYSTEM_CLOCK
from shared.http import Reply, Request, json_reply
from shared.ids import uuid7
from shared.listing import id_cursor, read_id
from shared.paths import match
from shared.query.parameters import Parameters
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.query.scope import read_sql
from shared.query.segment_rules import Listed, Stored, refused
from shared.query.segments import members_sql
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes
from shared.security.policy import Action

SEGMENTS = "/api/v1/segments"
ONE = SEGMENTS + "/{id}"
LISTS = SEGMENTS + "/lists"
LIST = ONE + "/list"
PREVIEW = SEGMENTS + "/preview"
PRESETS_PATH = SEGMENTS + "/presets"
OVERLAP = SEGMENTS + "/overlap"
SIZE = ONE + "/size"
MEMBERS = ONE + "/members"


class Call:
    """What one caller asks of the segments of their project."""

    def __init__(self, request: Request, ports: Ports, caller: Caller) -> None:
        self.request = request
        self.ports = ports
        self.project_id = caller.project_id
        self.changes = Changes(
            "segment", shown, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
        )

    @property
    def address(self) -> str:
        return self.request.query.decode("latin-1")

    def change(
        self, verb: str, work: Callable[[Segments], Awaitable[Segment | None]], before: Segment | None = None
    ) -> Awaitable[Segment]:
        """The segment after `work`, with its row in the audit log."""
        return self.changes.made(verb, lambda queries: work(self.ports.segments.within(queries)), before)

    async def question(self) -> logic.Among:
        """A question among all segments of the project."""
        found = await self.ports.segments.all(self.project_id)
        return await logic.among(self.project_id, found, self.ports.questions, SYSTEM_CLOCK)

    async def check(self, definition: Stored) -> None:
        """Refuse what cannot be asked: unknown properties, measures and segments, values that do not fit."""
        among = await self.question()
        members_sql(definition, among.segments, Parameters())

    async def found(self, text: str) -> Segment:
        """The project's segment; another project's is as unknown as one that never was."""
        segment = await self.ports.segments.find(read_id(text, "segment"), self.project_id)
        if segment is None:
            raise Rejected(Refusal.NOT_FOUND, f"there is no segment {text[:80]!r}")
        return segment


Route = Callable[[Call, dict[str, str]], Awaitable[Reply]]


async def answer(request: Request, ports: Ports) -> Reply:
    """Answer an address of segments; each change is in the audit log."""
    for path, methods in _ROUTES.items():
        found = match(path, request.path)
        if found is None or (path == ONE and found["id"] in _NAMES):
            continue
        if request.method not in methods:
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"{path} takes {', '.join(methods)}")
        action, route = methods[request.method]
        caller = await ports.access.authorize(request, action)
        return await route(Call(request, ports, caller), dict(found))
    raise Rejected(Refusal.NOT_FOUND, f"segments are at {SEGMENTS}, one of them at {ONE}")


async def _create(call: Call, _: dict[str, str]) -> Reply:
    body = from_json(await call.request.body(MAX_QUERY_BYTES), SegmentBody)
    wanted = Written(body.name, body.description, "dynamic", body.condition())
    await call.check(wanted.definition)
    segment = await call.change("created", lambda to: to.create(call.project_id, wanted))
    await tell(call.ports.warehouse, segment)
    reply = json_reply(shown(segment), 201)
    reply.headers["location"] = f"{SEGMENTS}/{segment.id}"
    return reply


async def _list(call: Call, _: dict[str, str]) -> Reply:
    query = from_address(call.address, ListedSegments)
    found = await call.ports.segments.page(call.project_id, id_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = str(page[-1].id) if len(found) > query.limit else None
    return json_reply(SegmentsAnswer([shown(one) for one in page], more))


async def _show(call: Call, path: dict[str, str]) -> Reply:
    return json_reply(shown(await call.found(path["id"])))


async def _replace(call: Call, path: dict[str, str]) -> Reply:
    segment = await call.found(path["id"])
    body = from_json(await call.request.body(MAX_QUERY_BYTES), SegmentBody)
    static = segment.kind == "static" and body.preset is None and not isinstance(body.definition, msgspec.Raw)
    definition = segment.condition if static else body.condition()
    if segment.kind == "static" and not static:
        raise refused(f"the segment is a list: send the new one to {SEGMENTS}/{segment.id}/list, or only `name`")
    wanted = Written(body.name, body.description, segment.kind, definition)
    await call.check(wanted.definition)
    after = await call.change("changed", lambda to: to.replace(segment.id, call.project_id, wanted), segment)
    await tell(call.ports.warehouse, after)
    return json_reply(shown(after))


async def _remove(call: Call, path: dict[str, str]) -> Reply:
    segment = await call.found(path["id"])
    segments = call.ports.segments
    await call.changes.removed(lambda to: segments.within(to).remove(segment.id, call.project_id), segment)
    await tell_gone(call.ports.warehouse, call.project_id, segment.id, segment.version)
    return Reply(204)


async def _upload(call: Call, _: dict[str, str]) -> Reply:
    """A new list."""
    query = from_address(call.address, UploadQuery)
    if not query.name:
        raise refused("`name` is missing: POST /api/v1/segments/lists?name=…")
    uploaded = read_list(await call.request.body(MOST_BYTES), skip=query.on_error == "skip")
    made = uuid7()
    await _keep(call, made, 1, query, uploaded)
    wanted = Written(query.name, query.description, "static", Listed(id=made, version=1))
    segment = await call.change("created", lambda to: to.create(call.project_id, wanted, made))
    await tell(call.ports.warehouse, segment)
    return json_reply(_uploaded(segment, uploaded), 201)


async def _upload_again(call: Call, path: dict[str, str]) -> Reply:
    """The list anew; readers have the old one until the new one is there whole."""
    segment = await call.found(path["id"])
    if segment.kind != "static":
        raise refused("the segment has a definition and no list: make a new one at /api/v1/segments/lists")
    query = from_address(call.address, UploadQuery)
    uploaded = read_list(await call.request.body(MOST_BYTES), skip=query.on_error == "skip")
    version = SYSTEM_CLOCK.micros()
    await _keep(call, segment.id, version, query, uploaded)
    wanted = Written(
        query.name or segment.name,
        query.description or segment.description,
        "static",
        Listed(id=segment.id, version=version),
    )
    after = await call.change("changed", lambda to: to.replace(segment.id, call.project_id, wanted), segment)
    await tell(call.ports.warehouse, after)
    which = {"project": str(call.project_id), "segment": str(segment.id), "kept": version}
    await call.ports.warehouse.change(read_sql(logic.HERE, "forget_lists"), which)
    return json_reply(_uploaded(after, uploaded))


async def _keep(call: Call, segment_id: uuid.UUID, version: int, query: UploadQuery, uploaded: Uploaded) -> None:
    prefix = "u:" if query.ids == "user_id" else "a:"
    keys = [prefix + text for text in uploaded.ids]
    await keep_list(call.ports.warehouse, call.project_id, segment_id, version, keys)


def _uploaded(segment: Segment, uploaded: Uploaded) -> UploadedAnswer:
    return UploadedAnswer(shown(segment), len(uploaded.ids), uploaded.repeated, uploaded.bad, list(uploaded.lines))


async def _presets(_call: Call, _path: dict[str, str]) -> Reply:
    return json_reply(list(PRESETS.values()))


async def _preview(call: Call, _: dict[str, str]) -> Reply:
    body = from_json(await call.request.body(MAX_QUERY_BYTES), PreviewBody)
    definition = read_condition(bytes(body.definition))
    return json_reply(await logic.size(definition, SizeQuery(), await call.question()))


async def _size(call: Call, path: dict[str, str]) -> Reply:
    segment = await call.found(path["id"])
    query = from_address(call.address, SizeQuery)
    return json_reply(await logic.size(segment.condition, query, await call.question()))


async def _members(call: Call, path: dict[str, str]) -> Reply:
    segment = await call.found(path["id"])
    query = from_address(call.address, MembersQuery)
    found = await logic.members(segment, query, await call.question())
    return json_reply(found) if query.format == "json" else _exported(found, query)


def _exported(found: MembersAnswer, query: MembersQuery) -> Reply:
    """A page as a file; where the next one begins is in a header."""
    headers = {} if found.next_cursor is None else {"x-next-cursor": found.next_cursor}
    if query.format == "ndjson":
        return Reply(200, msgspec.json.Encoder().encode_lines(found.items), "application/x-ndjson", headers)
    import csv
    import io

    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("person", "user_id", "anonymous_id"))
    rows.writerows((one.person, one.user_id or "", one.anonymous_id or "") for one in found.items)
    return Reply(200, text.getvalue().encode(), "text/csv; charset=utf-8", headers)


async def _overlap(call: Call, _: dict[str, str]) -> Reply:
    body = from_json(await call.request.body(MAX_QUERY_BYTES), OverlapBody)
    if len(set(body.segments)) < len(body.segments):
        raise Rejected(Refusal.BAD_REQUEST, "`segments` names one twice")
    wanted = [await call.found(str(one)) for one in body.segments]
    return json_reply(await logic.overlap(wanted, await call.question()))


def shown(segment: Segment) -> SegmentAnswer:
    """What people see of a segment."""
    condition: Any = segment.condition
    return SegmentAnswer(
        id=segment.id,
        name=segment.name,
        description=segment.description,
        kind=segment.kind,
        definition=None if isinstance(condition, Listed) else condition,
        version=segment.version,
        size=segment.size,
        seen_at=segment.seen_at,
        created_at=segment.created_at,
        updated_at=segment.updated_at,
    )


_READ, _WRITE = Action.EVENTS_READ, Action.DEFINITIONS_WRITE
_ROUTES: dict[str, dict[str, tuple[Action, Route]]] = {
    SEGMENTS: {"GET": (_READ, _list), "POST": (_WRITE, _create)},
    LISTS: {"POST": (_WRITE, _upload)},
    PREVIEW: {"POST": (_READ, _preview)},
    PRESETS_PATH: {"GET": (_READ, _presets)},
    OVERLAP: {"POST": (_READ, _overlap)},
    ONE: {"GET": (_READ, _show), "PUT": (_WRITE, _replace), "DELETE": (_WRITE, _remove)},
    LIST: {"PUT": (_WRITE, _upload_again)},
    SIZE: {"GET": (_READ, _size)},
    MEMBERS: {"GET": (_READ, _members)},
}
# Addresses of their own, which are nobody's id.
_NAMES = frozenset({"lists", "preview", "presets", "overlap"})
