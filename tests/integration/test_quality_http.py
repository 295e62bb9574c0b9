"""Schemas, quality and the dictionary over HTTP; and at ingest, where each event is stored or refused."""

import asyncio
import json
import random
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from shared.events import EVENTS_TOPIC, REJECTED_TOPIC
from shared.schemas import Compiled
from tests.integration.asking import Client, audited, client, serve_with
from tests.integration.reading import Stored, stored

SCHEMAS, QUALITY, DICTIONARY = "/api/v1/schemas", "/api/v1/quality", "/api/v1/dictionary"
PLAN: dict[str, Any] = {
    "type": "object",
    "properties": {"plan": {"enum": ["free", "pro"]}, "price": {"type": "number", "minimum": 0}},
    "required": ["plan"],
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("schemas")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve_with(monkeypatch, engine, catalog_url)


async def taken(asking: Client, topic: str) -> list[Any]:
    """What ingest put on a topic, once."""
    subscription = await asking.service._ports.bus.subscribe(topic, "test")  # type: ignore[union-attr]
    found = await subscription.take(1_000, 0.01)
    await subscription.ack([one.position for one in found])
    await subscription.close()
    return [json.loads(line) for one in found for line in one.message.data.splitlines()]


async def test_every_event_is_stored_or_refused_by_its_schema_and_none_is_lost(environment: str) -> None:
    """Against an independent reading of the same schema: 300 events in requests of every size."""
    dice, project, compiled = random.Random(7), uuid.uuid4(), Compiled(json.dumps(PLAN))
    values: list[dict[str, Any]] = [
        {"plan": "pro"},
        {"plan": "team"},
        {},
        {"plan": "free", "price": -1},
        {"plan": "free", "price": 2, "x": 1},
    ]
    for mode in ("observe", "warn", "reject"):
        async with client("quality_check", environment, project, "admin") as asking:
            if mode == "observe":
                await asking.json("POST", SCHEMAS, {"event": "order", "schema": PLAN}, status=201)
            await asking.json("PUT", f"{SCHEMAS}/settings", {"mode": mode})
        async with client("ingest", environment, project, "ingest") as ingest:
            right: set[str] = set()
            wrong: set[str] = set()
            warned, at = 0, 0
            while at < 300:
                sent = []
                for index in range(at, min(300, at + dice.choice((1, 1, 7, 40)))):
                    name, properties = dice.choice(("order", "order", "other")), dice.choice(values)
                    sent.append({"event": name, "user_id": f"{index}", "properties": properties})
                    (right if name == "other" or compiled.holds(properties) else wrong).add(f"{index}")
                at += len(sent)
                reply = await ingest.ask("POST", "/api/v1/events", sent if len(sent) > 1 else sent[0])
                answer = json.loads(reply.body)
                assert reply.status in {202, 422}, reply.body
                warned += len(answer.get("warnings", ()))
                for one in answer.get("warnings", ()):
                    assert one["reason"] == "schema_mismatch"
                    assert sent[one["index"]]["user_id"] in wrong
            rows, refused = await taken(ingest, EVENTS_TOPIC), await taken(ingest, REJECTED_TOPIC)
            assert wrong, right
            kept = {json.loads(one["raw"])["user_id"] for one in refused}
            assert len(refused) == len(kept)
            assert {one["reason"] for one in refused} <= {"schema_mismatch"}
            assert ({one["user_id"] for one in rows}, kept) == (
                (right, wrong) if mode == "reject" else (right | wrong, set())
            )
            assert len(rows) + len(refused) == 300
            assert warned == (len(wrong) if mode == "warn" else 0)


async def test_schemas_have_versions_that_keep_their_promise(environment: str) -> None:
    project = uuid.uuid4()
    async with client("quality_check", environment, project, "admin") as asking:
        made = await asking.json("POST", SCHEMAS, {"event": "order", "schema": PLAN, "note": "first"}, status=201)
        assert (made["version"], made["compatibility"], made["schema"]) == (1, "backward", PLAN)
        at = f"{SCHEMAS}/{made['id']}"
        wider = {**PLAN, "properties": {**PLAN["properties"], "plan": {"enum": ["free", "pro", "team"]}}}
        narrower = {**PLAN, "required": ["plan", "price"]}
        assert await asking.json("POST", f"{at}/try", {"schema": wider}) == {
            "compatible": True,
            "breaks": [],
            "compatibility": "backward",
        }
        tried = await asking.json("POST", f"{at}/try", {"schema": narrower})
        assert tried["breaks"] == [{"path": "price", "breaks": "backward", "change": "required"}]
        reply = await asking.ask("PUT", at, {"schema": narrower})
        refused = json.loads(reply.body)
        assert (reply.status, refused["code"], refused["breaks"]) == (409, "schema_incompatible", tried["breaks"])
        second = await asking.json("PUT", at, {"schema": wider, "compatibility": "none"})
        assert (second["version"], second["compatibility"]) == (2, "none")
        assert (await asking.json("PUT", at, {"schema": narrower}))["version"] == 3
        versions = (await asking.json("GET", f"{at}/versions"))["items"]
        assert [(one["version"], one["note"]) for one in versions] == [(3, ""), (2, ""), (1, "first")]
        assert versions[2]["schema"] == PLAN
        both = await asyncio.gather(*(asking.ask("PUT", at, {"schema": PLAN}) for _ in range(2)))
        assert sorted(one.status for one in both) in ([200, 200], [200, 409])
        await asking.json("POST", SCHEMAS, {"event": "an/odd name?", "schema": {}}, status=201)
        listed = await asking.json("GET", f"{SCHEMAS}?limit=1")
        assert ([one["event"] for one in listed["items"]], listed["next_cursor"]) == (["an/odd name?"], "an/odd name?")
        rest = await asking.json("GET", f"{SCHEMAS}?limit=1&cursor=an/odd%20name%3F")
        assert ([one["event"] for one in rest["items"]], rest["next_cursor"], rest["mode"]) == (
            ["order"],
            None,
            "observe",
        )
        for body, code in (
            ({"event": "order", "schema": {}}, "conflict"),
            ({"event": "x", "schema": {"$ref": "https://a.example/x"}}, "bad_schema"),
            ({"event": "x", "schema": {"properties": {"a": {"pattern": "("}}}}, "bad_schema"),
            ({"event": "x", "schema": {"title": "x" * 70_000}}, "bad_schema"),
            ({"event": "x", "schema": []}, "bad_schema"),
            ({"event": "", "schema": {}}, "bad_request"),
            ({"event": "x"}, "bad_request"),
            ({"event": "x", "schema": {}, "compatibility": "most"}, "bad_request"),
            ({"event": "x", "schema": {}, "more": 1}, "unknown_field"),
        ):
            assert (body, (await asking.refused("POST", SCHEMAS, body))[1]) == (body, code)
        checked = await asking.json("POST", f"{SCHEMAS}/check", {"event": "order", "properties": {"plan": 1}})
        assert (checked["valid"], checked["violations"][0]["path"]) == (False, "plan")
        own = {"event": "none", "properties": {"a": 1}, "schema": {"required": ["a"]}}
        assert (await asking.json("POST", f"{SCHEMAS}/check", own)) == {
            "valid": True,
            "violations": [],
            "version": None,
        }
        assert await asking.refused("POST", f"{SCHEMAS}/check", {"event": "no", "properties": {}}) == (404, "not_found")
        assert (await asking.ask("DELETE", at)).status == 204
        assert await asking.refused("GET", at) == (404, "not_found")
        assert await asking.refused("PUT", f"{SCHEMAS}/settings", {"mode": "off"}) == (400, "bad_request")
        assert (await asking.refused("PATCH", at, {}))[0] == 405
        theirs = await asking.json("POST", SCHEMAS, {"event": "order", "schema": PLAN}, status=201)
    async with client("quality_check", environment, uuid.uuid4(), "admin") as other:
        for method, sent in (("GET", None), ("PUT", {"schema": {}}), ("DELETE", None)):
            assert await other.refused(method, f"{SCHEMAS}/{theirs['id']}", sent) == (404, "not_found")
    async with client("quality_check", environment, project, "read") as reading:
        assert (await reading.refused("POST", SCHEMAS, {"event": "x", "schema": {}}))[1] == "scope_missing"
        assert (await reading.refused("PUT", f"{SCHEMAS}/settings", {"mode": "warn"}))[1] == "scope_missing"
    actions = [action for action, *_ in audited(environment, project, "schema")]
    assert actions[:2] == ["schema.created", "schema.changed"]
    assert "schema.removed" in actions


async def test_what_is_stored_gets_a_draft_a_dictionary_and_scores(environment: str, engine: Stored) -> None:
    project = uuid.uuid4()
    sent = [
        {"event": "order", "user_id": f"{n}", "properties": {"plan": "pro", "n": n, "b": n % 2 == 0}} for n in range(25)
    ]
    async with client("ingest", environment, project, "ingest") as ingest:
        assert (await ingest.ask("POST", "/api/v1/events", sent)).status == 202
        subscription = await ingest.service._ports.bus.subscribe(EVENTS_TOPIC, "store")  # type: ignore[union-attr]
        messages = [one.message for one in await subscription.take(10, 0.01)]
        await subscription.close()
        await asyncio.to_thread(engine.put, *messages)
    async with client("quality_check", environment, project, "admin") as asking:
        made = {"event": "order", "schema": PLAN}
        await asking.json("POST", SCHEMAS, made, status=201)
        assert (await asking.json("POST", f"{QUALITY}/check"))["days"] == 1
        entry = {"event": "order", "property": "n", "description": "how many", "tags": ["core"], "owner": "Ada"}
        said = await asking.json("PATCH", DICTIONARY, entry)
        again = await asking.json("PATCH", DICTIONARY, {"event": "order", "property": "n", "hidden": True})
        assert (again["id"], again["description"], again["tags"], again["hidden"]) == (
            said["id"],
            "how many",
            ["core"],
            True,
        )
        await asking.json("PATCH", DICTIONARY, {"event": "planned", "description": "to come"})
        for body, code in (
            ({"event": ""}, "bad_request"),
            ({"event": "a", "tags": ["a,b"]}, "bad_request"),
            ({"event": "a", "description": "x" * 5_000}, "bad_request"),
            ({"event": "a", "more": 1}, "unknown_field"),
        ):
            assert (body, (await asking.refused("PATCH", DICTIONARY, body))[1]) == (body, code)
        assert (await asking.refused("GET", f"{QUALITY}/findings/{uuid.uuid4()}")) == (404, "not_found")
    async with client("quality_check", environment, project, "read") as asking:
        drawn = await asking.json("POST", f"{SCHEMAS}/draft", {"event": "order"})
        assert (drawn["rows"], drawn["schema"]["required"]) == (25, ["b", "n", "plan"])
        assert drawn["schema"]["properties"]["n"] == {"type": "integer"}
        assert (await asking.refused("POST", f"{SCHEMAS}/draft", {"event": "none"})) == (404, "not_found")
        events = (await asking.json("GET", DICTIONARY))["items"]
        assert [(one["name"], one["volume"], one["schema"], one["description"]) for one in events] == [
            ("order", 25, 1, ""),
            ("planned", 0, None, "to come"),
        ]
        assert events[0]["first_seen"] is not None
        properties = (await asking.json("GET", f"{DICTIONARY}?event=order"))["items"]
        assert {one["name"]: (one["volume"], one["types"]) for one in properties} == {
            "plan": (25, {"string": 25}),
            "n": (25, {"integer": 25}),
            "b": (25, {"boolean": 25}),
        }
        assert len((await asking.json("GET", f"{DICTIONARY}?event=order&hidden=false"))["items"]) == 2
        quality = await asking.json("GET", QUALITY)
        assert [(one["event"], one["score"], one["volume"]) for one in quality["items"]] == [("order", 100, 25)]
        assert (quality["score"], quality["open"], quality["mode"]) == (100, 0, "observe")
        history = await asking.json("GET", f"{QUALITY}/history?event=order")
        assert [(one["score"], one["volume"]) for one in history["items"]] == [(100, 25)]
    assert [action for action, *_ in audited(environment, project, "dictionary_entry")] == ["dictionary.changed"] * 3


async def test_a_finding_is_acknowledged_once_and_stays_open(environment: str, engine: Stored) -> None:
    project = uuid.uuid4()
    async with client("ingest", environment, project, "ingest") as ingest:
        bad = [{"event": "order", "user_id": f"{n}", "properties": {"plan": n}} for n in range(4)]
        assert (await ingest.ask("POST", "/api/v1/events", bad)).status == 202
        subscription = await ingest.service._ports.bus.subscribe(EVENTS_TOPIC, "store")  # type: ignore[union-attr]
        messages = [one.message for one in await subscription.take(10, 0.01)]
        await subscription.close()
        await asyncio.to_thread(engine.put, *messages)
    async with client("quality_check", environment, project, "admin") as asking:
        await asking.json("POST", SCHEMAS, {"event": "order", "schema": PLAN}, status=201)
        await asking.json("POST", f"{QUALITY}/check")
        [found] = (await asking.json("GET", f"{QUALITY}/findings"))["items"]
        assert (found["kind"], found["value"], found["detail"]) == ("schema_violation", 1.0, "4 / 4 · plan: enum")
        at = f"{QUALITY}/findings/{found['id']}"
        known = await asking.json("POST", f"{at}/acknowledge", {"note": "being mended"})
        assert known["acknowledged_by"].startswith("key ")
        assert (known["note"], known["closed_at"]) == ("being mended", None)
        later = await asking.json("POST", f"{at}/acknowledge", {})
        assert later["acknowledged_at"] == known["acknowledged_at"]
        assert (await asking.json("GET", QUALITY))["unacknowledged"] == 0
        assert (await asking.json("GET", QUALITY))["items"][0]["score"] == 60
        assert (await asking.json("GET", f"{QUALITY}/findings?state=closed"))["items"] == []
        assert await asking.refused("GET", f"{QUALITY}/findings?state=no") == (400, "bad_request")
    async with client("quality_check", environment, uuid.uuid4(), "admin") as other:
        assert await other.refused("GET", at) == (404, "not_found")
        assert await other.refused("POST", f"{at}/acknowledge", {}) == (404, "not_found")
