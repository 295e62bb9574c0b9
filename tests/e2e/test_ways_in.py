"""Every way into a running instance ends in the same rows, and what is refused on the way is kept."""

import base64
import gzip
import json
import uuid
import zlib
from typing import Any
from urllib.parse import quote

import brotli
import httpx
import pytest
from backports import zstd

from tests.e2e.running import EVENTS, Project, Running, wait_until

STORED_SECONDS = 30
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Mobile/15E148 Safari/604.1"
)
EVENT = {"event": "seen", "user_id": "u1", "properties": {"n": 1}}
JSON = json.dumps(EVENT).encode()
JSON_TYPE = {"content-type": "application/json"}
CLOUDEVENT = {"specversion": "1.0", "id": "c-1", "source": "/shop", "type": "seen", "data": {"n": 1}}


def deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


WAYS: dict[str, tuple[dict[str, str], bytes]] = {
    "one object": (JSON_TYPE, JSON),
    "a list": (JSON_TYPE, b"[" + JSON + b"]"),
    "events in an object": (JSON_TYPE, b'{"events":[' + JSON + b"]}"),
    "a line of NDJSON": ({"content-type": "application/x-ndjson"}, JSON + b"\n\n"),
    "text/plain, as a beacon sends it": ({"content-type": "text/plain;charset=UTF-8"}, JSON),
    "no content type": ({}, b"\xef\xbb\xbf" + JSON),
    "a form": ({"content-type": "application/x-www-form-urlencoded"}, b"data=" + quote(JSON).encode()),
    "base64 in a form": (
        {"content-type": "application/x-www-form-urlencoded"},
        b"data=" + quote(base64.b64encode(JSON)).encode(),
    ),
    "gzip": (JSON_TYPE | {"content-encoding": "gzip"}, gzip.compress(JSON)),
    "gzip that nobody announced": (JSON_TYPE, gzip.compress(JSON)),
    "gzip announced, plain sent": (JSON_TYPE | {"content-encoding": "gzip"}, JSON),
    "deflate": (JSON_TYPE | {"content-encoding": "deflate"}, zlib.compress(JSON)),
    "deflate without its header": (JSON_TYPE | {"content-encoding": "deflate"}, deflated(JSON)),
    "br": (JSON_TYPE | {"content-encoding": "br"}, brotli.compress(JSON)),
    "zstd": (JSON_TYPE | {"content-encoding": "zstd"}, zstd.compress(JSON)),
    "two encodings": (JSON_TYPE | {"content-encoding": "gzip, br"}, brotli.compress(gzip.compress(JSON))),
    "a binary CloudEvent": (
        JSON_TYPE | {"ce-specversion": "1.0", "ce-id": "b-1", "ce-source": "/shop", "ce-type": "seen"},
        b'{"n":1}',
    ),
    "a structured CloudEvent": (
        {"content-type": "application/cloudevents+json"},
        json.dumps(CLOUDEVENT | {"id": "s-1"}).encode(),
    ),
    "a batch of CloudEvents": (
        {"content-type": "application/cloudevents-batch+json"},
        json.dumps([CLOUDEVENT | {"id": "l-1"}]).encode(),
    ),
}


@pytest.fixture(scope="module")
def project(instance: Running) -> Project:
    return instance.new_project()


def send(
    instance: Running, project: Project, body: bytes, headers: dict[str, str], path: str = EVENTS
) -> httpx.Response:
    return instance.http.post(path, content=body, headers={"X-API-Key": project.write_key, **headers})


def ask(instance: Running, project: Project, path: str, **query: Any) -> Any:
    reply = instance.http.get(path, params=query, headers={"X-API-Key": project.secret_key})
    assert reply.status_code == 200, reply.text
    return reply.json()


def stored(instance: Running, project: Project, receipt: str) -> Any:
    """The receipt's answer once all its events are stored."""

    def answer() -> Any:
        found = ask(instance, project, f"/api/v1/receipts/{receipt}")
        return found if found["state"] == "stored" else None

    return wait_until(answer, STORED_SECONDS, "the receipt says stored")


