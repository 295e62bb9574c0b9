"""What becomes of an incident, as plain values: who is told when, and at which hours nobody is."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from functions.incidents.links import Links
from functions.incidents.logic import held
from functions.incidents.maintenance import Window, WindowRequest, maintained_until
from functions.incidents.policies import Policy, Quiet, QuietHours
from functions.incidents.signals import read
from functions.incidents.states import (
    MOST_REPEATS,
    By,
    Hold,
    Incident,
    Notice,
    Step,
    acknowledged,
    begins,
    escalated,
    fired_again,
    resolved,
    snoozed,
)
from functions.incidents.store import audience
from shared.bus import Message
from shared.clock import FixedClock, to_micros
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected
from shared.security.sealing import Sealer

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CHANNEL = uuid.UUID(int=7)
STEPS: list[dict[str, Any]] = [
    {"emails": ["a@b.example"], "after": "0m", "repeat": "10m"},
    {"channels": [str(CHANNEL)], "after": "25m"},
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def policy(**more: Any) -> Policy:
    return from_json(msgspec.json.encode({"name": "p", "steps": STEPS, **more}), Policy).checked()


def incident(**more: Any) -> Incident:
    given: dict[str, Any] = {"rule_id": uuid.UUID(int=2), "dedup_key": "k", "name": "n", "group_name": "", "data": "{}"}
    given |= {"id": uuid.UUID(int=1), "project_id": uuid.UUID(int=3), "severity": "warning", "state": "open"}
    given |= {"policy_id": uuid.UUID(int=4), "source_id": uuid.UUID(int=5), "source_at": NOW, "opened_at": NOW}
    return Incident(**{"next_at": NOW, **given, **more})


def walk(one: Incident, by: Policy, minutes: int) -> list[tuple[int, str, str, list[str]]]:
    """Who is told in so many minutes, each looked at: the minute, what is noted, the notice and its mails."""
    seen = []
    for minute in range(minutes):
        while move := escalated(one, by, NOW + minute * MINUTE, None):
            one = move.incident
            kind, mails = (move.notice.kind, list(move.notice.emails)) if move.notice else ("", [])
            seen.append((minute, move.step.kind if move.step else "", kind, mails))
    return seen


def test_a_policy_tells_by_its_steps_and_repeats_until_the_next() -> None:
    first = ["a@b.example"]
    assert walk(incident(), policy(), 120) == [
        (0, "notified", "opened", first),
        (10, "notified", "escalated", first),
        (20, "notified", "escalated", first),
        (25, "notified", "escalated", []),
    ]


def test_the_first_step_waits_as_long_as_it_says_and_the_last_is_not_repeated_for_ever() -> None:
    steps = [{"emails": ["a@b.example"], "after": "7m", "repeat": "5m"}]
    waiting = policy(steps=steps)
    told = [minute for minute, *_ in walk(incident(next_at=begins(waiting, NOW)), waiting, 1_000)]
    assert (told[:3], len(told)) == ([7, 12, 17], MOST_REPEATS + 1)


def test_a_late_look_tells_once_of_what_was_missed() -> None:
    move = escalated(incident(step=1, step_at=NOW, next_at=NOW + 10 * MINUTE), policy(), NOW + 500 * MINUTE, None)
    assert move is not None
    assert move.notice is not None
    assert (move.incident.step, list(move.notice.channels), move.incident.next_at) == (2, [CHANNEL], None)


def test_who_acknowledges_ends_the_telling_and_a_snooze_begins_it_again() -> None:
    one = incident(step=1, step_at=NOW, next_at=NOW + 10 * MINUTE)
    taken = acknowledged(one, By("user:1", "a@b.example"), NOW, "on it")
    assert (taken.incident.state, taken.incident.next_at, taken.drops) == ("acknowledged", None, True)
    assert taken.step is not None
    assert (taken.step.who, taken.step.note, taken.incident.acknowledged_by) == ("a@b.example", "on it", "a@b.example")
    assert walk(taken.incident, policy(), 60) == []

    asleep = snoozed(taken.incident, NOW + 30 * MINUTE, By("user:1"), NOW).incident
    assert asleep.state == "acknowledged"
    seen = walk(asleep, policy(), 45)
    assert [(minute, step) for minute, step, *_ in seen] == [
        (30, "snooze_ended"),
        (30, "notified"),
        (40, "notified"),
    ]
    alone = snoozed(incident(policy_id=None), NOW + MINUTE, By(), NOW).incident
    ended = escalated(alone, None, NOW + MINUTE, None)
    assert ended is not None
    assert (ended.incident.state, ended.incident.snoozed_until, ended.incident.next_at) == ("open", None, None)


def test_what_is_held_is_noted_once_and_told_at_the_end() -> None:
    until = NOW + 60 * MINUTE
    first = escalated(incident(), policy(), NOW, Hold("quiet", until))
    assert first is not None
    assert first.step is not None
    assert (first.incident.held, first.incident.next_at, first.notice) == ("quiet", until, None)
    again = escalated(msgspec.structs.replace(first.incident, next_at=NOW), policy(), NOW, Hold("quiet", until))
    assert again is not None
    assert again.step is None
    told = escalated(again.incident, policy(), until, None)
    assert told is not None
    assert told.notice is not None
    assert (told.notice.kind, told.incident.held, told.incident.next_at) == ("opened", "", until + 10 * MINUTE)


def test_a_resolved_or_forgotten_incident_is_looked_at_no_more() -> None:
    step = Step(id=uuid.UUID(int=9), at=NOW, kind="resolved")
    over = resolved(incident(), step, Notice("resolved", ["a@b.example"], [], "en"))
    assert (over.incident.state, over.incident.next_at, over.incident.resolved_at) == ("resolved", None, NOW)
    stale = escalated(msgspec.structs.replace(over.incident, next_at=NOW), policy(), NOW, None)
    assert stale is not None
    assert (stale.incident.next_at, stale.notice) == (None, None)
    gone = escalated(incident(), None, NOW, None)
    assert gone is not None
    assert (gone.incident.next_at, gone.notice) == (None, None)
    shorter = escalated(incident(step=5, step_at=NOW), policy(), NOW, None)
    assert shorter is not None
    assert (shorter.incident.next_at, shorter.notice) == (None, None)


def test_what_fired_last_counts_in_whatever_order_it_comes() -> None:
    step = Step(id=uuid.UUID(int=9), at=NOW, kind="fired_again")
    later = incident(source_id=uuid.UUID(int=6), source_at=NOW + MINUTE, severity="critical", data='{"value":2}')
    earlier = incident(source_id=uuid.UUID(int=8), source_at=NOW - MINUTE)
    after = fired_again(incident(), later, step).incident
    assert (after.source_id, after.severity, after.data) == (uuid.UUID(int=6), "critical", '{"value":2}')
    assert fired_again(after, earlier, step).incident == after


def test_quiet_hours_end_when_the_clocks_say_so_also_on_the_days_they_change() -> None:
    night = QuietHours(timezone="Europe/Berlin", spans=[Quiet(start="22:00", to="08:00")])
    for now, end in (
        ("2026-03-28T21:59+01:00", None),
        ("2026-03-28T22:00+01:00", "2026-03-29T08:00+02:00"),  # an hour is left out
        ("2026-03-29T07:59+02:00", "2026-03-29T08:00+02:00"),
        ("2026-03-29T08:00+02:00", None),
        ("2026-10-24T22:00+02:00", "2026-10-25T08:00+01:00"),  # an hour comes twice
        ("2026-10-25T07:59:59+01:00", "2026-10-25T08:00+01:00"),
    ):
        assert night.until("info", at(now)) == (at(end) if end else None), now
        assert night.until("critical", at(now)) is None
    in_the_gap = QuietHours(timezone="Europe/Berlin", spans=[Quiet(start="01:00", to="02:30")])
    assert in_the_gap.until("info", at("2026-03-29T01:30+01:00")) == at("2026-03-29T03:00+02:00")


def test_quiet_spans_that_follow_on_each_other_are_one() -> None:
    weekend = QuietHours(
        timezone="UTC",
        spans=[Quiet(days=["sat", "sun"], start="00:00", to="00:00"), Quiet(start="20:00", to="08:00")],
    )
    assert weekend.until("info", at("2026-04-03T21:00+00:00")) == at("2026-04-06T08:00+00:00")  # Friday to Monday
    with pytest.raises(Rejected, match="no hour of the week"):
        policy(
            quiet_hours={
                "timezone": "UTC",
                "spans": [{"from": "00:00", "to": "12:00"}, {"from": "12:00", "to": "00:00"}],
            }
        )


def window(**more: Any) -> Window:
    asked = from_json(
        msgspec.json.encode({"name": "w", "from": "2026-03-28T01:00", "to": "2026-03-28T03:00", **more}), WindowRequest
    )
    starts_at, ends_at = asked.span()
    row = {"id": uuid.UUID(int=1), "project_id": uuid.UUID(int=3), "created_at": NOW, "updated_at": NOW}
    said = {"name": asked.name, "timezone": asked.timezone, "weekly": asked.weekly, "rules": asked.rules}
    return Window(starts_at=starts_at, ends_at=ends_at, **row, **said)  # type: ignore[arg-type]  # values of two types


def test_a_maintenance_window_is_on_once_or_each_week_at_the_same_time_of_day() -> None:
    once = window()
    assert once.until(at("2026-03-28T00:59+00:00")) is None
    assert once.until(at("2026-03-28T01:00+00:00")) == at("2026-03-28T03:00+00:00")
    assert once.until(at("2026-04-04T01:30+00:00")) is None
    weekly = window(weekly=True, timezone="Europe/Berlin")
    assert weekly.until(at("2026-03-21T01:30+01:00")) is None  # before the first
    assert weekly.until(at("2026-03-28T01:30+01:00")) == at("2026-03-28T03:00+01:00")
    assert weekly.until(at("2026-04-04T01:30+02:00")) == at("2026-04-04T03:00+02:00")  # in summer time
    assert weekly.until(at("2026-04-04T03:00+02:00")) is None


def test_maintenance_is_of_its_rules_and_lasts_through_windows_that_follow() -> None:
    mine, other = uuid.UUID(int=2), uuid.UUID(int=8)
    windows = [window(rules=[str(mine)]), window(**{"from": "2026-03-28T03:00", "to": "2026-03-28T04:00"})]
    moment = at("2026-03-28T02:00+00:00")
    assert maintained_until(windows, mine, moment) == at("2026-03-28T04:00+00:00")
    assert maintained_until(windows, other, moment) is None
    quiet = policy(quiet_hours={"timezone": "UTC", "spans": [{"from": "00:00", "to": "06:00"}]})
    assert held(windows, quiet, incident(), moment) == Hold("maintenance", at("2026-03-28T04:00+00:00"))
    assert held([], quiet, incident(), moment) == Hold("quiet", at("2026-03-28T06:00+00:00"))
    assert held([], quiet, incident(severity="error"), moment) is None


def test_policies_and_windows_that_cannot_be_are_refused_in_words() -> None:
    for more, refusal in (
        ({"steps": []}, Refusal.BAD_REQUEST),
        ({"steps": [{"after": "5m"}]}, Refusal.BAD_REQUEST),
        ({"steps": [{"emails": ["nobody"]}]}, Refusal.BAD_REQUEST),
        ({"steps": [{"emails": ["a@b.example"], "after": "8d"}]}, Refusal.BAD_RANGE),
        ({"steps": [*STEPS, {"emails": ["a@b.example"], "after": "0m"}]}, Refusal.BAD_RANGE),
        ({"steps": [{"emails": ["a@b.example"], "repeat": "1m"}]}, Refusal.BAD_RANGE),
        ({"steps": STEPS, "who": 1}, Refusal.UNKNOWN_FIELD),
        ({"quiet_hours": {"timezone": "Mars/Base", "spans": [{"from": "22:00", "to": "8:00"}]}}, Refusal.BAD_REQUEST),
        ({"quiet_hours": {"timezone": "Mars/Base", "spans": [{"from": "22:00", "to": "08:00"}]}}, Refusal.BAD_TIMEZONE),
        ({"quiet_hours": {"timezone": "UTC", "spans": []}}, Refusal.BAD_REQUEST),
    ):
        with pytest.raises(Rejected) as refused:
            policy(**more)
        assert refused.value.refusal == refusal, more
    for more, refusal in (
        ({"to": "2026-03-28T01:00"}, Refusal.BAD_RANGE),
        ({"to": "2026-05-28T01:00"}, Refusal.BAD_RANGE),
        ({"to": "2026-04-06T01:00", "weekly": True}, Refusal.BAD_RANGE),
        ({"to": "2026-03-28T03:00:30"}, Refusal.BAD_RANGE),
        ({"timezone": "Mars/Base"}, Refusal.BAD_TIMEZONE),
        ({"rules": ["x"]}, Refusal.BAD_REQUEST),
    ):
        with pytest.raises(Rejected) as refused:
            window(**more)
        assert refused.value.refusal == refusal, more


def test_the_same_people_are_one_audience_whatever_their_order() -> None:
    one = Notice("opened", ["a@b.example", "c@d.example"], [CHANNEL], "en")
    assert audience(one) == audience(one._replace(emails=["c@d.example", "a@b.example"]))
    others = [one._replace(kind="resolved"), one._replace(language="ru"), one._replace(emails=["a@b.example"])]
    assert len({audience(each) for each in [one, *others]}) == len(others) + 1


def test_an_alert_without_what_later_versions_say_is_understood() -> None:
    data = {
        "alert_id": str(uuid.UUID(int=1)),
        "project_id": str(uuid.UUID(int=2)),
        "name": "n",
        "at": "2026-03-31T12:00:00Z",
    }
    attributes = {"specversion": "1.0", "id": "e", "source": "/s", "type": "dev.sluice.alert.firing.v1"}
    signal = read(Message(attributes, msgspec.json.encode(data)))
    assert (signal.dedup_key, signal.group, signal.severity, signal.policy_id) == (
        str(uuid.UUID(int=1)),
        "",
        "warning",
        None,
    )
    said = {**data, "incident_id": str(uuid.UUID(int=5)), "group": "DE", "dedup_key": "k", "severity": "critical"}
    whole = read(Message(attributes, msgspec.json.encode(said)))
    assert (whole.source_id, whole.group, whole.dedup_key, whole.severity) == (uuid.UUID(int=5), "DE", "k", "critical")
    strange = read(Message(attributes, msgspec.json.encode({**said, "group": "a\0b" * 500, "name": ""})))
    assert (strange.group[:3], len(strange.group), strange.name) == ("a b", 240, "alert")
    for bad in (b"", b"[]", b'{"name": "n"}', msgspec.json.encode({**data, "at": "2026-03-31T12:00:00"})):
        with pytest.raises(Rejected) as refused:
            read(Message(attributes, bad))
        assert refused.value.refusal == Refusal.BAD_REQUEST


def test_a_link_opens_until_it_expires_and_only_as_it_was_made() -> None:
    clock = FixedClock(to_micros(NOW))
    links = Links(Sealer("s" * 32), clock, "https://s.example/", hours=2)
    batch = uuid.uuid4()
    address = links.make(batch, "a@b.example", "ru")
    token = address.rpartition("/")[2]
    assert address.startswith("https://s.example/api/v1/incidents/links/")
    assert (links.read(token).batch_id, links.read(token).who, links.read(token).language) == (
        batch,
        "a@b.example",
        "ru",
    )
    rotated = Links(Sealer("n" * 32, ["s" * 32]), clock, "", hours=2)
    assert rotated.read(token) == links.read(token)
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    for bad in (changed, token[:-4], token + "AAAA", "", "x", "é", "=" * 5_000, token * 100):
        with pytest.raises(Rejected) as refused:
            links.read(bad)
        assert refused.value.refusal == Refusal.BAD_LINK, bad
    with pytest.raises(Rejected):
        Links(Sealer("o" * 32), clock, "", hours=2).read(token)
    clock.advance(2 * 3_600 - 1)
    links.read(token)
    clock.advance(1)
    with pytest.raises(Rejected, match="expired"):
        links.read(token)
