"""docs/security.md names tests that are there, and docs/authorisation.md is what the code says."""

import re
from pathlib import Path

from shared.docs import NOTE
from shared.security.matrix import ROUTES
from shared.security.matrix_page import authorisation_page
from shared.security.policy import Action

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")


def test_every_control_is_shown_by_a_test_that_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    files = (ROOT / "tests").rglob("test_*.py")
    there = {name for path in files for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))}
    assert named - there == set()
    assert len(named) > 20


def test_each_risk_of_the_ten_has_a_row() -> None:
    assert re.findall(r"^\| API(\d+) ", PAGE, re.MULTILINE) == [str(number) for number in range(1, 11)]


def test_the_matrix_page_has_a_row_for_every_action_and_every_address() -> None:
    page = authorisation_page(NOTE.format(source="code"))
    for action in Action:
        assert f"| `{action}` |" in page
    for method, path in ROUTES:
        assert f"| `{method} {path}` |" in page
