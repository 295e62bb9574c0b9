"""The functions that read single events, over HTTP: addresses, scopes, and names in an address."""

import json
import uuid
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.query_events.main import main as query_events
from functions.query_schema.main import main as query_schema
from functions.receipts.main import main as receipts
from functions.rejected.main import main as rejected
from shared.catalog.client import Catalog
from shared.events import Receipt
from shared.function import Main, Service
from shared.http import Request
from shared.security.access import Access
from shared.security.keys import Key, new_key, shown_prefix
from shared.warehouse.client import Answer

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
TOKEN = Receipt(PROJECT, uuid.UUID(int=7), 1, 1).token()
READS: list[tuple[Main, str]] = [
    (query_events, "/api/v1/query/events"),
    (rejected, "/api/v1/rejected"),
    (rejected, "/api/v1/rejected/reasons"),
    (query_schema, "/api/v1/schema/events"),
    (query_schema, "/api/v1/schema/properties"),
    (query_schema, "/api/v1/schema/values?property=plan"),
]
EVERY = [*READS, (receipts, f"/api/v1/receipts/{TOKEN}")]


@dataclass
class Ports:
    """An empty warehouse, and one key whose scopes a test says."""

    scopes: frozenset[Any]
    clear: str = field(default_factory=lambda: new_key("secret"))
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def warehouse(self) -> "Ports":
        return self

    @property
    def access(self) -> "OneKey":
        return OneKey(self)

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer:
        self.asked.append((sql, parameters))
        return Answer((), [], 0)


class OneKey(Access):
    """The real checks, with a catalog that knows one key."""

    def __init__(self, ports: Ports) -> None:
        super().__init__(Catalog(""))
        self._ports = ports

    async def _look_up(self, key_hash: bytes) -> Key:
        prefix = shown_prefix(self._ports.clear)
        return Key(uuid.UUID(int=1), PROJECT, "secret", "test", prefix, self._ports.scopes, created_at=None)  # type: ignore[arg-type]  # never looked at


async def call(
    main: Main, address: str, ports: Ports, *, method: str = "GET", body: bytes = b""
) -> tuple[int, dict[str, Any]]:
    @asynccontextmanager
    async def opens() -> AsyncIterator[Ports]:
        yield ports

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body}

    path, _, query = address.partition("?")
    headers = [(b"x-api-key", ports.clear.encode())]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers}
    service = main.service
    reply = await Service(service.name, service._handler, opens, service._methods).answer(Request(scope, receive))
    return reply.status, json.loads(reply.body)


def reading() -> Ports:
    return Ports(frozenset({"read"}))


@pytest.mark.parametrize(("main", "address"), EVERY)
async def test_each_address_answers_a_key_that_may_read(main: Main, address: str) -> None:
    status, answer = await call(main, address, reading())
    assert status == 200, answer
    if "receipts" not in address:
        assert answer["items"] == []
        assert answer.get("next_cursor") is None
        assert set(answer["range"]) == {"from", "to", "timezone"}


@pytest.mark.parametrize(("main", "address"), READS)
async def test_a_key_that_may_only_send_reads_no_event(main: Main, address: str) -> None:
    ports = Ports(frozenset({"ingest"}))
    status, problem = await call(main, address, ports)
    assert (status, problem["code"], ports.asked) == (403, "scope_missing", [])


@pytest.mark.parametrize(
    ("scopes", "status"), [({"ingest"}, 200), ({"read"}, 200), ({"export"}, 403), ({"admin"}, 403)]
)
async def test_a_receipt_is_read_by_who_sends_or_reads(scopes: set[str], status: int) -> None:
    found, answer = await call(receipts, f"/api/v1/receipts/{TOKEN}", Ports(frozenset(scopes)))
    assert found == status
    if status == 403:
        assert "'ingest' or 'read'" in answer["detail"]


@pytest.mark.parametrize(
    ("main", "address"),
    [
        (receipts, "/api/v1/receipts/nonsense"),
        (receipts, f"/api/v1/receipts/{Receipt(uuid.UUID(int=1), PROJECT, 1, 1).token()}"),
        (receipts, "/api/v1/receipts/"),
        (rejected, "/api/v1/rejected/"),
        (rejected, "/"),
        (query_schema, "/api/v1/schema"),
        (query_schema, "/api/v1/schema/users"),
    ],
)
async def test_what_is_not_there_is_not_found(main: Main, address: str) -> None:
    ports = reading()
    status, problem = await call(main, address, ports)
    assert (status, problem["code"], ports.asked) == (404, "not_found", [])


@pytest.mark.parametrize(("main", "address"), READS)
async def test_an_unknown_name_a_repeated_one_and_a_bad_limit_are_refused(main: Main, address: str) -> None:
    join = "&" if "?" in address else "?"
    for more, status, code in (
        ("nonsense=1", 422, "unknown_field"),
        ("from=2026-01-01&from=2026-01-02", 400, "bad_request"),
        ("from=2026-02-01&to=2026-01-01", 422, "bad_range"),
        ("timezone=Mars/Base", 422, "bad_timezone"),
        *([] if "reasons" in address else [("limit=1000000000", 400, "bad_request"), ("cursor=x", 422, "bad_cursor")]),
    ):
        found, problem = await call(main, f"{address}{join}{more}", reading())
        assert (found, problem["code"]) == (status, code), more


async def test_the_same_question_by_get_and_by_post_is_the_same_sql() -> None:
    filters = [{"property": "properties.price", "op": "gt", "value": 5}]
    asked = {"from": "2026-01-01", "to": "2026-01-31", "user_id": "u1", "limit": 7, "timezone": "Europe/Berlin"}
    by_get, by_post = reading(), reading()
    address = urlencode({**asked, "events": "a,b", "users": "u1,u2", "filters": json.dumps(filters)})
    assert (await call(query_events, f"/api/v1/query/events?{address}", by_get))[0] == 200
    body = json.dumps({**asked, "events": ["a", "b"], "users": ["u1", "u2"], "filters": filters}).encode()
    assert (await call(query_events, "/api/v1/query/events", by_post, method="POST", body=body))[0] == 200
    assert by_get.asked == by_post.asked
    assert {"u1", "8"} <= {str(value) for value in by_get.asked[0][1].values()}


@pytest.mark.parametrize("main", [receipts, rejected, query_schema])
async def test_what_only_reads_takes_no_post(main: Main) -> None:
    status, problem = await call(main, "/", reading(), method="POST")
    assert (status, problem["code"]) == (405, "method_not_allowed")
