"""A simulated week: two real data sets with spikes, drops and silences put in, on a clock of the test's own.

What must fire is computed here from the counts an hour, beside the product: each incident opens once, is told by its
policy's steps until somebody acknowledges it, and is resolved once.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import psycopg
import pytest

from functions.alert_evaluate.conditions import Anomaly
from functions.incidents.kept import Policies
from functions.incidents.policies import Policy
from functions.incidents.signals import read
from functions.incidents.states import By, acknowledged
from shared.bus import Message
from shared.query.request import from_json
from tests.integration.alert_week import HOUR, Series, judge, retail, score, wiki
from tests.integration.data_sets import ABSENT, PRESENT
from tests.integration.incidents_at import Kept
from tests.integration.reading import Stored, stored, text_of
from tests.integration.timed import Timed, timed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not PRESENT, reason=ABSENT),
]

START = datetime(2011, 5, 30, tzinfo=UTC)  # a Monday; four weeks of usual days lie before it
BEFORE = 4 * 7 * 24
WEEK = 7 * 24
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = 24, 48, 72, 96
EDITS = {
    **{TUESDAY + hour: 5.0 for hour in (10, 11)},
    **{WEDNESDAY + hour: 0.0 for hour in range(14, 18)},
    **{FRIDAY + hour: 0.2 for hour in range(6, 12)},
}
SALES = {THURSDAY + 11: 8.0, **{TUESDAY + hour: 0.0 for hour in range(11, 15)}}
CROWD = 700.0


class Expected(NamedTuple):
    """When a rule fires and is over, in hours of the week; `to` is None where it is not by the end of it."""

    rule: str
    start: int
    to: int | None


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("alert-week")) as found:
        yield found


def changed(series: Sequence[float], week: dict[int, float]) -> list[float]:
    """Five weeks of counts, the last with what happens in it."""
    return [round(count * week.get(hour - BEFORE, 1.0)) for hour, count in enumerate(series[: BEFORE + WEEK])]


def lines(project: uuid.UUID, event: str, counts: Sequence[float]) -> bytes:
    """These counts as events, spread over their hours and received when they happened."""
    rows = []
    for hour, count in enumerate(counts):
        for number in range(int(count)):
            moment = text_of(START + (hour - BEFORE) * HOUR + number * HOUR / count)
            event_id = str(uuid.uuid5(project, f"{event} {hour} {number}"))
            row = {"project_id": str(project), "event": event, "user_id": f"u{number}", "event_id": event_id}
            rows.append(json.dumps({**row, "timestamp": moment, "received_at": moment, "properties_raw": "{}"}))
    return "\n".join(rows).encode()


def incidents(rule: str, holds: Callable[[int], bool]) -> list[Expected]:
    """What a rule of hourly windows must come to: hour N is judged when it is over."""
    found: list[Expected] = []
    since: int | None = None
    for hour in range(WEEK):
        if holds(hour) and since is None:
            since = hour + 1
        elif not holds(hour) and since is not None:
            found.append(Expected(rule, since, hour + 1))
            since = None
    return [*found, Expected(rule, since, None)] if since is not None else found


async def test_each_incident_of_a_week_fires_escalates_and_resolves_once(engine: Stored, catalog_url: str) -> None:
    edits, sales = changed(wiki(5).counts, EDITS), changed(_may(), SALES)
    async with timed(engine, catalog_url, START) as at:
        for event, counts in (("edit", edits), ("purchase", sales)):
            await engine.warehouse.insert_json_lines("events", lines(at.project, event, counts))
        kept = Kept(at.catalog, catalog_url, at.project)
        kept.clock = at.clock
        kept.keeper = kept.another()
        steps = [{"emails": ["first@b.example"]}, {"emails": ["second@b.example"], "after": "2h"}]
        policy = from_json(msgspec.json.encode({"name": "p", "steps": steps}), Policy).checked()
        async with at.catalog.transaction() as transaction:
            duty = await Policies(transaction).create(at.project, policy)
        await _rules(at, str(duty.id))
        found = await _pass(at, kept)
        expected = [
            *incidents("silent", lambda hour: edits[BEFORE + hour] == 0),
            *incidents("crowd", lambda hour: edits[BEFORE + hour] >= CROWD),
            *incidents("fewer", lambda hour: edits[BEFORE + hour] <= 0.4 * edits[BEFORE + hour - WEEK]),
            *incidents("strange edits", _unlike(edits, "mad")),
            *incidents("strange season", _unlike(edits, "seasonal")),
            *incidents("strange sales", _unlike(sales, "mad")),
        ]
        assert sorted(found) == sorted(expected)
        assert {Expected("silent", WEDNESDAY + 15, WEDNESDAY + 19), Expected("crowd", TUESDAY + 11, TUESDAY + 13)} <= {
            *expected
        }
        await _check_incidents(kept, catalog_url)


async def _rules(at: Timed, duty: str) -> None:
    edits, sales, hour = {"events": ["edit"]}, {"events": ["purchase"]}, {"window": "1h"}
    anomaly = {"type": "anomaly"}
    await at.rule(name="silent", query=edits, policy=duty, **hour)
    await at.rule(
        name="crowd", query=edits, condition={"type": "threshold", "op": "gte", "value": CROWD}, policy=duty, **hour
    )
    fewer = {"type": "change", "direction": "down", "value": 60, "against": "week"}
    await at.rule(name="fewer", query=edits, condition=fewer, **hour)
    await at.rule(name="strange edits", query=edits, condition=anomaly, **hour)
    await at.rule(name="strange season", query=edits, condition={**anomaly, "method": "seasonal"}, **hour)
    await at.rule(name="strange sales", query=sales, condition=anomaly, **hour)


async def _pass(at: Timed, kept: Kept) -> list[Expected]:
    """Let the week pass; what was told, each firing with its end."""
    evaluator, _ = at.another_evaluator(catch_up=1, at_once=100)
    firing: dict[str, tuple[str, int]] = {}
    found: list[Expected] = []
    for hour in range(1, WEEK + 1):
        at.clock.advance(3_600)
        await evaluator.tick()
        for message in await _alerts(at):
            await kept.keeper.take(read(message))
            data = json.loads(message.data)
            assert datetime.fromisoformat(data["at"]) == START + hour * HOUR
            if data["state"] == "firing":
                assert data["incident_id"] not in firing, "an incident fires once"
                firing[data["incident_id"]] = (data["name"], hour)
            else:
                found.append(Expected(*firing.pop(data["incident_id"]), hour))
        if hour == TUESDAY + 12:
            await _acknowledge(kept)
        await kept.keeper.tick()
    return [*found, *(Expected(*one, None) for one in firing.values())]


async def _alerts(at: Timed) -> list[Message]:
    subscription = await at.bus.subscribe("control", "week")
    found = await subscription.take(1_000, 0)
    await subscription.ack([one.position for one in found])
    await subscription.close()
    return [one.message for one in found if ".alert." in one.message.attributes["type"]]


async def _acknowledge(kept: Kept) -> None:
    """Somebody acknowledges what is open of the rule `crowd`."""
    with psycopg.connect(kept.url) as connection:
        [(incident,)] = connection.execute(
            "SELECT id FROM incidents WHERE name = 'crowd' AND state = 'open' AND project_id = %s", [kept.project]
        ).fetchall()
    async with kept.catalog.transaction() as transaction:
        by, now = By("user:1", "Anna"), kept.keeper.now()
        await kept.keeper.change(transaction, incident, kept.project, lambda held: acknowledged(held, by, now))


async def _check_incidents(kept: Kept, catalog_url: str) -> None:
    """Of the rules with a policy: who was not acknowledged escalated, who was did not, all were resolved once."""
    with psycopg.connect(catalog_url) as connection:
        rows = connection.execute(
            "SELECT name, incidents.state, array_agg(kind ORDER BY incident_steps.at, incident_steps.id) FROM incidents"
            " JOIN incident_steps ON incident_id = incidents.id WHERE project_id = %s AND name IN ('silent', 'crowd')"
            " GROUP BY incidents.id ORDER BY name",
            [kept.project],
        ).fetchall()
    kinds = {name: (state, steps) for name, state, steps in rows}
    assert len(rows) == len(kinds) == 2
    assert kinds["crowd"][0] == kinds["silent"][0] == "resolved"
    assert "acknowledged" in kinds["crowd"][1]
    for name, told in (("crowd", 1), ("silent", 2)):
        steps = kinds[name][1]
        assert [steps.count(kind) for kind in ("opened", "notified", "resolved")] == [1, told, 1], kinds[name]


def _unlike(counts: Sequence[float], method: Any) -> Callable[[int], bool]:
    series, condition = Series(START, counts), Anomaly(method=method)
    return lambda hour: judge(series, BEFORE + hour, condition, counts[BEFORE + hour])


def _may() -> Sequence[float]:
    """The sales of four weeks and the one that begins at START."""
    sold = retail()
    first = (START - sold.start) // HOUR - BEFORE
    return sold.counts[first : first + BEFORE + WEEK]


def test_the_anomaly_rules_find_what_is_put_in_and_are_quiet_otherwise() -> None:
    """On the rhythm of Wikipedia's edits; on invoice lines an hour, which come in baskets, little can be said."""
    series = wiki()
    mad, seasonal = (score(series, method, hours=150, injected=60) for method in ("mad", "seasonal"))
    assert (mad.recall >= 0.7, mad.false_alarms <= 1) == (True, True), mad
    assert (seasonal.recall >= 0.95, seasonal.false_alarms <= 1) == (True, True), seasonal
