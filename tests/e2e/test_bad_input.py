"""Whatever is sent, the answer is a refusal of the closed list, never a 500, and the server goes on."""

import gzip
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import pytest

from shared.catalog.keys import create_key
from shared.refusals import Refusal, describe
from tests.e2e.running import COUNT, EVENTS, Project, Running, wait_until

R = Refusal
MAX_BODY = 10 * 1024 * 1024
RANGE = {"from": "2026-01-01", "to": "2026-01-31"}
UNKNOWN_KEY = "slp_" + "x" * 43
Key = Literal["write", "secret", "none"] | dict[str, str]


@dataclass(frozen=True)
class Case:
    """A request and the refusal it must get."""

    name: str
    code: Refusal
    body: bytes = b""
    method: str = "POST"
    path: str = EVENTS
    key: Key = "write"
    headers: dict[str, str] = field(default_factory=dict)
    position: bool = False


def ev(name: str, code: Refusal, body: object, *, position: bool = False, **headers: str) -> Case:
    """A POST of events: bytes and text as they are, anything else as JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Case(f"events: {name}", code, _bytes(body), headers=named, position=position)


def event(name: str, code: Refusal, **fields: object) -> Case:
    """A POST of one event that has a name, and these fields."""
    return ev(name, code, {"event": "e", **fields})


def raw(name: str, code: Refusal, properties: str) -> Case:
    """A POST of one event with properties in JSON as it stands."""
    return ev(name, code, f'{{"event":"e","properties":{properties}}}')


def ask(name: str, code: Refusal, body: object) -> Case:
    """A POST of a count query."""
    return Case(f"count: {name}", code, _bytes(body), path=COUNT, key="secret")


def query(name: str, code: Refusal, **fields: object) -> Case:
    """A POST of a count query over a sound range, with these fields."""
    return ask(name, code, {**RANGE, **fields})


def condition(name: str, code: Refusal, *given: object) -> Case:
    """A count query with one filter: property, operator, value."""
    wanted = dict(zip(("property", "op", "value"), given, strict=False))
    return query(name, code, filters=[wanted])


def get(name: str, code: Refusal, address: str) -> Case:
    return Case(f"get: {name}", code, method="GET", path=COUNT + address, key="secret")


def asked(name: str, code: Refusal, method: str, path: str, key: Key = "write") -> Case:
    return Case(f"{name}: {method} {path}", code, method=method, path=path, key=key)


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


WHO = [
    Case("events without a key", R.KEY_MISSING, key="none"),
    Case("count without a key", R.KEY_MISSING, path=COUNT, key="none"),
    Case("events with an unknown key", R.KEY_UNKNOWN, key={"X-API-Key": UNKNOWN_KEY}),
    Case("count with an unknown key", R.KEY_UNKNOWN, path=COUNT, key={"X-API-Key": UNKNOWN_KEY}),
    Case("a key of no known form", R.KEY_UNKNOWN, key={"X-API-Key": "hello"}),
    Case("an enormous key", R.KEY_UNKNOWN, key={"X-API-Key": "slp_" + "x" * 10_000}),
    Case("an unknown bearer", R.KEY_UNKNOWN, key={"Authorization": f"Bearer {UNKNOWN_KEY}"}),
    Case("Basic that is not base64", R.KEY_UNKNOWN, key={"Authorization": "Basic %%%"}),
    Case("Basic that is not text", R.KEY_UNKNOWN, key={"Authorization": "Basic /////w=="}),
    Case("another scheme", R.KEY_MISSING, key={"Authorization": "Digest abc"}),
    Case("a key in the address, where only events may have one", R.KEY_MISSING, path=f"{COUNT}?key=x", key="none"),
    Case("a public key asks", R.SCOPE_MISSING, path=COUNT, body=json.dumps(RANGE).encode()),
    Case("a public key asks by GET", R.SCOPE_MISSING, method="GET", path=f"{COUNT}?from=2026-01-01&to=2026-01-02"),
    Case(
        "an event asks through the public door, without a key",
        R.KEY_MISSING,
        path=COUNT,
        key="none",
        body=json.dumps({"project_id": "00000000-0000-4000-8000-000000000000", "query": RANGE}).encode(),
        headers={
            "ce-specversion": "1.0",
            "ce-id": "1",
            "ce-source": "/stranger",
            "ce-type": "dev.sluice.query.requested.v1",
            "content-type": "application/json",
        },
    ),
    Case(
        "a structured event asks through the public door, without a key",
        R.KEY_MISSING,
        path=COUNT,
        key="none",
        body=b"{}",
        headers={"content-type": "application/cloudevents+json"},
    ),
]

BODIES = [
    ev("nothing", R.MALFORMED_JSON, "", position=True),
    ev("spaces", R.MALFORMED_JSON, " \n ", position=True),
    ev("no JSON", R.MALFORMED_JSON, "hello", position=True),
    ev("an event with a comma too many", R.MALFORMED_JSON, '{"event":"e",}', position=True),
    ev("an event cut off", R.MALFORMED_JSON, '{"event":"e"', position=True),
    ev("two events in a row", R.MALFORMED_JSON, '{"event":"e"}{"event":"f"}', position=True),
    ev("single quotes", R.MALFORMED_JSON, "{'event':'e'}", position=True),
    ev("a number that is none", R.MALFORMED_JSON, '{"event":"e","properties":{"n":01}}', position=True),
    ev("a raw null byte", R.MALFORMED_JSON, b'{"event":"a\x00b"}', position=True),
    ev("a raw null byte after the event", R.MALFORMED_JSON, b'{"event":"a"}\x00', position=True),
    ev("a list with a comma too many", R.MALFORMED_JSON, '[{"event":"e"},]', position=True),
    ev("`events` with a comma too many", R.MALFORMED_JSON, '{"events":[{"event":"e"},]}', position=True),
    ev("gzip that is cut off", R.BAD_ENCODING, gzip.compress(b'{"event":"e"}')[:-9]),
    ev("a form without events", R.WRONG_SHAPE, "event=e", content_type="application/x-www-form-urlencoded"),
    ev(
        "a multipart form",
        R.UNSUPPORTED_MEDIA_TYPE,
        "--x\r\n\r\ne\r\n--x--",
        content_type="multipart/form-data; boundary=x",
    ),
    ev("XML", R.MALFORMED_JSON, "<event/>", content_type="text/xml"),
    ev("a number", R.WRONG_SHAPE, 42),
    ev("a text", R.WRONG_SHAPE, '"event"'),
    ev("null", R.WRONG_SHAPE, "null"),
    ev("an empty list", R.WRONG_SHAPE, []),
    ev("empty `events`", R.WRONG_SHAPE, {"events": []}),
    ev("`events` that is an object", R.WRONG_SHAPE, {"events": {"event": "e"}}),
    ev("`events` that is null", R.WRONG_SHAPE, {"events": None}),
    ev("10,001 events", R.TOO_MANY_EVENTS, [{"event": "e"}] * 10_001),
    ev("a byte over 10 MiB", R.BODY_TOO_LARGE, b"[" + b" " * (MAX_BODY - 1) + b"]"),
    ev("100,000 brackets", R.TOO_DEEP, "[" * 100_000),
    ev("100,000 brackets in `events`", R.TOO_DEEP, '{"events":' + "[" * 100_000 + "]" * 100_000 + "}"),
    ev("100,000 braces in a list", R.TOO_DEEP, "[" + '{"a":' * 100_000),
    ev("100,000 braces", R.EVENT_TOO_LARGE, '{"a":' * 100_000),
    ev("a list of what is no event", R.NOT_AN_OBJECT, [1, "a", None]),
]

ONE_EVENT = [
    ev("no name", R.NAME_MISSING, {"user_id": "u"}),
    ev("a name of null", R.NAME_MISSING, {"event": None}),
    ev("an empty name", R.NAME_MISSING, {"event": ""}),
    ev("a name of spaces", R.NAME_MISSING, {"event": " \t"}),
    ev("a name of 201 characters", R.NAME_TOO_LONG, {"event": "e" * 201}),
    ev("a name that is a number", R.WRONG_TYPE, {"event": 5}),
    ev("a name that is a list", R.WRONG_TYPE, {"event": ["e"]}),
    event("a user that is an object", R.WRONG_TYPE, user_id={}),
    event("a user that is true", R.WRONG_TYPE, user_id=True),
    event("a user that is a fraction", R.WRONG_TYPE, user_id=1.5),
    event("a user of 513 characters", R.VALUE_TOO_LONG, user_id="u" * 513),
    event("an anonymous id of 513 characters", R.VALUE_TOO_LONG, anonymous_id="a" * 513),
    event("a session of 513 characters", R.VALUE_TOO_LONG, session_id="s" * 513),
    event("an empty id", R.BAD_ID, id=""),
    event("the nil UUID", R.BAD_ID, id="00000000-0000-0000-0000-000000000000"),
    event("the max UUID", R.BAD_ID, id="FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"),
    event("an id that is a list", R.WRONG_TYPE, id=[]),
    event("a time that is no time", R.BAD_TIMESTAMP, timestamp="yesterday"),
    event("a time in month 13", R.BAD_TIMESTAMP, timestamp="2026-13-01T00:00:00Z"),
    event("a time before 1970", R.BAD_TIMESTAMP, timestamp="1969-12-31T23:59:59Z"),
    event("a time in the year 3000", R.BAD_TIMESTAMP, timestamp="3000-01-01T00:00:00Z"),
    event("a time that overflows", R.BAD_TIMESTAMP, timestamp="9999-12-31T23:59:59-14:00"),
    event("a negative time", R.BAD_TIMESTAMP, timestamp=-1),
    event("a time of 400 digits", R.BAD_TIMESTAMP, timestamp=10**400),
    event("a time that is true", R.BAD_TIMESTAMP, timestamp=True),
    event("a time that is an object", R.BAD_TIMESTAMP, timestamp={}),
    event("a bad time of sending", R.BAD_TIMESTAMP, sent_at="soon"),
    event("an escaped null", R.BAD_TEXT, properties={"a": "b\0c"}),
    event("an escaped null in a key", R.BAD_TEXT, properties={"b\0c": 1}),
    ev("an escaped null in the name", R.BAD_TEXT, {"event": "a\0b"}),
    ev("a lone surrogate in the name", R.BAD_TEXT, r'{"event":"a\ud800"}'),
    ev("a lone surrogate in a list", R.BAD_TEXT, r'[{"event":"a\ud800b"}]'),
    ev("a lone surrogate in an unknown key", R.BAD_TEXT, r'{"event":"a","\udfff":1}'),
    raw("a lone surrogate in a value", R.BAD_TEXT, r'{"a":"\udc00x"}'),
    raw("a lone surrogate in a key", R.BAD_TEXT, r'{"\ud800":1}'),
    ev("bytes that are not UTF-8 in the name", R.BAD_TEXT, b'{"event":"\xff"}'),
    ev("bytes that are not UTF-8 in a value", R.BAD_TEXT, b'{"event":"e","properties":{"a":"\xc3("}}'),
    ev("bytes that are not UTF-8 in an unknown field", R.BAD_TEXT, b'{"event":"e","a":"\xff"}'),
    event("properties that are a list", R.WRONG_TYPE, properties=[]),
    event("properties that are a text", R.WRONG_TYPE, properties="{}"),
    event("a context that is a number", R.WRONG_TYPE, context=1),
    event("256 properties", R.TOO_MANY_PROPERTIES, properties={str(n): n for n in range(256)}),
    raw("a number beyond Float64", R.BAD_PROPERTIES, '{"a":1e400}'),
    raw("a number of 5,000 digits", R.BAD_PROPERTIES, '{"a":' + "1" * 5_000 + "}"),
    raw("33 levels", R.TOO_DEEP, '{"a":' * 33 + "1" + "}" * 33),
    raw("30,000 brackets", R.TOO_DEEP, '{"a":' + "[" * 30_000 + "]" * 30_000 + "}"),
    raw("a key twice", R.DUPLICATE_KEY, '{"a":1,"a":2}'),
    raw("a key twice, once escaped", R.DUPLICATE_KEY, r'{"a":1,"\u0061":2}'),
    raw("a path twice", R.DUPLICATE_KEY, '{"a":{"b":1},"a.b":2}'),
    raw("a path twice, once escaped", R.DUPLICATE_KEY, r'{"a":{"b":1},"a\u002eb":2}'),
    ev("a field twice", R.DUPLICATE_KEY, '{"event":"a","event":"b"}'),
    ev("an unknown field that is a property too", R.DUPLICATE_KEY, {"event": "e", "a": 1, "properties": {"a": 2}}),
    event("64 KiB and more", R.EVENT_TOO_LARGE, properties={"a": "x" * 65_536}),
]

QUERIES = [
    ask("nothing", R.MALFORMED_JSON, ""),
    ask("no JSON", R.MALFORMED_JSON, "{"),
    ask("a lone surrogate", R.MALFORMED_JSON, r'{"from":"\ud800","to":"2026-01-01"}'),
    ask("a list", R.BAD_REQUEST, []),
    ask("100,000 brackets", R.BAD_REQUEST, "[" * 100_000),
    ask("no range", R.BAD_REQUEST, {}),
    ask("no end", R.BAD_REQUEST, {"from": "2026-01-01"}),
    ask("a start of null", R.BAD_REQUEST, {"from": None, "to": "2026-01-01"}),
    ask("256 KiB and more", R.BODY_TOO_LARGE, " " * (256 * 1024 + 1)),
    ask("12 MiB", R.BODY_TOO_LARGE, " " * (12 * 1024 * 1024)),
    ask("backwards", R.BAD_RANGE, {"from": "2026-02-01", "to": "2026-01-01"}),
    ask("empty", R.BAD_RANGE, {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
    ask("no time", R.BAD_RANGE, {"from": "soon", "to": "later"}),
    ask("a null byte", R.BAD_RANGE, {"from": "2026-01-01\0", "to": "2026-01-02"}),
    ask("before every event", R.BAD_RANGE, {"from": "1960-01-01", "to": "1961-01-01"}),
    ask("after every event", R.BAD_RANGE, {"from": "2500-01-01", "to": "2501-01-01"}),
    query("an unknown field", R.UNKNOWN_FIELD, limit=5),
    query("events that are a text", R.BAD_REQUEST, events="a"),
    query("201 events", R.BAD_FILTER, events=["a"] * 201),
    *[
        query(f"the measure {text[:20]!r}", R.BAD_MEASURE, measure=text)
        for text in ("", "median", "median:a", "sum:", ":a", "p42:a", "COUNT", "count()", "sum", "users;")
    ],
    query("a measure of an endless property", R.UNKNOWN_FIELD, measure="sum:" + "a" * 400),
    query("a measure of an empty part", R.UNKNOWN_FIELD, measure="sum:properties.a..b"),
    *[
        query(f"the timezone {zone[:20]!r}", R.BAD_TIMEZONE, timezone=zone)
        for zone in ("", "Mars/Olympus", "Europe", "../etc/passwd", "/etc/localtime", "a" * 300, "a\0", "UTC\n", "é")
    ],
    query("filters that are an object", R.BAD_FILTER, filters={}),
    query("51 filters", R.BAD_FILTER, filters=[{"property": "event", "op": "is_set"}] * 51),
    query("a filter with an unknown field", R.UNKNOWN_FIELD, filters=[{"property": "event", "is": "a"}]),
    condition("a filter without a property", R.BAD_FILTER),
    condition("an unknown operator", R.BAD_FILTER, "event", "like", "a"),
    condition("an unknown property", R.UNKNOWN_FIELD, "password", "eq", "a"),
    condition("another column", R.UNKNOWN_FIELD, "project_id", "eq", "a"),
    condition("no property name", R.UNKNOWN_FIELD, "properties.", "eq", "a"),
    condition("a property name with a null", R.UNKNOWN_FIELD, "properties.a\0b", "eq", "a"),
    condition("eq without a value", R.BAD_FILTER, "event", "eq"),
    condition("eq with a list", R.BAD_FILTER, "event", "eq", ["a"]),
    condition("eq with an object", R.BAD_FILTER, "event", "eq", {}),
    condition("gt with a number of 400 digits", R.BAD_FILTER, "properties.a", "gt", -(10**400)),
    condition("in without a list", R.BAD_FILTER, "event", "in", "a"),
    condition("in of nothing", R.BAD_FILTER, "event", "in", []),
    condition("in of 1,001", R.BAD_FILTER, "event", "in", ["a"] * 1_001),
    condition("contains nothing", R.BAD_FILTER, "event", "contains", ""),
    condition("gt true", R.BAD_FILTER, "event", "gt", True),
    *[
        condition(f"the expression {pattern[:20]!r}", R.BAD_FILTER, "event", "regex", pattern)
        for pattern in ("(", "[z-a]", "(?=a)", "(?<!a)b", r"(a)\1", "a{1001}", "((a{100}){100}){100}", "*", r"\8")
    ],
    condition("an expression of 1,001 characters", R.BAD_FILTER, "event", "regex", "a" * 1_001),
    get("nothing", R.BAD_REQUEST, ""),
    get("an unknown field", R.UNKNOWN_FIELD, "?from=2026-01-01&to=2026-01-02&x=1"),
    get("bytes that are not UTF-8", R.BAD_RANGE, "?from=%ff&to=%00"),
    get("filters that are not JSON", R.BAD_FILTER, "?from=2026-01-01&to=2026-01-02&filters={"),
    get("filters without a property", R.BAD_FILTER, "?from=2026-01-01&to=2026-01-02&filters=[{}]"),
]

ADDRESSES = [
    *[asked("not here", R.METHOD_NOT_ALLOWED, method, EVENTS) for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD")],
    *[asked("not here", R.METHOD_NOT_ALLOWED, method, COUNT) for method in ("PUT", "PATCH", "DELETE", "HEAD")],
    asked("not here", R.METHOD_NOT_ALLOWED, "TRACE", COUNT),
    *[
        asked("nothing", R.NOT_FOUND, method, path)
        for method, path in (
            ("GET", "/api"),
            ("GET", "/api/v1"),
            ("GET", "/api/v1/nothing"),
            ("POST", "/api/v1/nothing"),
            ("GET", f"{EVENTS}/"),
            ("GET", "/api/v2/events"),
            ("GET", "/api/%00%0d%0a%ff"),
            ("GET", "/api/v1/../../etc/passwd"),
            ("HEAD", "/api/v1/nothing"),
            ("OPTIONS", "/api/v1/nothing"),
        )
    ],
    *[
        asked("inner", R.NOT_FOUND, "POST", path)
        for path in ("/metrics", "/broker", "/batch-write/", "/query-count/", "/ingest/")
    ],
]

CASES = [*WHO, *BODIES, *ONE_EVENT, *QUERIES, *ADDRESSES]
INSIDE = re.compile(r"https?://|127\.0\.0\.1|Traceback|\.py\b")
ALLOWED = {EVENTS: {"POST", "OPTIONS"}, COUNT: {"GET", "POST"}}


def headers_of(case: Case, project: Project) -> dict[str, str]:
    if isinstance(case.key, dict):
        return {**case.headers, **case.key}
    given = {"write": project.write_key, "secret": project.secret_key, "none": ""}[case.key]
    return {**case.headers, **({"X-API-Key": given} if given else {})}


def send(instance: Running, case: Case) -> httpx.Response:
    headers = headers_of(case, instance.demo_project)
    return instance.http.request(case.method, case.path, content=case.body, headers=headers)


def assert_refused(reply: httpx.Response, code: Refusal, method: str = "POST") -> dict[str, Any]:
    """The answer is the problem document of that refusal, whole."""
    assert reply.status_code == describe(code).status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["x-request-id"]
    if method == "HEAD":
        assert reply.content == b""
        return {}
    problem: dict[str, Any] = reply.json()
    assert problem["code"] == code, problem
    assert problem["status"] == reply.status_code
    assert problem["title"] == describe(code).title
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert not INSIDE.search(reply.text), f"what is inside is told outside: {reply.text}"
    return problem


@pytest.fixture(autouse=True, scope="module")
def untouched(instance: Running) -> Iterator[None]:
    """What was refused stored nothing, crashed nothing and was nobody's bug."""
    yield
    assert instance.state()["restarts"] == {}
    for path in (instance.data / "logs").glob("*.log"):
        bugs = [line for line in path.read_text().splitlines() if '"bug"' in line or "Traceback" in line]
        assert bugs == [], path.name
    wait_until(lambda: instance.lag() == 0, 30, "the bus is empty")
    let_through = f"source = 'store' AND {instance.demo_project.rows}"
    assert instance.warehouse(f"SELECT reason, detail FROM rejected_events WHERE {let_through}") == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_with_its_code_and_never_a_500(instance: Running, case: Case) -> None:
    reply = send(instance, case)
    problem = assert_refused(reply, case.code, case.method)
    if case.position:
        assert 0 <= problem["position"] <= len(case.body)
    if case.code is R.METHOD_NOT_ALLOWED:
        assert set(reply.headers["allow"].split(", ")) == ALLOWED[case.path]


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_a_malformed_body_is_refused_at_the_byte_where_it_stops_making_sense(instance: Running) -> None:
    body = b'{"event":"e","properties":{"a":1,,"b":2}}'
    problem = assert_refused(instance.post(body, instance.demo_project), R.MALFORMED_JSON)
    assert problem["position"] == body.index(b",,") + 1


