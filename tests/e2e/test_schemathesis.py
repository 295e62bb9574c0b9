"""Requests made up from the OpenAPI document, and bodies of any kind: never a 5xx, always what the document says."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from functions.ingest.api import OLDER, PATH
from functions.ingest.validate import SPELLINGS
from shared import openapi
from shared.catalog.client import Catalog
from shared.catalog.projects import create_organisation, create_project
from shared.refusals import Refusal
from shared.security.matrix import ROUTES
from shared.security.policy import Action
from tests.e2e.corpus import FOLDER
from tests.e2e.running import Project, Running
from tests.people import People

DOCUMENT = Path(__file__).resolve().parents[2] / openapi.FILE
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# The same requests on every machine, and few enough to take a minute.
BOUNDED = settings(
    max_examples=20,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
BRIEF = settings(BOUNDED, max_examples=5)
MANY = settings(BOUNDED, max_examples=100)

# The older addresses of events are the same function's: one POST of them all is enough.
INGEST = {PATH, *OLDER}
FIELDS = sorted(spelling for spellings in SPELLINGS.values() for spelling in spellings)
QUERY = ["from", "to", "events", "filters", "measure", "timezone", "limit", "cursor", "by", "group_by", "interval"]
ASKED = [f"/api/v1/query/{name}" for name in ("count", "timeseries", "breakdown", "events")]
SOUND = [
    b'{"event":"e","user_id":"u","timestamp":"2026-01-31T10:00:00Z","properties":{"a":[1,{"b":"\\u00e9"}]}}',
    b'[{"event":"a"},{"event":"b","id":"1"}]',
    b'{"events":[{"event":"a"}],"key":"slp_x"}',
    b'{"event":"a"}\n{"event":"b"}\n',
    b'{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1}}',
    b"data=%7B%22event%22%3A%22e%22%7D",
    gzip.compress(b'{"event":"e"}', mtime=0),
]
HEADERS = {
    "Content-Type": st.sampled_from(
        [
            "application/json",
            "application/x-ndjson",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
            "application/json; charset=utf-16le",
            "image/png",
        ]
    ),
    "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "compress"]),
    "Idempotency-Key": st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
}

# Its table of boundary values would be thousands of requests; the corpus has those that matter.
CONFIG = schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}})

# What streams goes on for as long as somebody listens; test_live_streams.py listens.
schema = schemathesis.openapi.from_path(str(DOCUMENT), config=CONFIG).exclude(path_regex="/live/(stream|ws)")

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


@schemathesis.serializer("application/x-ndjson")
def lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """A text as it is; what a negative case puts in its place as JSON."""
    return value.encode(errors="replace") if isinstance(value, str) else json.dumps(value).encode()


@pytest.fixture(scope="module")
def sender(instance: Running) -> Project:
    """Whose events are made up: thousands of properties that nobody should have to list."""
    return instance.new_project()


@pytest.fixture(scope="module")
def asker(instance: Running) -> Project:
    """Whose events are asked for."""
    project = instance.new_project()
    reply = instance.post((FOLDER / "known.json").read_bytes(), project)
    assert reply.status_code == 202
    assert instance.post({"user_id": "nameless"}, project).status_code == 422
    return project


@pytest.fixture(scope="module")
def owner(instance: Running) -> dict[str, str]:
    """Somebody with an organisation and a project of their own, signed in."""

    async def made() -> dict[str, str]:
        env = instance.state()["env"]
        people, catalog = People(env["SLUICE_CATALOG_URL"], env["JWT_SECRET_KEY"]), Catalog(env["SLUICE_CATALOG_URL"])
        organisation = await create_organisation(catalog, "Made up")
        project = await create_project(catalog, organisation["id"], "Made up")
        await catalog.close()
        token = await people.token(*people.add(organisation["id"], "owner"))
        return {"Authorization": f"Bearer {token}", "X-Project-Id": str(project["id"])}

    return asyncio.run(made())


@pytest.fixture(scope="module")
def connection() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@schema.exclude(method="POST", path=list(OLDER)).parametrize()
@BOUNDED
def test_what_the_document_describes_is_what_is_answered(
    case: schemathesis.Case[Any], instance: Running, sender: Project, asker: Project, connection: requests.Session
) -> None:
    headers = {"X-API-Key": sender.secret_key if case.path in INGEST else asker.secret_key}
    url = f"http://127.0.0.1:{instance.port}"
    case.call_and_validate(base_url=url, session=connection, headers=headers, checks=CHECKS)


@schema.exclude(method="POST", path=list(OLDER)).exclude(path_regex="/logout").parametrize()
@BRIEF
def test_the_same_holds_for_a_signed_in_user(
    case: schemathesis.Case[Any], instance: Running, owner: dict[str, str], connection: requests.Session
) -> None:
    url = f"http://127.0.0.1:{instance.port}"
    case.call_and_validate(base_url=url, session=connection, headers=owner, checks=CHECKS)


@schema.exclude(method="POST", path=list(OLDER)).parametrize()
@BRIEF
def test_without_credentials_only_public_addresses_answer(
    case: schemathesis.Case[Any], instance: Running, connection: requests.Session
) -> None:
    url = f"http://127.0.0.1:{instance.port}"
    # No credential that the document's security schemes would make up.
    bare = {"X-API-Key": None, "Authorization": None}
    answer = case.call(base_url=url, session=connection, headers=bare)
    assert answer.status_code < 500
    if isinstance(ROUTES[case.method, case.path], Action):
        assert answer.status_code >= 400


@MANY
@given(value=anything)
def test_any_json_as_events_is_taken_or_refused(instance: Running, sender: Project, value: Any) -> None:
    _assert_taken_or_refused(instance, sender, json.dumps(value).encode())


@MANY
@given(properties=st.dictionaries(st.text(), anything), fields=st.dictionaries(st.sampled_from(FIELDS), anything))
def test_an_event_of_any_fields_is_taken_or_refused(
    instance: Running, sender: Project, properties: dict[str, Any], fields: dict[str, Any]
) -> None:
    body = {"event": "e", "properties": properties, **fields}
    _assert_taken_or_refused(instance, sender, json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass"))


@MANY
@given(body=st.binary(max_size=2_000), headers=st.fixed_dictionaries({}, optional=HEADERS))
def test_any_bytes_under_any_name_are_taken_or_refused(
    instance: Running, sender: Project, body: bytes, headers: dict[str, str]
) -> None:
    _assert_taken_or_refused(instance, sender, body, headers)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound body of which some bytes are gone and others have come."""
    body = draw(st.sampled_from(SOUND))
    at = draw(st.integers(0, len(body)))
    return body[:at] + draw(st.binary(max_size=4)) + body[at + draw(st.integers(0, 4)) :]


