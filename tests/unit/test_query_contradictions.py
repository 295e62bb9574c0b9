"""Conditions that no event can meet together are refused, naming both; what might hold is not."""

import pytest

from shared.query.acts import Act
from shared.query.contradictions import refuse_contradiction
from shared.query.filters import Filter
from shared.refusals import Refusal, Rejected

NEVER = [
    (Filter("country", "eq", "DE"), Filter("country", "eq", "FR")),
    (Filter("country", "in", ["DE", "AT"]), Filter("country", "in", ["FR"])),
    (Filter("country", "eq", "DE"), Filter("country", "ne", "DE")),
    (Filter("country", "in", ["DE"]), Filter("country", "not_in", ["DE", "FR"])),
    (Filter("country", "is_set"), Filter("country", "not_set")),
    (Filter("country", "not_set"), Filter("country", "contains", "D")),
    (Filter("properties.n", "gt", 5), Filter("properties.n", "lt", 3)),
    (Filter("properties.n", "gte", 5), Filter("properties.n", "lt", 5)),
    (Filter("properties.n", "eq", 5), Filter("properties.n", "eq", 6.0)),
]
PERHAPS = [
    (Filter("country", "eq", "DE"), Filter("device", "eq", "phone")),
    (Filter("country", "in", ["DE", "FR"]), Filter("country", "in", ["FR", "AT"])),
    (Filter("country", "in", ["DE", "FR"]), Filter("country", "ne", "DE")),
    (Filter("properties.n", "eq", "5"), Filter("properties.n", "eq", 5)),
    (Filter("properties.n", "eq", 5), Filter("properties.n", "eq", 5.0)),
    (Filter("properties.n", "gte", 5), Filter("properties.n", "lte", 5)),
    (Filter("properties.n", "gt", "5"), Filter("properties.n", "lt", "3")),
    (Filter("country", "not_set"), Filter("country", "ne", "DE")),
    (Filter("country", "contains", "D"), Filter("country", "not_contains", "E")),
]


@pytest.mark.parametrize(("one", "other"), NEVER, ids=map(str, range(len(NEVER))))
def test_what_never_holds_together_is_refused_in_either_order(one: Filter, other: Filter) -> None:
    for filters in ([one, other], [other, Filter("os", "is_set"), one]):
        with pytest.raises(Rejected, match="`filters`") as refused:
            refuse_contradiction(filters, "filters")
        assert refused.value.refusal is Refusal.BAD_FILTER


@pytest.mark.parametrize(("one", "other"), PERHAPS, ids=map(str, range(len(PERHAPS))))
def test_what_may_hold_together_is_asked(one: Filter, other: Filter) -> None:
    refuse_contradiction([one, other], "filters")
    refuse_contradiction([other, one], "filters")


def test_a_step_that_the_questions_own_filters_leave_nothing_of_is_refused() -> None:
    step = Act(event="buy", filters=[Filter("country", "eq", "FR")])
    step.check("steps[0]", [Filter("device", "eq", "phone")])
    with pytest.raises(Rejected, match=r"`steps\[0\]\.filters`"):
        step.check("steps[0]", [Filter("country", "eq", "DE")])
    with pytest.raises(Rejected, match="event in"):
        step.check("steps[0]", [Filter("event", "eq", "view")])