def test_a_bad_event_among_good_ones_is_told_apart_and_the_good_ones_are_stored(instance: Running) -> None:
    project = instance.new_project()
    body = rb'[{"event":"a"},5,{"event":""},{"event":"b","id":[]},{"event":"\ud800"},{"event":"\ud83d\ude00"}]'
    reply = instance.post(body, project)
    assert reply.status_code == 202
    told = [(entry["index"], entry["reason"]) for entry in reply.json()["rejected"]]
    assert told == [(1, R.NOT_AN_OBJECT), (2, R.NAME_MISSING), (3, R.WRONG_TYPE), (4, R.BAD_TEXT)]
    assert reply.json()["accepted"] == 2
    wait_until(lambda: instance.count(project) == 2, 30, "both good events count")
    assert instance.count(project, events=["\N{GRINNING FACE}"]) == 1


def test_a_body_of_exactly_10_mib_is_taken(instance: Running) -> None:
    project = instance.new_project()
    events = b'[{"event":"a"},{"event":"b"}'
    reply = instance.post(events + b" " * (MAX_BODY - len(events) - 1) + b"]", project)
    assert (reply.status_code, reply.json()["accepted"]) == (202, 2)


def test_a_body_that_grows_beyond_its_limit_is_refused_while_it_is_sent(instance: Running) -> None:
    """Without a Content-Length only reading tells."""
    for path, key in ((EVENTS, instance.demo.write_key), (COUNT, instance.demo.secret_key)):
        pieces = (b" " * 65_536 for _ in range(200))
        reply = instance.http.post(path, content=pieces, headers={"X-API-Key": key})
        assert_refused(reply, R.BODY_TOO_LARGE)


