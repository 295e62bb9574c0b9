"""Events that are taken at once are stored, and answered, exactly as those that are taken the ordinary way."""

import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.ingest.commit import GroupCommit
from functions.ingest.enrich import Enricher
from functions.ingest.enrich.lookups import Lookup
from functions.ingest.enrich.place import TrustedProxies
from functions.ingest.formats import read_events
from functions.ingest.logic import Pipeline, Posted, StepTimer
from functions.ingest.parsing import Limits
from functions.ingest.rejections import Rejections
from functions.ingest.schemas import ProjectSchemas, Schemas
from functions.ingest.validate import EventLimits, arrival
from shared.at_once import Head
from shared.bus.memory import MemoryBus
from shared.clock import FixedClock
from shared.http import Reply
from shared.refusals import Refusal, Rejected
from shared.security.keys import Key, new_key

NOW = 1_780_000_000_000_000
PROJECT = uuid.UUID("018f7a00-0000-7000-8000-000000000001")
CLEAR = new_key("public")
HEADERS = {"x-api-key": CLEAR, "content-type": "application/json", "user-agent": "curl/8.5.0", "origin": "https://a.b"}


class Known:
    """What the pipeline asks the catalog for: one key that is known, no tables, no rules."""

    def __init__(self) -> None:
        self.key = Key(uuid.uuid4(), PROJECT, "public", "n", CLEAR[:8], frozenset({"ingest"}), datetime.now(UTC))
        self.without_rules = True

    def known_key(self, clear: str, _scope: str) -> Key | None:
        return self.key if clear == CLEAR else None

    async def require_key(self, clear: str, _scope: str) -> Key:
        if clear != CLEAR:
            raise Rejected(Refusal.KEY_UNKNOWN)
        return self.key

    def none_for(self, _project: uuid.UUID) -> bool:
        return self.without_rules

    def known(self, _project: uuid.UUID) -> tuple[Lookup, ...] | None:
        return ()

    async def of(self, _project: uuid.UUID) -> Any:
        return None


class Planned:
    """What the pipeline asks of schemas; none at first."""

    def __init__(self) -> None:
        self.own: ProjectSchemas | None = None
        self.fresh = True

    def none_for(self, _project: uuid.UUID) -> bool:
        return self.fresh and self.own is None

    def at_once(self, _project: uuid.UUID) -> ProjectSchemas | None:
        return self.own if self.fresh else None

    async def of(self, _project: uuid.UUID) -> ProjectSchemas | None:
        return self.own


class Tables(Known):
    async def of(self, _project: uuid.UUID) -> Any:
        return ()


class NoLimits:
    by_address = False

    def request(self, _key: Key, _address: str) -> dict[str, str]:
        return {"ratelimit-limit": "7"}

    def events(self, _key: Key, _count: int) -> None: ...