@pytest.mark.parametrize("way", WAYS)
def test_an_event_is_the_same_however_it_is_sent(instance: Running, way: str) -> None:
    project = instance.new_project()
    headers, body = WAYS[way]
    reply = send(instance, project, body, headers)
    assert (reply.status_code, reply.json().get("accepted")) == (202, 1), reply.text
    assert stored(instance, project, reply.json()["receipt"])["stored"] == 1
    [item] = ask(instance, project, "/api/v1/query/events")["items"]
    assert (item["event"], item["properties"]["n"]) == ("seen", 1)


def test_a_beacon_brings_its_key_in_the_address_or_the_body(instance: Running, project: Project) -> None:
    for address, body in [
        (f"{EVENTS}?key={project.write_key}", JSON),
        (EVENTS, json.dumps({"key": project.write_key, "events": [EVENT]}).encode()),
    ]:
        reply = instance.http.post(address, content=body, headers={"content-type": "text/plain"})
        assert reply.status_code == 202, reply.text
    for address, body in [
        (f"{EVENTS}?key={project.secret_key}", JSON),
        (EVENTS, json.dumps({"key": project.secret_key, "events": [EVENT]}).encode()),
    ]:
        refused = instance.http.post(address, content=body, headers={"content-type": "text/plain"})
        assert (refused.status_code, refused.json()["code"]) == (401, "key_missing")


