"""The OpenAPI document holds what the wiring table routes, no more and no less, and is valid."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared import openapi
from shared.local.host import OPENAPI, Host
from shared.query.request import from_address
from shared.refusals import Refusal
from shared.wiring import load_wiring

WIRING = load_wiring()
OPERATIONS = openapi.operations(WIRING)
DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi.document(OPERATIONS, "1.2.3")))
STORED = Path(__file__).resolve().parents[2] / openapi.FILE


def _inside(value: object, name: str) -> Iterator[Any]:
    """Every value under a key of that name, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name and not isinstance(inner, dict):
                yield inner
            yield from _inside(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _inside(inner, name)


def test_every_route_is_in_the_document_and_every_operation_is_routed() -> None:
    routed = {(method, route.path) for row in WIRING.functions for route in row.http for method in route.methods}
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == routed
    assert len(OPERATIONS) == len(described), "an operation is there twice"


def test_a_function_describes_its_own_routes() -> None:
    for row in WIRING.functions:
        if row.http:
            found = {one.path for one in importlib.import_module(f"functions.{row.name}.api").OPERATIONS}
            assert found == {route.path for route in row.http}, row.name


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_reference_leads_to_a_schema() -> None:
    references = set(_inside(DOCUMENT, "$ref"))
    assert references
    schemas = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references <= schemas
    assert references | {"#/components/schemas/" + one.query.__name__ for one in OPERATIONS if one.query} == schemas


def test_every_refusal_is_listed_as_a_code() -> None:
    problem = DOCUMENT["components"]["schemas"]["Problem"]
    assert problem["properties"]["code"] == {"$ref": "#/components/schemas/Refusal"}
    assert set(DOCUMENT["components"]["schemas"]["Refusal"]["enum"]) == set(Refusal)
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_every_operation_has_an_id_of_its_own_and_a_summary() -> None:
    operations = [operation for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert [operation["operationId"] for operation in operations if not operation["summary"]] == []


def test_a_named_segment_of_a_path_is_a_parameter() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path)), path


def test_an_older_address_says_what_it_stands_for() -> None:
    for operation in OPERATIONS:
        if operation.path.startswith(("/docs", "/dev/", "/.well-known/")):
            continue
        older = not operation.path.startswith("/api/v1/") or operation.path in {
            "/api/v1/events/track",
            "/api/v1/events/batch",
            "/api/v1/stats/events",
            "/api/v1/gdpr/delete",
            "/api/v1/gdpr/delete/{id}",
            "/api/v1/gdpr/delete/{id}/cancel",
            "/api/v1/users/{user_id}/data",
        }
        assert bool(operation.alias_of) == older, operation.path
        assert not older or operation.alias_of in DOCUMENT["paths"]


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.query], ids=lambda one: one.path)
def test_the_parameters_of_an_address_are_those_its_query_knows(operation: openapi.Operation) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]["parameters"]
    names = {one["name"] for one in described if one["in"] == "query"}
    assert names == set(operation.query.__struct_encode_fields__)
    for one in described:
        if one["in"] == "query" and one.get("schema", {}).get("type") == "array":
            assert (one["style"], one["explode"]) == ("form", False), "lists are comma-separated"


def test_what_the_document_calls_required_is_refused_where_it_is_missing() -> None:
    count = next(one for one in OPERATIONS if one.query and one.path == "/api/v1/query/count")
    described = DOCUMENT["paths"][count.path]["get"]["parameters"]
    assert [one["name"] for one in described if one["required"]] == ["from", "to"]
    assert from_address("from=2026-01-01&to=2026-01-02", count.query)


async def test_the_edge_answers_the_stored_document() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": OPENAPI, "query_string": b"", "headers": []}
    await Host(WIRING, "edge")(scope, receive, send)
    assert (sent[0]["status"], sent[1]["body"]) == (200, STORED.read_bytes())
    assert dict(sent[0]["headers"])[b"content-type"] == b"application/json"
    assert any(name == b"x-request-id" for name, _ in sent[0]["headers"])
    sent.clear()
    await Host(WIRING, "edge")({**scope, "method": "POST"}, receive, send)
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"allow"]) == (405, b"GET, HEAD")