def test_10_000_events_are_taken(instance: Running) -> None:
    project = instance.new_project()
    reply = instance.post([{"event": "e"}] * 10_000, project)
    assert (reply.status_code, reply.json()["accepted"]) == (202, 10_000)
    wait_until(lambda: instance.count(project) == 10_000, 60, "10,000 events without an id count")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "nonsense", "application/json; charset=x"])
def test_json_is_taken_whatever_it_is_called(instance: Running, content_type: str) -> None:
    """Browsers' beacons say text/plain, curl says it is a form."""
    headers = {"X-API-Key": instance.demo.write_key, "Content-Type": content_type}
    assert instance.http.post(EVENTS, content=b'{"event":"e"}', headers=headers).status_code == 202


@pytest.mark.parametrize(
    "name",
    ["/*scope*/", "/*measure*/", "a`b", "a\\", "*/", "{p0:UUID}", "%s", "'", '"', "--", ";", "a.:Int64", "^a", "a b"],
)
def test_no_property_name_is_ever_read_as_sql(instance: Running, name: str) -> None:
    project = instance.new_project()
    properties = {name.rpartition(".")[2] if name == "a.:Int64" else name: 7}
    body = {"event": "e", "properties": {"a": properties} if name == "a.:Int64" else properties}
    assert instance.post(body, project).status_code == 202
    wait_until(lambda: instance.count(project) == 1, 30, "the event counts")
    path = f"properties.{name}"
    assert instance.count(project, measure=f"sum:{path}") == 7
    assert instance.count(project, measure=f"unique:{path}", filters=[{"property": path, "op": "is_set"}]) == 1
    assert instance.count(project, filters=[{"property": path, "op": "eq", "value": 7}]) == 1


