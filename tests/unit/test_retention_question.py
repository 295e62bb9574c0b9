"""What makes no cohorts is refused, naming the field."""

from typing import Any

import pytest

from functions.query_retention.question import RetentionQuery
from shared.query.acts import Act
from shared.refusals import Refusal, Rejected


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"starting": Act(event="a", any_of=["b"])}, "`start`"),
        ({"returning": Act(event="a", any_of=["b"])}, "`returning`"),
        ({"cohort_by": "first_seen", "starting": Act(event="a")}, "`start`"),
        ({"cohort_by": "first_seen", "first_time": False}, "`first_time`"),
        ({"rolling": True, "first_time": False}, "`first_time`"),
        ({"measure": "count"}, "`measure`"),
        ({"measure": "sum:price", "mode": "on_or_after"}, "`mode`"),
        ({"cumulative": True, "mode": "on_or_after"}, "`cumulative`"),
        ({"cohort_by": "birthday"}, "`cohort_by`"),
        ({"cohort_by": "profile.born", "starting": Act(event="a")}, "`start`"),
        ({"cohort_by": "profile.born", "first_time": False}, "`first_time`"),
        ({"cohort_by": "profile.born", "count_by": "sessions"}, "`count_by`"),
        ({"mode": "bracket"}, "`brackets`"),
        ({"brackets": [(1, 2)]}, "`brackets`"),
        ({"mode": "bracket", "brackets": [(2, 1)]}, "`brackets[0]`"),
    ],
)
def test_what_makes_no_cohorts_is_refused_by_its_field(asked: dict[str, Any], named: str) -> None:
    with pytest.raises(Rejected) as refused:
        RetentionQuery(start="2026-01-01", end="2026-02-01", **asked).check()
    assert refused.value.refusal is Refusal.BAD_QUESTION
    assert refused.value.detail.startswith(named)