@MANY
@given(body=damaged(), headers=st.fixed_dictionaries({}, optional=HEADERS))
def test_a_sound_body_that_was_damaged_is_taken_or_refused(
    instance: Running, sender: Project, body: bytes, headers: dict[str, str]
) -> None:
    _assert_taken_or_refused(instance, sender, body, headers)


@BOUNDED
@given(query=st.dictionaries(st.sampled_from(QUERY), anything))
@pytest.mark.parametrize("path", ASKED)
def test_any_json_as_a_question_is_answered_or_refused(
    instance: Running, asker: Project, path: str, query: dict[str, Any]
) -> None:
    asked = {"from": "2026-01-01", "to": "2026-01-31", **query}
    headers = {"X-API-Key": asker.secret_key}
    _assert_sound(instance.http.post(path, content=json.dumps(asked).encode(), headers=headers), {200})


def _assert_taken_or_refused(
    instance: Running, sender: Project, body: bytes, headers: dict[str, str] | None = None
) -> None:
    named = {**(headers or {}), "X-API-Key": sender.write_key}
    _assert_sound(instance.http.post(PATH, content=body, headers=named), {202})


def _assert_sound(reply: httpx.Response, fine: set[int]) -> None:
    """The answer is a success, or the problem document of one of our refusals."""
    assert reply.status_code in fine or 400 <= reply.status_code < 500, reply.text
    if reply.status_code not in fine:
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["code"] in set(Refusal)
    assert reply.headers["x-request-id"]