class Lanes:
    """The same pipeline asked both ways."""

    def __init__(self) -> None:
        clock, self.bus, self.known = FixedClock(NOW), MemoryBus(), Known()
        self.planned = Planned()
        self.committer = GroupCommit(self.bus, clock, max_waiting=1 << 26)
        self.pipeline = Pipeline(
            access=self.known,  # type: ignore[arg-type]  # what it asks of it
            committer=self.committer,
            rejections=Rejections(self.bus, clock, max_waiting=1 << 20),
            sightings=None,  # type: ignore[arg-type]  # not reached by what is taken at once
            enricher=Enricher(),
            proxies=TrustedProxies(),
            lookups=Tables(),  # type: ignore[arg-type]  # what it asks of it
            limiting=NoLimits(),  # type: ignore[arg-type]  # what it asks of it
            pii=self.known,  # type: ignore[arg-type]  # what it asks of it
            schemas=self.planned,  # type: ignore[arg-type]  # what it asks of it
            limits=Limits(),
            event_limits=EventLimits(),
            clock=clock,
        )

    async def at_once(self, body: bytes, headers: Mapping[str, str] = HEADERS, query: bytes = b"") -> Reply | None:
        """The answer; None where it would not begin."""
        outcomes: list[Reply | Exception] = []
        head = Head(headers, query, "192.0.2.1", "r", "")
        if not self.pipeline.begin(head, body, outcomes.append):
            return None
        await self.committer._idle.wait()
        [outcome] = outcomes
        assert isinstance(outcome, Reply)
        return outcome

    async def ordinary(self, body: bytes, headers: Mapping[str, str] = HEADERS) -> Reply:
        async def read(_limit: int) -> bytes:
            return body

        return await self.pipeline.take(Posted(headers, CLEAR, read, "192.0.2.1", "r", ""), StepTimer())

    async def rows(self) -> list[dict[str, Any]]:
        """What was stored since the last look, without the ids of batches."""
        subscription = await self.bus.subscribe("events", "g")
        deliveries = await subscription.take(1_000, 0)
        await subscription.ack([delivery.position for delivery in deliveries])
        lines = [line for delivery in deliveries for line in delivery.message.data.splitlines()]
        rows: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
        return [{name: value for name, value in row.items() if name != "batch_id"} for row in rows]


@pytest.fixture
async def lanes() -> AsyncIterator[Lanes]:
    lanes = Lanes()
    yield lanes
    await lanes.committer.close()


TEXTS = st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["path", "referrer", "utm_source", "revenue", "a.b", "a", "url"]) | TEXTS
EVENTS = st.fixed_dictionaries(
    {"event": st.sampled_from(["page_view", "purchase", "identify", "x", " ", "Order Completed"])},
    optional={
        "id": st.uuids().map(str) | TEXTS,
        "timestamp": st.sampled_from(
            ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5Z", "2026-02-30T00:00:00Z", "2999-01-01T00:00:00Z", 1.5, ""]
        ),
        "user_id": TEXTS | st.integers(),
        "anonymous_id": TEXTS,
        "page_url": st.sampled_from(["https://a.b/c?utm_source=x", "/c", ""]),
        "properties": st.dictionaries(NAMES, VALUES, max_size=4) | VALUES,
        "context": st.just({"ip": "192.0.2.7", "page": {"url": "https://a.b/", "referrer": "https://t.co/x"}}),
        "other": VALUES,
    },
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, min_size=1, max_size=3), single=st.booleans())
async def test_both_ways_store_and_answer_the_same(*, lanes: Lanes, events: list[dict[str, Any]], single: bool) -> None:
    body = msgspec.json.encode(events[0] if single else events)
    at_once = await lanes.at_once(body)
    stored = await lanes.rows()
    if at_once is None:
        assert stored == []
        return
    ordinary = await lanes.ordinary(body)
    again = await lanes.rows()
    for event, row in [*zip(events, stored, strict=False), *zip(events, again, strict=False)]:
        if not event.get("id"):
            del row["event_id"]
    assert stored == again
    assert (at_once.status, at_once.headers) == (ordinary.status, ordinary.headers)
    answers = [msgspec.json.decode(reply.body) for reply in (at_once, ordinary)]
    assert [{**answer, "receipt": ""} for answer in answers] == [{**answers[0], "receipt": ""}] * 2


SOUND = b'{"event":"x","id":"1","timestamp":"2026-01-31T12:00:00Z","user_id":"u"}'


