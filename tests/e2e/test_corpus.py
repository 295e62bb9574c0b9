"""Every stored case gets the answer that is written beside it, and every refused event is kept with what was sent."""

import asyncio
import base64
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest

from shared.catalog.client import Catalog
from shared.catalog.keys import create_key, revoke_key
from shared.events import EVENTS_TOPIC, MAX_RAW_BYTES, REJECTED_TOPIC
from shared.refusals import Refusal, describe
from tests.e2e.corpus import FOLDER, REQUEST_ID, Answer, Case, Values, read_cases, send_all
from tests.e2e.running import Project, Running, wait_until
from tests.load.instance import WRITER

TOPICS = read_cases()
CASES = [case for cases in TOPICS.values() for case in cases]
LEAST = 2_000
STORED_SECONDS = 60
KNOWN = "from=2026-01-01&to=2026-01-31"
SHOWN = 100
# Refusals that none of these requests gets, and why; a new one belongs here or gets a case.
ELSEWHERE = {
    "our own state": ["overloaded", "unavailable", "internal", "body_too_slow"],
    "of the protocol": ["headers_too_large"],
    "of schemas that people define": ["bad_schema", "schema_incompatible", "schema_mismatch"],
    "behind the bus": ["store_refused", "unexpected_event_type", "person_erased", "consent_withdrawn"],
    "on the command line": ["bad_reference_table"],
    "of addresses and links that people define": ["bad_destination", "bad_link", "bad_schedule"],
    "of what is under way or over": ["conflict", "gone"],
    "of what several people change": ["version_missing", "version_changed", "last_owner"],
    "of accounts and sessions": [
        "bad_credentials",
        "second_factor_required",
        "bad_code",
        "account_blocked",
        "token_expired",
        "csrf_missing",
        "weak_password",
    ],
    "of who may do what, and how often": [
        "token_missing",
        "token_required",
        "token_revoked",
        "role_missing",
        "project_required",
        "project_forbidden",
        "rate_limited",
        "quota_exceeded",
    ],
    "of statements in SQL": ["bad_sql"],
    "of organisations, invitations and pages": ["organisation_required", "wrong_account", "origin_forbidden"],
}


class Outcome(NamedTuple):
    """What the instance made of the corpus: the answers, and what it kept of the refused."""

    answers: dict[str, Answer]
    kept: dict[str, list[dict[str, Any]]]
    values: Values


@pytest.fixture(scope="module")
def outcome(instance: Running) -> Outcome:
    """All cases, sent once to a project of their own."""
    project, asker, other = (instance.new_project() for _ in range(3))
    texts = {"write": project.write_key, "secret": project.secret_key, "unknown": "slp_" + "x" * 43}
    texts |= {"other_write": other.write_key, "other_secret": other.secret_key}
    values = Values(texts | _keys(instance, project) | _asked(instance, asker, other))
    answers = asyncio.run(send_all(f"http://127.0.0.1:{instance.port}", CASES, values))
    for topic in (EVENTS_TOPIC, REJECTED_TOPIC):
        wait_until(lambda: _lag(instance, topic) == 0, STORED_SECONDS, f"all {topic} are stored")  # noqa: B023 (called here)
    return Outcome(answers, _kept(instance, project), values)


def _keys(instance: Running, project: Project) -> dict[str, str]:
    """Keys of every kind that the cases name."""
    named = uuid.UUID(project.id)

    async def make(catalog: Catalog) -> dict[str, str]:
        read, _ = await create_key(catalog, named, "secret", "read", scopes=["read"])
        ingest, _ = await create_key(catalog, named, "secret", "ingest", scopes=["ingest"])
        export, _ = await create_key(catalog, named, "secret", "export", scopes=["export"])
        past = datetime(2020, 1, 1, tzinfo=UTC)
        expired, _ = await create_key(catalog, named, "public", "expired", expires_at=past)
        revoked, gone = await create_key(catalog, named, "public", "revoked")
        await revoke_key(catalog, gone.id)
        return {"read": read, "ingest": ingest, "export": export, "expired": expired, "revoked": revoked}

    return instance.with_catalog(make)


def _asked(instance: Running, asker: Project, other: Project) -> dict[str, str]:
    """A project that holds known.json and one refused event; its key, receipts and cursors."""
    known = (FOLDER / "known.json").read_bytes()
    receipt = instance.post(known, asker).json()["receipt"]
    refused = instance.post(b'{"user_id":"nameless"}', asker).json()["receipt"]
    second = instance.post(b"[]", asker).json()["receipt"]
    others = instance.post({"event": "e"}, other).json()["receipt"]
    headers = {"X-API-Key": asker.secret_key}

    def page(address: str) -> str:
        found: str = instance.http.get(address, headers=headers).json()["next_cursor"]
        return found

    span = {"from": "2026-01-01", "to": "2026-01-31"}
    wait_until(lambda: instance.count(asker, **span) == len(msgspec.json.decode(known)), STORED_SECONDS, "known.json")
    wait_until(lambda: _refused(instance, asker) == 2, STORED_SECONDS, "two refused events are kept")
    return {
        "asker": asker.secret_key,
        "asker_write": asker.write_key,
        "receipt": receipt,
        "receipt_refused": refused,
        "receipt_second": second,
        "receipt_other": others,
        "cursor_events": page(f"/api/v1/query/events?{KNOWN}&limit=3"),
        "cursor_schema": page(f"/api/v1/schema/events?{KNOWN}&limit=1"),
        "cursor_properties": page(f"/api/v1/schema/properties?{KNOWN}&limit=1"),
        "cursor_values": page(f"/api/v1/schema/values?{KNOWN}&property=plan&limit=1"),
        "cursor_rejected": page("/api/v1/rejected?limit=1"),
    }


