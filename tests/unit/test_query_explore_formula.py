"""Formulas over series: what is computed, and that nothing else can be written in one."""

import pytest

from functions.query_timeseries.explore import ExploreQuery
from functions.query_timeseries.formula import MOST_CHARACTERS, Formula
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected

NAMES = frozenset("ABC")


def test_a_formula_is_arithmetic_over_the_series() -> None:
    values = {"A": 6, "B": 4, "C": 0.5}
    for text, wanted in {
        "A/B": 1.5,
        " 100 * A / B ": 150,
        "A - B - C": 1.5,
        "A + B * C": 8,
        "(A + B) * C": 5,
        "-A + +B": -2,
        "1e3*C": 500,
        "A / (B - 4)": None,
        "A * 1e308 * 1e308": None,
    }.items():
        assert Formula(text, NAMES)(values) == wanted, text
    assert Formula("A / B", NAMES).uses == {"A", "B"}


def test_a_value_that_is_missing_makes_the_whole_missing() -> None:
    assert Formula("A + 0 * B", NAMES)({"A": 1, "B": None}) is None


def test_anything_else_is_refused_and_never_run() -> None:
    bad = [
        "__import__('os').system('true')",
        "A.real",
        "A[0]",
        "[A for A in B]",
        "A ** B",
        "A // B",
        "A % B",
        "A if B else C",
        "A < B",
        "A and B",
        "not A",
        "~1 + A",
        "lambda: A",
        "f'{A}'",
        "'A' * 9",
        "True + A",
        "1j + A",
        "1e999 + A",
        "(A := 1)",
        "A B",
        "A\n+B; B",
        "a + b",
        "D",
        "1 + 1",
        "",
        "\0",
        "(" * 99 + "A" + ")" * 99 + " +",
        "-" * (MOST_CHARACTERS - 1) + "A",
        "A" + "+A" * 99,
    ]
    for text in bad:
        with pytest.raises(Rejected) as refused:
            Formula(text, NAMES)
        assert refused.value.refusal is Refusal.BAD_REQUEST, text
        assert "formula" in refused.value.detail


def test_a_formula_that_is_too_long_is_refused_by_its_name() -> None:
    body = b'{"from":"2026-01-01","to":"2026-01-02","series":[{}],"formulas":[{"formula":"%s"}]}' % (b"A+" * 200)
    with pytest.raises(Rejected, match=r"formulas\[0\]\.formula|formulas\[\.\.\.\]\.formula"):
        from_json(body, ExploreQuery)
