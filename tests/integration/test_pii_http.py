"""PII rules and scans over HTTP, and that ingest lets nothing past a rule: not to the bus, not to what is refused."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from shared.events import EVENTS_TOPIC, REJECTED_TOPIC
from tests.integration.asking import audited, client, serve_with
from tests.integration.reading import NOW, Stored, batch, row, stored, text_of

RULES = "/api/v1/pii/rules"
SCANS = "/api/v1/pii/scans"
PREVIEW = "/api/v1/pii/preview"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("pii")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve_with(monkeypatch, engine, catalog_url)


def test_nothing_passes_a_rule_on_its_way_to_the_bus(environment: str) -> None:
    secret = "ada@example.com"
    sent: list[Any] = [
        {"event": "ok", "user_id": "1", "properties": {"email": secret, "$set": {"mail": secret}, "n": 1}},
        {"event": "ok", "user_id": "2", "email": secret, "context": {"traits": {"email": secret}}},
        {"event": "ok", "user_id": "3", "timestamp": "soon", "properties": {"email": secret}},
        {"event": "ok", "user_id": "4", "url": f"https://x.org/?m={secret}", "properties": {"list": [{"a": secret}]}},
    ]

    async def go() -> list[bytes]:
        project = uuid.uuid4()
        async with client("pii", environment, project, "admin") as pii:
            await pii.json("POST", RULES, {"text": "email", "action": "hash"}, status=201)
            await pii.json("POST", RULES, {"match": "value", "text": "@", "action": "drop"}, status=201)
        async with client("ingest", environment, project, "ingest") as ingest:
            reply = await ingest.ask("POST", "/api/v1/events", sent, referer=f"https://y.org/?m={secret}")
            assert (reply.status, json.loads(reply.body)["accepted"]) == (202, 3)
            for body in ({"events": secret}, [secret], secret):
                assert (await ingest.ask("POST", "/api/v1/events", body)).status in {400, 422}
            bus: Any = ingest.service._ports.bus  # type: ignore[union-attr]  # the service is open
            held = []
            for topic in (EVENTS_TOPIC, REJECTED_TOPIC):
                subscription = await bus.subscribe(topic, "test")
                held += [one.message.data for one in await subscription.take(100, 0.01)]
                await subscription.close()
            return held

    held = asyncio.run(go())
    assert len(held) >= 5
    assert not any(b"ada@" in data or b"example.com" in data for data in held)
    assert sum(data.count(b'"hash:') for data in held) == 4


def test_rules_are_kept_changed_and_recorded(environment: str) -> None:
    async def go() -> uuid.UUID:
        project = uuid.uuid4()
        async with client("pii", environment, project, "admin") as asking:
            made = await asking.json("POST", RULES, {"text": "email", "action": "hash"}, status=201)
            at = f"{RULES}/{made['id']}"
            assert (await asking.json("GET", RULES))["items"] == [made]
            changed = await asking.json("PUT", at, {"text": "email", "action": "truncate", "length": 3})
            assert (changed["action"], changed["length"], changed["created_at"]) == ("truncate", 3, made["created_at"])
            for body, code in (
                ({"text": "(", "match": "pattern", "action": "drop"}, "bad_value"),
                ({"text": "", "action": "drop"}, "bad_request"),
                ({"text": "x", "action": "burn"}, "bad_request"),
                ({"text": "user_id", "action": "hash"}, "bad_value"),
                ({"text": "x", "action": "hash", "length": 3}, "bad_value"),
                ({"text": "x\0", "action": "hash"}, "bad_text"),
                ({"text": "x", "action": "hash", "more": 1}, "unknown_field"),
            ):
                assert (body, (await asking.refused("POST", RULES, body))[1]) == (body, code)
            for wrong in (uuid.uuid4(), "x"):
                assert (await asking.refused("PUT", f"{RULES}/{wrong}", {"text": "x", "action": "drop"}))[0] == 404
            assert (await asking.ask("DELETE", at)).status == 204
            assert (await asking.json("GET", RULES))["items"] == []
        async with client("pii", environment, uuid.uuid4(), "admin") as other:
            assert (await other.refused("GET", at))[1] == "not_found"
        async with client("pii", environment, project, "read") as reading:
            assert (await reading.refused("GET", RULES))[1] == "scope_missing"
        return project

    project = asyncio.run(go())
    actions = [action for action, *_ in audited(environment, project, "pii_rule")]
    assert actions == ["pii_rule.created", "pii_rule.changed", "pii_rule.removed"]


def test_a_rule_is_tried_on_a_sample_and_nothing_is_kept(environment: str) -> None:
    sample = {"email": "ada@example.com", "$set": {"Email": "b@example.com", "plan": "pro"}, "n": 1.10, "list": [1]}

    async def go() -> None:
        async with client("pii", environment, uuid.uuid4(), "admin") as asking:
            await asking.json("POST", RULES, {"text": "plan", "action": "drop"}, status=201)
            asked = {"sample": sample, "rule": {"text": "email", "action": "truncate", "length": 3}}
            tried = await asking.json("POST", PREVIEW, asked)
            assert tried["after"] == {"email": "ada", "$set": {"Email": "b@e"}, "n": 1.10, "list": [1]}
            assert tried["changed"] == ["$set.Email", "$set.plan", "email"]
            [kept] = (await asking.json("GET", RULES))["items"]
            assert kept["text"] == "plan"
            instead = {"sample": sample, "rule": {"text": "n", "action": "drop"}, "id": kept["id"]}
            assert (await asking.json("POST", PREVIEW, instead))["changed"] == ["n"]
            assert (await asking.json("POST", PREVIEW, {"sample": sample}))["changed"] == ["$set.plan"]
            for wrong, code in (
                ({"sample": [1]}, "bad_request"),
                ({"sample": {}, "rule": {"match": "pattern", "text": "(", "action": "drop"}}, "bad_value"),
                ({"sample": {}, "id": str(uuid.uuid4())}, "not_found"),
                ({"sample": {}, "more": 1}, "unknown_field"),
            ):
                assert (wrong, (await asking.refused("POST", PREVIEW, wrong))[1]) == (wrong, code)

    asyncio.run(go())


def test_a_scan_reports_what_is_stored_and_shows_it_to_nobody(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    rows = [row("e", properties={"to": f"u{n}@example.com", "n": n}, user_id=f"u{n}") for n in range(5)]
    engine.put(batch(project, *rows, row("e", user_id="ada@example.com")))
    refused = {"project_id": str(project), "reason": "x", "detail": "", "received_at": text_of(NOW), "position": 0}
    raw = json.dumps({"card": "4111 1111 1111 1111"})
    engine.insert("rejected_events", [{**refused, "batch_id": str(uuid.uuid4()), "raw": raw}])

    async def go() -> dict[str, Any]:
        async with client("pii", environment, project, "admin") as asking:
            assert (await asking.refused("POST", SCANS, {"rows": 0}))[1] == "bad_request"
            job = await asking.json("POST", SCANS, {"days": 3_650}, status=202)
            await asking.deliver()
            assert asking.told[0]["findings"] == 3
            shown: dict[str, Any] = await asking.json("GET", f"{SCANS}/{job['id']}")
            return shown

    shown = asyncio.run(go())
    found = {one["property"]: (one["kind"], one["found"], one["seen"]) for one in shown["result"]["findings"]}
    assert found == {
        "properties.to": ("email", 5, 5),
        "user_id": ("email", 1, 6),
        "rejected.card": ("card", 1, 1),
    }
    assert "example.com" not in json.dumps(shown)
    assert (shown["result"]["events"], shown["result"]["rejected"]) == (6, 1)
