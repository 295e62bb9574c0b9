"""Which events say who is who, what operations make of a profile, and where links end."""

import pytest

from shared.identity import Changed, changed_by, changes
from shared.profiles import Change, folded
from shared.query.identity import MOST_STEPS, end_from


def test_events_are_known_however_they_are_spelt() -> None:
    for name in ("identify", "$identify", "Identify"):
        assert changed_by(name) == Changed(links=True, profiles=True)
    for name in ("alias", "$create_alias", "Create Alias", "$merge_dangerously"):
        assert changed_by(name) == Changed(links=True, chains=True)
    assert changed_by("$set") == Changed(profiles=True)
    assert not any(changed_by("page_view"))


def test_the_ledger_has_one_row_a_project_and_none_for_plain_events() -> None:
    told = [("a", "view"), ("b", "identify"), ("b", "alias"), ("c", "$set")]
    assert changes(told) == [
        {"project_id": "b", "links": 1, "chains": 1, "profiles": 1},
        {"project_id": "c", "links": 0, "chains": 0, "profiles": 1},
    ]


@pytest.mark.parametrize(
    ("before", "operation", "value", "after"),
    [
        (None, "set", '"a"', "a"),
        ("1", "set", "null", None),
        ("1", "set_once", "2", 1),
        (None, "set_once", "2", 2),
        ("1", "add", "2.5", 3.5),
        ("1", "add", '"2"', 1),
        ('"x"', "add", "2", "x"),
        ("true", "add", "2", True),
        ("1e308", "add", "1e308", 1e308),
        (None, "append", "[1]", [[1]]),
        ('"a"', "append", '"b"', ["a", "b"]),
        ("[1]", "append", "null", [1]),
        ("[1,1]", "union", "[2,1]", [1, 2]),
        ('"a"', "union", '"a"', ["a"]),
        ("1", "unset", "", None),
        ("1", "of a later version", "2", 1),
    ],
)
def test_an_operation_changes_a_property(before: str | None, operation: str, value: str, after: object) -> None:
    first = [] if before is None else [Change("set", "p", before)]
    found = folded([*first, Change(operation, "p", value)])
    assert found == ({} if after is None else {"p": after})


def test_links_end_at_somebody_who_is_linked_to_nobody() -> None:
    assert end_from("a", {}) == "a"
    assert end_from("a", {"a": "b", "b": "c"}) == "c"


def test_all_ids_of_a_circle_are_one_person() -> None:
    for circle in ({"a": "b", "b": "a"}, {"b": "c", "c": "d", "d": "b"}):
        assert {end_from(key, circle) for key in circle} == {min(circle)}
    longest = {str(number): str(number + 1) for number in range(10, 10 + MOST_STEPS - 1)}
    assert end_from("10", longest) == str(10 + MOST_STEPS - 1)