def _lag(instance: Running, topic: str) -> int:
    return instance.with_bus(lambda bus: bus.lag(topic, WRITER))


def _refused(instance: Running, project: Project) -> int:
    found = instance.http.get("/api/v1/rejected/reasons", headers={"X-API-Key": project.secret_key}).json()
    total: int = found["total"]
    return total


def _kept(instance: Running, project: Project) -> dict[str, list[dict[str, Any]]]:
    """Everything in rejected_events by its request id, through all pages; each row once."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    seen: set[tuple[str, int]] = set()
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": "1000", **({"cursor": cursor} if cursor else {})}
        reply = instance.http.get("/api/v1/rejected", params=asked, headers={"X-API-Key": project.secret_key})
        assert reply.status_code == 200, reply.text
        for item in reply.json()["items"]:
            place = (item["batch_id"], item["position"])
            assert place not in seen, "a row stands on two pages"
            seen.add(place)
            found[item["request_id"] or item["source"]].append(item)
        cursor = reply.json()["next_cursor"]
    return found


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    assert len(CASES) >= LEAST
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_cases_name_every_refusal_a_client_can_cause() -> None:
    named = {case.expect.code for case in CASES} | {reason for case in CASES for _, reason in case.expect.rejected}
    assert {refusal.value for refusal in Refusal} - named == {code for codes in ELSEWHERE.values() for code in codes}
    assert named - {""} <= set(Refusal)


@pytest.mark.parametrize("topic", TOPICS)
def test_the_answers_are_those_that_are_written_down(outcome: Outcome, topic: str) -> None:
    _check_each(TOPICS[topic], lambda case: _check_answer(outcome, case))


def _check_each(cases: Iterable[Case], check: Callable[[Case], None]) -> None:
    """Check all cases and fail with every one that does not hold: ten thousand tests cost minutes by themselves."""
    faults = []
    for case in cases:
        try:
            check(case)
        except (AssertionError, KeyError) as error:
            faults.append(f"{case.name}: {error!r}")
    assert not faults, "\n".join(faults[:SHOWN])


def _check_answer(outcome: Outcome, case: Case) -> None:
    answer, expect = outcome.answers[case.name], case.expect
    assert (answer.status, _code(answer)) == (expect.status, expect.code), answer.body[:2_000]
    assert answer.headers[REQUEST_ID]
    if case.method in {"HEAD", "OPTIONS"} and not answer.body:
        assert answer.body == b""
        return
    found = msgspec.json.decode(answer.body)
    if expect.code:
        _assert_problem(answer, found, expect.code)
    if expect.accepted is not None:
        assert found["accepted"] == expect.accepted
    if "rejected" in found and case.method == "POST" and "/query/" not in case.path:
        shown = expect.rejected if expect.accepted else expect.rejected[:SHOWN]
        assert [(entry["index"], entry["reason"]) for entry in found["rejected"]] == shown
    for name, value in expect.answer.items():
        assert found[name] == value, (name, found)


def _code(answer: Answer) -> str:
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return msgspec.json.decode(answer.body)["code"] if is_problem and answer.body else ""


def _assert_problem(answer: Answer, found: dict[str, Any], code: str) -> None:
    assert (found["status"], found["title"]) == (answer.status, describe(Refusal(code)).title)
    assert found["request_id"] == answer.headers[REQUEST_ID]


@pytest.mark.parametrize("topic", TOPICS)
def test_every_refused_event_is_kept_with_what_was_sent(outcome: Outcome, topic: str) -> None:
    _check_each((case for case in TOPICS[topic] if case.expect.rejected), lambda case: _check_kept(outcome, case))


def _check_kept(outcome: Outcome, case: Case) -> None:
    kept = list({item["position"]: item for item in outcome.kept.get(case.name, [])}.values())
    kept.sort(key=lambda item: item["position"])
    assert [(item["position"], item["reason"]) for item in kept] == case.expect.rejected
    assert {item["source"] for item in kept} == {"ingest"}
    raws = [_raw(item) for item in kept]
    if case.expect.raw:
        assert raws == [text.encode() for text in map(outcome.values.fill, case.expect.raw)]
        return
    if case.expect.rewritten:
        assert all(raws)
        return
    body = case.recipe.unpacked() if case.recipe and case.expect.code != "bad_encoding" else outcome.values.body(case)
    for raw in raws:
        assert raw[:MAX_RAW_BYTES] in body or not body or case.expect.code == "body_too_large"
        assert raw or not body


def _raw(item: dict[str, Any]) -> bytes:
    """The bytes of a refused event, however they are written."""
    text: str = item["raw"]
    return base64.b64decode(text) if item["raw_encoding"] == "base64" else text.encode()


def test_nothing_else_is_kept(outcome: Outcome) -> None:
    expected = {case.name for case in CASES if case.expect.rejected}
    before = {f"{case.name}:{place}" for case in CASES for place, _ in enumerate(case.first)}
    assert set(outcome.kept) - expected <= before