def test_a_page_may_send_from_any_origin_and_reads_its_errors(instance: Running, project: Project) -> None:
    page = {"origin": "https://shop.example"}
    asked = page | {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key,ce-type"}
    preflight = instance.http.options(EVENTS, headers=asked)
    assert (preflight.status_code, preflight.content) == (200, b"")
    assert {"x-api-key", "ce-type"} <= set(preflight.headers["access-control-allow-headers"].split(", "))
    for body, status in [(JSON, 202), (b"{", 400)]:
        reply = send(instance, project, body, page)
        assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (status, "https://shop.example")


def test_one_bad_line_spoils_no_other_and_is_kept(instance: Running) -> None:
    project = instance.new_project()
    reply = send(instance, project, b'{"event":"a"}\n{"event":\xff}\n{"event":"b"}\n', {"content-type": "text/plain"})
    answer = reply.json()
    assert (reply.status_code, answer["accepted"], [entry["index"] for entry in answer["rejected"]]) == (202, 2, [1])
    receipt = stored(instance, project, answer["receipt"])
    assert (receipt["accepted"], receipt["stored"], receipt["rejected"]) == (2, 2, 1)
    kept = wait_until(lambda: ask(instance, project, "/api/v1/rejected")["items"], STORED_SECONDS, "it is kept")
    raw = b'{"event":\xff}'
    assert [(item["position"], item["reason"], item["request_id"]) for item in kept] == [
        (1, answer["rejected"][0]["reason"], reply.headers["x-request-id"])
    ]
    assert (kept[0]["raw_encoding"], base64.b64decode(kept[0]["raw"])) == ("base64", raw)
    assert kept[0]["key_prefix"] == project.write_key[:8]


def test_a_request_refused_as_a_whole_is_kept_too(instance: Running) -> None:
    project = instance.new_project()
    reply = send(instance, project, b'{"event":', {})
    assert (reply.status_code, reply.json()["code"]) == (400, "malformed_json")
    [kept] = wait_until(lambda: ask(instance, project, "/api/v1/rejected")["items"], STORED_SECONDS, "it is kept")
    assert (kept["reason"], kept["raw"], kept["position"]) == ("malformed_json", '{"event":', 0)
    assert ask(instance, project, "/api/v1/rejected/reasons")["items"][0]["count"] == 1


def test_another_projects_receipt_is_not_found(instance: Running, project: Project) -> None:
    receipt = send(instance, project, JSON, {}).json()["receipt"]
    other = instance.new_project()
    for token in (receipt, "nonsense", receipt[:-1]):
        reply = instance.http.get(f"/api/v1/receipts/{token}", headers={"X-API-Key": other.secret_key})
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


def test_what_the_sender_did_not_write_is_added(instance: Running) -> None:
    project = instance.new_project()
    address = "https://shop.example/caps?utm_source=news&utm_medium=email&utm_campaign=Осень"
    event = {"event": "page_view", "url": address, "properties": {"browser": "mine", "referrer": "https://ya.ru/"}}
    reply = send(instance, project, json.dumps(event).encode(), {"user-agent": IPHONE, "x-forwarded-for": "77.88.8.8"})
    stored(instance, project, reply.json()["receipt"])
    [item] = ask(instance, project, "/api/v1/query/events")["items"]
    expected = {
        "hostname": "shop.example",
        "path": "/caps",
        "utm_campaign": "Осень",
        "channel": "Email",
        "referrer_domain": "ya.ru",
        "os": "iOS",
        "device": "mobile",
        "ip": "77.88.8.0",
        "country": "RU",
        "bot": False,
    }
    assert {name: item[name] for name in expected} == expected
    assert item["properties"]["browser"] == "mine"
    mobile = instance.count(project, filters=[{"property": "device", "value": "mobile"}])
    assert (mobile, instance.count(project, filters=[{"property": "properties.browser", "value": "mine"}])) == (1, 1)


def test_an_event_with_an_id_and_no_time_counts_once_even_when_the_cache_is_wiped(fragile: Running) -> None:
    project = fragile.new_project()
    body = json.dumps([{"event": "bought", "user_id": "u1", "id": f"order-{n}"} for n in range(20)]).encode()
    receipts = []
    for _ in range(3):
        reply = send(fragile, project, body, {})
        assert reply.status_code == 202, reply.text
        receipts.append(reply.json()["receipt"])
        _wipe_cache(fragile)
    for receipt in receipts:
        stored(fragile, project, receipt)
    assert fragile.count(project) == 20


def _wipe_cache(instance: Running) -> None:
    """Every key but the bus' streams goes; what first sights need is not there."""
    import redis

    with redis.Redis.from_url(instance.env["SLUICE_BUS_URL"]) as server:
        for key in server.scan_iter():
            if server.type(key) != b"stream":
                server.delete(key)


def test_a_request_under_an_idempotency_key_counts_once(instance: Running) -> None:
    project = instance.new_project()
    headers = {"idempotency-key": str(uuid.uuid4())}
    body = b'[{"event":"a"},{"event":"b"},{"event":""}]'
    receipts = [send(instance, project, body, headers).json()["receipt"] for _ in range(3)]
    for receipt in receipts:
        stored(instance, project, receipt)
    assert instance.count(project) == 2
    other = send(instance, project, b'{"event":"c"}', headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_limits_are_settings_and_the_refusals_name_them(instance: Running, project: Project) -> None:
    bomb = gzip.compress(b'{"event":"' + b"x" * (50 << 20) + b'"}')
    for body, code in [
        (bomb, "body_too_large"),
        (b'{"event":"a","properties":{"a":"' + b"x" * (64 << 10) + b'"}}', "event_too_large"),
        (b"[" + b",".join([b"1"] * 10_001) + b"]", "too_many_events"),
        (gzip.compress(JSON)[:-9], "bad_encoding"),
    ]:
        reply = send(instance, project, body, {})
        assert reply.json().get("code") == code, reply.text


def test_integers_beyond_a_float_keep_their_order_and_their_digits(instance: Running) -> None:
    project = instance.new_project()
    first = 1_234_567_890_123_456_700
    reply = send(
        instance, project, json.dumps([{"event": "t", "properties": {"n": first + i}} for i in range(100)]).encode(), {}
    )
    stored(instance, project, reply.json()["receipt"])
    expected = {"gt": 49, "gte": 50, "lt": 50, "lte": 51, "eq": 1, "ne": 99}
    for op, count in expected.items():
        wanted = [{"property": "properties.n", "op": op, "value": first + 50}]
        assert instance.count(project, filters=wanted) == count, op
    assert instance.count(project, filters=[{"property": "properties.n", "op": "gt", "value": 2**53}]) == 100