async def test_a_sound_event_is_taken_at_once(lanes: Lanes) -> None:
    reply = await lanes.at_once(SOUND)
    assert reply is not None
    assert (reply.status, msgspec.json.decode(reply.body)["accepted"]) == (202, 1)
    assert reply.headers == {"ratelimit-limit": "7"}
    assert await lanes.at_once(SOUND, {"origin": "https://a.b"}, b"key=" + CLEAR.encode()) is not None


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (SOUND, {"x-api-key": new_key("public")}),
        (SOUND, {}),
        (SOUND, HEADERS | {"content-encoding": "gzip"}),
        (SOUND, HEADERS | {"idempotency-key": "k"}),
        (SOUND, HEADERS | {"ce-specversion": "1.0", "ce-type": "x"}),
        (b"{", HEADERS),
        (b"", HEADERS),
        (b"[]", HEADERS),
        (b'{"event":""}', HEADERS),
        (b'{"event":"x","id":"1"}', HEADERS),
        (b"[%s,{}]" % SOUND, HEADERS),
        (b'{"event":"x","properties":' + b"[" * 100_000 + b"]" * 100_000 + b"}", HEADERS),
        (b'{"event":"x","user_id":"\\ud800"}', HEADERS),
    ],
)
async def test_what_waits_or_is_refused_is_left_to_the_ordinary_way_untouched(
    lanes: Lanes, body: bytes, headers: dict[str, str]
) -> None:
    assert await lanes.at_once(body, headers) is None
    assert await lanes.rows() == []


async def test_a_project_with_pii_rules_goes_the_ordinary_way(lanes: Lanes) -> None:
    lanes.known.without_rules = False
    assert await lanes.at_once(SOUND) is None
    lanes.known.without_rules = True
    assert await lanes.at_once(SOUND) is not None


async def test_a_schema_is_judged_at_once_and_what_breaks_it_has_the_ordinary_way(lanes: Lanes) -> None:
    text = '{"properties":{"plan":{"enum":["free","pro"]}},"required":["plan"]}'
    row = {"project_id": PROJECT, "id": uuid.uuid4(), "event": "x", "version": 1, "schema": text}
    schemas = Schemas(None, None)  # type: ignore[arg-type]  # nothing is asked of them
    right, wrong = (SOUND[:-1] + b',"properties":{"plan":"%s"}}' % plan for plan in (b"pro", b"team"))
    for mode in ("warn", "reject"):
        lanes.planned.own = schemas.same_or_new([{**row, "mode": mode}], lanes.planned.own)
        assert await lanes.at_once(right) is not None
        assert len(await lanes.rows()) == 1
        assert await lanes.at_once(wrong) is None
        assert await lanes.at_once(SOUND.replace(b'"x"', b'"y"')) is not None
        assert len(await lanes.rows()) == 1
        if mode == "warn":
            answer = msgspec.json.decode((await lanes.ordinary(b"[%s,%s]" % (right, wrong))).body)
            assert [(one["index"], one["reason"]) for one in answer["warnings"]] == [(1, "schema_mismatch")]
            assert (answer["accepted"], len(await lanes.rows())) == (2, 2)
        else:
            answer = msgspec.json.decode((await lanes.ordinary(b"[%s,%s]" % (right, wrong))).body)
            assert [(one["index"], one["reason"]) for one in answer["rejected"]] == [(1, "schema_mismatch")]
            assert (answer["accepted"], len(await lanes.rows()), "warnings" in answer) == (1, 1, False)
    lanes.planned.fresh = False  # nobody knows for now: the ordinary way asks
    assert await lanes.at_once(right) is None


def test_what_is_replayed_is_judged_by_the_schemas_of_now(lanes: Lanes) -> None:
    schemas = Schemas(None, None)  # type: ignore[arg-type]  # nothing is asked of them
    row = {"project_id": PROJECT, "id": uuid.uuid4(), "event": "x", "version": 1, "mode": "reject"}
    events = read_events(SOUND, HEADERS, Limits())
    arrived = arrival(PROJECT, NOW)
    for text, refused in (('{"required":["plan"]}', ["schema_mismatch"]), ("{}", [])):
        own = schemas.same_or_new([{**row, "schema": text}], None)
        found = lanes.pipeline.check_again(events, arrived, None, (), name="n", rules=None, schemas=own)
        assert [one.reason for one in found.refused] == refused
