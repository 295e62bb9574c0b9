"""What the hourly check finds, on weeks of profiles written by hand; scores by the formula of docs/quality.md."""

from datetime import date, timedelta
from typing import Any

from functions.quality_check.drift import DAY, Judge
from functions.quality_check.kinds import KINDS, WEIGHTS, Found, score
from functions.quality_check.logic import scored
from functions.quality_check.profiles import Profile, Seen, broken
from shared.schemas import Compiled

TODAY = date(2026, 3, 31)


def profile(volume: int = 1_000, **more: Any) -> Profile:
    """A day of an event with the properties that `of` names, by their share of rows, and 'price' in all."""
    of: dict[str, Any] = {"price": 1.0, **more.pop("of", {})}
    types = {"price": "number", **more.pop("types", {})}
    properties = {
        name: Seen(round(volume * share), {types.get(name, "string"): round(volume * share)})
        for name, share in of.items()
        if share
    }
    return Profile(volume=volume, sampled=volume, properties=properties, **more)


def weeks(days: int = 21, **more: Any) -> dict[date, dict[str, Profile]]:
    return {TODAY - back * DAY: {"order": profile(**more)} for back in range(1, days + 1)}


def kinds(found: list[Found]) -> list[tuple[str, str, str]]:
    return sorted((one.kind, one.event, one.property) for one in found)


def test_a_steady_project_has_no_findings_and_the_whole_score() -> None:
    days = weeks()
    for back in range(1, 8):
        days[TODAY - back * DAY]["order"] = profile(1_000 + 40 * (back % 3))
    days[TODAY] = {"order": profile(100)}
    judge = Judge(days, frozenset({"order"}))
    assert judge.now(TODAY) == []
    assert [one for back in range(1, 10) for one in judge.day(TODAY - back * DAY, over=True)] == []
    assert scored([], ["order"])["order"].score == 100


def test_a_new_property_and_another_type_are_found_for_a_week() -> None:
    days = weeks(30)
    days[TODAY] = {"order": profile(100, of={"coupon": 0.5}, types={"price": "string"})}
    judge = Judge(days)
    found = {one.kind: one for one in judge.now(TODAY)}
    assert kinds(list(found.values())) == [("new_property", "order", "coupon"), ("type_change", "order", "price")]
    assert found["type_change"].detail == "number → string"
    for later in range(1, 10):
        days[TODAY + later * DAY] = {"order": profile(100, of={"coupon": 0.5}, types={"price": "string"})}
        assert (len(kinds(judge.day(TODAY + later * DAY, over=False))) == 2) == (later < 7)


def test_an_event_that_is_new_itself_is_not_full_of_new_properties() -> None:
    days = {TODAY - back * DAY: {"order": profile(of={"a": 1.0})} for back in range(2)}
    assert Judge(days).now(TODAY) == []


def test_a_property_that_goes_missing_is_found_and_noise_is_not() -> None:
    days = weeks(of={"user": 0.9, "odd": 0.5})
    days[TODAY] = {"order": profile(400, of={"user": 0.4, "odd": 0.45})}
    [found] = Judge(days).now(TODAY)
    assert (found.kind, found.property, found.value, found.detail) == ("null_rate", "user", 0.6, "10% → 60%")
    days[TODAY] = {"order": profile(10, of={"user": 0.0})}
    assert Judge(days).now(TODAY) == []  # ten events say nothing


def test_volume_is_judged_of_days_that_are_over() -> None:
    for volume, wanted in ((1_000, False), (1_250, False), (2_600, True), (300, True)):
        days = weeks()
        days[TODAY - DAY] = {"order": profile(volume)}
        days[TODAY] = {"order": profile(5)}
        assert ([one.kind for one in Judge(days).now(TODAY)] == ["volume"]) == wanted, volume
    quiet = weeks(21)
    for at in quiet:
        if at.weekday() >= 5:
            quiet[at]["order"] = profile(50)
    saturdays = [at for at in sorted(quiet) if at.weekday() == 5]
    quiet |= {saturdays[0] - 7 * DAY: {"order": profile(50)}, saturdays[0] - 14 * DAY: {"order": profile(50)}}
    assert [one for one in Judge(quiet).day(saturdays[-1], over=True) if one.kind == "volume"] == []


