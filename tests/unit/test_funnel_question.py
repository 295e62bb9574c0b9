"""What is no funnel is refused, naming the field; ties and statistics against slow or known answers."""

import random
from itertools import permutations
from typing import Any

import pytest

from functions.query_funnel.statistics import holm, two_proportions
from shared.query.filters import Filter
from shared.query.funnel.question import BehindQuery, Exclusion, FunnelQuery, Step
from shared.query.funnel.ties import sequence
from shared.refusals import Refusal, Rejected

RANGE: dict[str, Any] = {"start": "2026-01-01", "end": "2026-01-31"}
TWO = [Step(event="a"), Step(event="b")]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"steps": [Step(event="a")]}, "`steps` has 1"),
        ({"steps": [Step(event="a")] * 21}, "`steps` has 21"),
        ({"steps": [Step(event="a"), Step()]}, "`steps[1]`"),
        ({"steps": [Step(event="a", any_of=["b"]), Step(event="b")]}, "`steps[0]`"),
        ({"steps": TWO, "window": "0s"}, "`window` 0s"),
        ({"steps": TWO, "window": "367d"}, "`window` 367d"),
        ({"steps": TWO, "order": "strict", "ties": "at_or_after"}, "`ties`"),
        ({"steps": TWO, "order": "any", "exclude": [Exclusion(event="c", between=(1, 2))]}, "`exclude`"),
        ({"steps": TWO, "exclude": [Exclusion(event="c", between=(2, 1))]}, "`exclude[0].between`"),
        ({"steps": TWO, "exclude": [Exclusion(event="c", between=(1, 3))]}, "`exclude[0].between`"),
        ({"steps": TWO, "hold": ["event"] * 4}, "`hold`"),
    ],
)
def test_what_is_no_funnel_is_refused_by_its_field(asked: dict[str, Any], named: str) -> None:
    with pytest.raises(Rejected) as refused:
        FunnelQuery(**RANGE, **asked).check()
    assert refused.value.refusal is Refusal.BAD_QUESTION
    assert refused.value.detail.startswith(named)


def test_a_step_that_is_not_there_has_nobody_behind_it() -> None:
    with pytest.raises(Rejected, match="`step` 3"):
        BehindQuery(**RANGE, steps=TWO, step=3).check()


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        FunnelQuery(**RANGE, steps=TWO, breakdown="nothing").check()
    assert refused.value.refusal is Refusal.UNKNOWN_FIELD


def test_a_step_is_named_by_its_label_or_its_events() -> None:
    steps = [Step(event="a", label="L"), Step(any_of=["a", "b"]), Step(filters=[Filter("event", "eq", "x")])]
    assert [step.title for step in steps] == ["L", "a / b", "*"]


def _best(masks: list[int], start: int, steps: int) -> int:
    """How far events lead from a step, by trying every order of them."""
    best = start
    for order in permutations(masks):
        here = start
        for mask in order:
            if here < steps and mask >> here & 1:
                here += 1
        best = max(best, here)
    return best


def test_tied_events_lead_as_far_from_every_step_as_the_best_order_does() -> None:
    chance = random.Random(5)
    for _ in range(2_000):
        steps = chance.randint(2, 5)
        masks = [chance.randrange(1, 1 << steps) for _ in range(chance.randint(1, 5))]
        run = sequence(masks, steps)
        for start in range(steps):
            here = start
            for bit in run:
                here += bit == 1 << here
            assert here == _best(masks, start, steps), (masks, start)


def test_proportions_are_compared_as_in_the_textbook() -> None:
    # 15 of 100 against 30 of 100: z = -2.5400, p = 0.01108.
    assert two_proportions(15, 100, 30, 100) == pytest.approx(0.01108, abs=1e-5)
    assert two_proportions(0, 0, 1, 2) is None
    assert two_proportions(0, 5, 0, 5) is None


def test_several_comparisons_make_each_less_certain() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == [pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06)]
