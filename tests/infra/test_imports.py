"""What the start of a function may cost: a cold start is its imports.

Counted in milliseconds of processor time from the start of the process in its own image, .pyc and all, to its first
answer, because that does not change with what else the machine does. The memory at that moment is noted (`-rA` or
the JUnit file shows it) and must leave room below the limit in the wiring table.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.wiring import Function, load_wiring
from tests.infra.image import Builder
from tests.infra.starting import Start, start

# Milliseconds of processor time. A function that is not named here has DEFAULT_MS.
BUDGET_MS = {
    "ingest": 600,
    "dead_letter": 500,
    "export": 600,
    "backup": 600,
    # cryptography, from the start: whom their jobs are about is sealed
    "gdpr_delete": 600,
    "access_request": 600,
    "retention_enforce": 600,
    "pii": 600,
    "replay": 600,
    # FastAPI and pydantic
    "auth": 1_500,
    "workspace": 1_500,
}
DEFAULT_MS = 400
TRIES = 3
FUNCTIONS = load_wiring().functions


def mebibytes(text: str) -> int:
    assert text.endswith("Mi")
    return int(text.removesuffix("Mi"))


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_a_function_answers_within_its_budget(
    row: Function,
    builder: Builder,
    first_start: Callable[[str], Start],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    budget = BUDGET_MS.get(row.name, DEFAULT_MS)
    found = [first_start(row.name)]
    while min(each.cpu_ms for each in found) > budget and len(found) < TRIES:
        found.append(start(builder.build("last", row.name), row, tmp_path))
    spent, memory = min(each.cpu_ms for each in found), max(each.rss_mib for each in found)
    record_property("cpu_ms", spent)
    record_property("rss_mib", round(memory))
    print(f"{row.name}: {spent:.0f} ms, {memory:.0f} MiB")  # noqa: T201 (the note of the size)
    assert spent <= budget
    assert memory <= mebibytes(row.memory) / 2


def test_every_budget_is_that_of_a_function() -> None:
    assert set(BUDGET_MS) <= {row.name for row in FUNCTIONS}
