"""JSON Schemas of events: what is taken, what is refused and why, what a version may change, what a draft says."""

import json
import time
import uuid
from typing import Any

import msgspec
import pytest

from functions.ingest.schemas import ProjectSchemas, Schemas
from functions.quality_check.compatibility import breaks
from functions.quality_check.draft import drafted
from shared.refusals import Refusal, Rejected
from shared.schemas import Compiled, checked

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {"plan": {"enum": ["free", "pro"]}, "price": {"type": "number", "minimum": 0}},
    "required": ["plan"],
}


def refused(schema: object) -> Rejected:
    raw = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    with pytest.raises(Rejected) as found:
        checked(raw)
    assert found.value.refusal is Refusal.BAD_SCHEMA
    return found.value


def test_a_schema_says_what_is_not_as_it_says() -> None:
    compiled = Compiled(json.dumps(ORDER))
    assert compiled.holds({"plan": "pro", "price": 1, "more": None})
    assert [(one.path, one.keyword) for one in compiled.violations({"plan": "x", "price": -1})] == [
        ("plan", "enum"),
        ("price", "minimum"),
    ]
    assert Compiled('{"properties": {"at": {"format": "date-time"}}}').holds({"at": "soon"}) is False


def test_what_could_harm_or_would_say_nothing_is_refused_with_its_place() -> None:
    nested: dict[str, Any] = {}
    for _ in range(40):
        nested = {"properties": {"a": nested}}
    bomb = {f"a{i}": {"anyOf": [{"$ref": f"#/$defs/a{i - 1}"}] * 2} for i in range(1, 12)} | {"a0": {}}
    for schema, place, words in (
        (b"{", "", "not JSON"),
        (b"[]", "", "a JSON object"),
        (b'{"type":"object","type":"object"}', "type", "twice"),
        ({"type": "array"}, "type", "must be `object`"),
        ({"$schema": "https://example.com/own"}, "$schema", "draft-07"),
        ({"properties": {"a": {"$ref": "http://127.0.0.1/a"}}}, "properties/a/$ref", "nothing is fetched"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "properties/a/$ref", "nothing is fetched"),
        ({"properties": {"a": {"$ref": "#/$defs/no"}}}, "properties/a/$ref", "no such part"),
        ({"$id": "http://a/b"}, "$id", "leave it out"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "#/$defs/a/$ref", "circle"),
        ({"$defs": bomb, "properties": {"a": {"$ref": "#/$defs/a11"}}}, None, "more than 2000 parts"),
        (nested, None, "nested more than"),
        ({"requird": ["a"]}, "requird", "no keyword"),
        ({"unevaluatedProperties": False}, "unevaluatedProperties", "additionalProperties"),
        ({"properties": {"a": {"type": "text"}}}, "properties/a/type", "text"),
        ({"properties": {"a": {"pattern": "(?=a)b"}}}, "properties/a/pattern", "look-around"),
        ({"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}, "properties/a/pattern", "too large"),
        ({"properties": {"a": {"format": "emial"}}}, "properties/a/format", "emial"),
        ({"properties": {"a": 5}}, "properties/a", "must be a schema"),
        ({"title": "x" * 70_000}, "", "at most 65536"),
    ):
        error = refused(schema)
        assert words in error.detail, (schema, error.detail)
        assert place is None or error.extra["path"] == place, (schema, error.extra)
    checked(
        json.dumps(
            {"x-owner": "a", "$defs": {"a": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a"}}}
        ).encode()
    )


def test_a_pattern_takes_time_that_only_grows_with_the_text() -> None:
    schema = {"properties": {"a": {"pattern": "^(a+)+$"}, "b": {"pattern": r"^([a-z]|[a-z]+\.)*$"}}}
    compiled = Compiled(json.dumps(schema))
    text = "a" * 60_000 + "!"
    started = time.perf_counter()
    assert not compiled.holds({"a": text, "b": text})
    assert time.perf_counter() - started < 1


def test_a_project_refuses_or_warns_and_leaves_other_events_alone() -> None:
    asking = Schemas(None, None)  # type: ignore[arg-type]  # nothing is asked of them
    row = {"project_id": uuid.uuid4(), "id": uuid.uuid4(), "event": "order", "version": 3, "schema": json.dumps(ORDER)}
    strict = asking.same_or_new([{**row, "mode": "reject"}], None)
    assert (strict.check("order", {"plan": "pro"}), strict.check("other", {"plan": 1})) == ("", "")
    with pytest.raises(Rejected) as found:
        strict.check("order", {"plan": 7})
    assert found.value.refusal is Refusal.SCHEMA_MISMATCH
    assert found.value.detail == 'version 3 of the schema: properties.plan: 7 is not one of "free" or "pro"'
    assert asking.same_or_new([{**row, "mode": "reject"}], strict) is strict
    warns = asking.same_or_new([{**row, "mode": "warn"}], strict)
    assert isinstance(warns, ProjectSchemas)
    assert "properties: " in warns.check("order", {})
    assert warns.of["order"].compiled is strict.of["order"].compiled
    # A schema that is removed and made anew begins at version 1 again.
    anew = asking.same_or_new([{**row, "mode": "warn", "id": uuid.uuid4(), "schema": "{}"}], warns)
    assert anew.check("order", {}) == ""


def with_(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("old", "new", "backward", "forward"),
    [
        (ORDER, ORDER, [], []),
        (with_(a={"type": "string"}), with_(a={"type": ["string", "null"]}), [], [("a", "narrower")]),
        (with_(a={"type": "number"}), with_(a={"type": "integer"}), [("a", "narrower")], []),
        (with_(), {"required": ["a"]}, [("a", "required")], []),
        (with_(a={"enum": [1, 2]}), with_(a={"enum": [1, 2, 3]}), [], [("a", "narrower")]),
        (with_(a={}), {**with_(a={}), "additionalProperties": False}, [("", "closed")], []),
        (
            {**with_(a={}, b={}), "additionalProperties": False},
            {**with_(a={}), "additionalProperties": False},
            [("b", "closed")],
            [],
        ),
        (
            with_(o=with_(a={"type": "string"})),
            with_(o=with_(a={"maxLength": 3})),
            [("o.a", "narrower")],
            [("o.a", "narrower")],
        ),
        (
            {"$defs": {"s": {"type": "string"}}, **with_(a={"$ref": "#/$defs/s"})},
            {"$defs": {"s": {"type": "integer"}}, **with_(a={"$ref": "#/$defs/s"})},
            [("a", "narrower")],
            [("a", "narrower")],
        ),
        (with_(a={"pattern": "^a"}), with_(a={"pattern": "^(a|b)"}), [("a", "unproven")], [("a", "unproven")]),
        (with_(a={"pattern": "^a"}, b={}), with_(a={"pattern": "^a"}, b={"type": "string"}), [("b", "narrower")], []),
        (with_(a={"type": "string"}), with_(b={"type": "string"}), [("b", "narrower")], [("a", "narrower")]),
    ],
)
def test_a_version_breaks_only_what_it_breaks(
    old: dict[str, Any], new: dict[str, Any], backward: list[tuple[str, str]], forward: list[tuple[str, str]]
) -> None:
    def said(promise: Any) -> list[tuple[str, str]]:
        return [(one.path, one.change) for one in breaks(old, new, promise)]

    assert (said("backward"), said("forward"), said("full")) == (backward, forward, backward + forward)
    assert said("none") == []


def test_a_draft_takes_everything_it_was_made_of_and_little_else() -> None:
    sent: list[dict[str, Any]] = [
        {"plan": ["free", "pro"][n % 2], "n": n, "price": n / 2, "tags": ["a"], "who": {"mail": f"{n}@b.c"}}
        for n in range(40)
    ]
    sent[3]["coupon"] = "X"
    sent[4]["who"]["mail"] = None
    sent[5]["n"] = 1.5
    drawn = drafted(sent)
    checked(msgspec.json.encode(drawn))
    compiled = Compiled(json.dumps(drawn))
    assert all(compiled.holds(one) for one in sent)
    assert drawn["required"] == ["n", "plan", "price", "tags", "who"]
    assert drawn["properties"]["plan"] == {"type": "string", "enum": ["free", "pro"]}
    assert drawn["properties"]["n"] == {"type": "number"}
    assert drawn["properties"]["who"]["properties"]["mail"] == {"type": ["null", "string"]}
    for wrong in ({**sent[0], "plan": "team"}, {**sent[0], "n": "7"}, {"plan": "pro"}, {**sent[0], "tags": [1]}):
        assert not compiled.holds(wrong)
    assert "required" not in drafted(sent[:3])