@pytest.mark.parametrize(
    "value", ["a\tb", "a\nb", "a\\", "\\N", "\\t", "it's", '"', "{p0:String}", "%s", "\u2028", "😀"]
)
def test_any_text_is_found_by_a_filter_on_it(instance: Running, value: str) -> None:
    project = instance.new_project()
    sent = [{"event": "e", "user_id": value, "properties": {"a": value}}, {"event": "e", "properties": {"a": "other"}}]
    assert instance.post(sent, project).status_code == 202
    wait_until(lambda: instance.count(project) == 2, 30, "both events count")
    for name in ("user_id", "properties.a"):
        for op, given in (("eq", value), ("in", [value]), ("contains", value), ("starts_with", value)):
            assert instance.count(project, filters=[{"property": name, "op": op, "value": given}]) == 1, (name, op)


def test_a_number_beyond_every_number_equals_nothing(instance: Running) -> None:
    filters = [{"property": "properties.a", "op": "eq", "value": 10**400}]
    assert instance.count(instance.demo_project, filters=filters) == 0


@pytest.mark.parametrize("start", ["0001-01-01", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59:59-14:00"])
def test_a_range_may_begin_before_and_end_after_every_event(instance: Running, start: str, end: str) -> None:
    project = instance.new_project()
    assert instance.post({"event": "e"}, project).status_code == 202
    wait_until(lambda: instance.count(project, **{"from": start, "to": end}) == 1, 30, "the event counts")


def keys_of(instance: Running, *arguments: str) -> Any:
    done = instance.cli("keys", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_revoked_key_is_refused_everywhere_within_five_seconds(instance: Running) -> None:
    made = keys_of(instance, "create", "--name", "leaked", "--kind", "secret", "--scope", "ingest", "--scope", "read")
    headers = {"X-API-Key": made["key"]}

    def answers() -> tuple[httpx.Response, httpx.Response]:
        sent = instance.http.post(EVENTS, json={"event": "e"}, headers=headers)
        return sent, instance.http.post(COUNT, json=RANGE, headers=headers)

    assert [reply.status_code for reply in answers()] == [202, 200]
    keys_of(instance, "revoke", made["id"])
    wait_until(lambda: [reply.status_code for reply in answers()] == [403, 403], 5, "both functions refuse it")
    for reply in answers():
        assert_refused(reply, R.KEY_REVOKED)


def test_an_expired_key_is_refused(instance: Running) -> None:
    project = instance.demo_project
    moment = datetime.now(UTC) + timedelta(seconds=2)
    made = instance.with_catalog(
        lambda catalog: create_key(catalog, uuid.UUID(project.id), "public", "short", expires_at=moment)
    )
    short = Project(project.id, made[0], "")
    wait_until(lambda: instance.post({"event": "e"}, short).status_code != 202, 10, "the key has expired")
    assert_refused(instance.post({"event": "e"}, short), R.KEY_EXPIRED)
