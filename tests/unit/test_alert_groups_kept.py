"""Which groups of a rule are looked after, and what a rule with groups comes to itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from functions.alert_evaluate.deciding import judged
from functions.alert_evaluate.numbers import MOST_GROUPS, Numbers
from functions.alert_evaluate.rules import Rule
from functions.alert_evaluate.states import SILENT, Standing, kept, whole
from shared.query.request import from_json

END = datetime(2026, 3, 31, 12, tzinfo=UTC)


def rule(condition: dict[str, Any]) -> Rule:
    body = {"name": "n", "query": {"group_by": "country"}, "window": "5m", "condition": condition}
    return from_json(msgspec.json.encode(body), Rule).checked()


def test_a_group_that_is_silent_for_a_week_is_over() -> None:
    found = {"DE": Numbers([0.0], top=False, seen=False)}
    for silent, holds in ((SILENT, True), (SILENT + timedelta(minutes=1), False)):
        before = {"DE": Standing("firing", END, None, 0.0, seen=END - silent)}
        assert judged(rule({"type": "absence"}), found, before, END)["DE"].holds is holds


def test_no_group_is_taken_on_beyond_so_many_and_none_is_let_go_for_it() -> None:
    before = {f"g{number}": Standing("firing", END, None, 1.0, seen=END) for number in range(MOST_GROUPS - 1)}
    found = {name: Numbers([1.0]) for name in [*before, "new", "newer"]}
    assert set(judged(rule({"type": "threshold", "op": "gt", "value": 0}), found, before, END)) == {*before, "new"}


def test_groups_that_are_ok_and_small_are_forgotten() -> None:
    standings = {name: Standing(name) for name in ("ok", "pending", "firing", "resolved")}
    assert set(kept(standings, [])) == {"pending", "firing", "resolved"}
    assert set(kept(standings, ["ok"])) == set(standings)


def test_a_rule_stands_as_the_worst_of_its_groups() -> None:
    def of(*states: Any) -> tuple[str, float | None]:
        found = whole({str(number): Standing(state) for number, state in enumerate(states)})
        return found.state, found.value

    assert of("ok", "firing", "pending", "firing") == ("firing", 2.0)
    assert of("ok", "pending", "resolved") == ("pending", 0.0)
    assert of("ok", "resolved") == ("resolved", 0.0)
    assert of("ok") == ("ok", 0.0)
    assert of() == ("ok", None)