def test_an_event_that_stops_is_silent_until_it_comes_back() -> None:
    days = weeks()
    for at in days:
        days[at]["other"] = profile(500)
    for back in (1, 2):
        del days[TODAY - back * DAY]["order"]
    days[TODAY] = {"other": profile(30)}
    judge = Judge(days)
    [found] = judge.now(TODAY)
    assert (found.kind, found.event, found.expected, found.detail) == ("silent", "order", 1_000, "2026-03-28")
    assert scored(judge.day(TODAY - DAY, over=True), ["other"])["order"].score == 70
    days[TODAY]["order"] = profile(1)
    assert judge.now(TODAY) == []


def test_a_project_that_stops_has_one_finding() -> None:
    days = weeks()
    for at in days:
        days[at]["other"] = profile(500)
    days[TODAY - DAY] = {}
    [found] = Judge(days).now(TODAY)
    assert (found.kind, found.event, found.expected) == ("silent", "", 1_500)


def test_hidden_events_are_not_judged() -> None:
    days = weeks()
    days[TODAY - DAY] = {"noise": profile(bots=900)}
    assert Judge(days, hidden=frozenset({"noise", "order"})).now(TODAY) == []


def test_the_score_is_what_the_formula_says() -> None:
    """Written out by hand: 1,000 stored 20 repeat, 100 late, 2 ahead, 150 of bots; 120 refused."""
    day = profile(1_000, repeats=20, late=100, future=2, bots=150, refused=120, mismatched=100, checked=500, broken=10)
    found = Judge({TODAY: {"order": day}}, frozenset({"order"})).day(TODAY, over=False)
    assert {one.kind: round(one.value, 4) for one in found} == {
        "repeats": 0.02,
        "late": 0.1,
        "future": 0.002,
        "bots": 0.15,
        "schema_violation": 0.1071,  # (1,000 · 10/500 + 100) of 1,120
        "rejected": 0.0179,  # 20 of 1,120
    }
    # 40 (more than a tenth) + 10·0.02/0.05 + 5·0.1/0.2 + 5·0.002/0.01 + 5·0.15/0.3 + 10·0.0179/0.1
    taken = {"schema_violation": 40, "repeats": 4, "late": 2.5, "future": 1, "bots": 2.5, "rejected": 1.79}
    assert score(found).penalties == taken
    assert score(found).score == 48.21
    every = [Found(kind, "order", "", 1, None, "", 1.0) for kind in KINDS]
    assert score(every).score == 0
    properties = [Found("new_property", "order", f"p{n}", 1, None, "", 0.2) for n in range(9)]
    assert score(properties).penalties == {"new_property": WEIGHTS["new_property"]}


def test_rules_that_stored_rows_break_are_counted_without_their_values() -> None:
    schema = Compiled('{"properties": {"mail": {"type": "string", "maxLength": 3}}, "required": ["n"]}')
    looked = broken(['{"n":1}', '{"mail":"secret@x.org","n":1}', '{"mail":7}'], schema)
    assert looked == (3, 2, {"mail: maxLength": 1, "mail: type": 1, "(all): required": 1})


def test_today_speaks_as_soon_as_it_has_enough_to_say() -> None:
    days = weeks()
    days[TODAY - DAY] = {"order": profile(bots=900)}
    days[TODAY] = {"order": profile(3)}
    assert kinds(Judge(days).now(TODAY)) == [("bots", "order", "")]
    days[TODAY] = {"order": profile(300)}
    assert Judge(days).now(TODAY) == []
    assert timedelta(days=1) == DAY
