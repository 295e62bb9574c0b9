"""One page of an export, answered at once: for scripts, spreadsheets and clients of older services."""

import io
import uuid
from urllib.parse import parse_qsl, urlencode

import msgspec

from functions.export.asked import ExportPageQuery, Key
from functions.export.columns import Column, columns, select_list
from functions.export.formats import Format, Layout, layout, open_writer
from functions.export.reading import Events, from_key, read_page
from shared.clock import Clock, to_datetime
from shared.http import Reply
from shared.query.pages import open_page
from shared.query.request import from_address
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse, WarehouseError

ADDRESSES: dict[str, Format] = {
    "/api/v1/export/csv": "csv",
    "/api/v1/export/json": "json",
    "/api/v1/export/parquet": "parquet",
}
_KEY_COLUMNS = 4
_CANNOT_COMPILE_REGEXP = 427


def page(path: str, query_string: str, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock) -> Reply:
    """The page as a file; `X-Next-Cursor` and `Link: …; rel="next"` lead to the one after it. Blocks.

    Refuses what query_events refuses, unknown columns, and a page that is too large (`query_too_expensive`).
    """
    query = from_address(query_string, ExportPageQuery).settled()
    wanted, how = columns(query.columns), layout(ADDRESSES[path], query.compression, query.formulas)
    opened = open_page(
        query, Key, listed=f"export.{how.format}", project_id=project_id, now=to_datetime(clock.micros())
    )
    events = Events(project_id, from_key(opened.period, opened.after), query.events, query.filters)
    try:
        selected = select_list(wanted, as_json=how.format == "json")
        table = read_page(warehouse, events, selected, opened.after, query.limit + 1)
    except WarehouseError as error:
        if error.code == _CANNOT_COMPILE_REGEXP:
            raise Rejected(Refusal.BAD_FILTER, "a regular expression is not RE2") from error
        raise
    shown = table.slice(0, query.limit)
    reply = Reply(200, _file(shown, wanted, how), how.content_type)
    reply.headers["content-disposition"] = f'attachment; filename="events{how.ending}"'
    reply.headers["x-row-count"] = str(shown.num_rows)
    if table.num_rows > query.limit:
        cursor = opened.cursor(_key(shown))
        given = {**dict(parse_qsl(query_string)), "cursor": cursor}
        reply.headers["x-next-cursor"] = cursor
        reply.headers["link"] = f'<{path}?{urlencode(given)}>; rel="next"'
    return reply


def _file(table: "object", wanted: list[Column], how: Layout) -> bytes:
    buffer = io.BytesIO()
    with open_writer(how, wanted, buffer) as writer:
        for batch in table.select(range(len(wanted))).to_batches():  # type: ignore[attr-defined]  # untyped library
            writer.write(batch)
    return buffer.getvalue()


def _key(table: "object") -> Key:
    last = table.slice(table.num_rows - 1).to_pylist()[0]  # type: ignore[attr-defined]  # untyped library
    return msgspec.convert((last["k0"], uuid.UUID(last["k1"]), last["k2"], last["k3"]), Key)
