"""What an import remembers, and how far it says it is."""

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from shared.cli.progress import ImportDisplay
from shared.importing.progress import Checkpoint, Memory, RefusedRow, Totals

ROW = RefusedRow("f", 3, "bad_id", "why", "{}")


def checkpoint(rows: int = 2) -> Checkpoint:
    totals = Totals(rows=rows, accepted=rows - 1)
    totals.refuse(ROW)
    return Checkpoint("f", totals, "receipt")


def test_a_checkpoint_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    Memory(tmp_path / "deep" / "imports", "server", "content", "options").keep(checkpoint(), now=True)
    known = Memory(tmp_path / "deep" / "imports", "server", "content", "options").recall()
    assert known == checkpoint()


@pytest.mark.parametrize("identity", [("other", "content"), ("server", "other"), ("servercontent", "")])
def test_another_server_file_or_option_has_a_memory_of_its_own(tmp_path: Path, identity: tuple[str, ...]) -> None:
    Memory(tmp_path, "server", "content").keep(checkpoint(), now=True)
    assert Memory(tmp_path, *identity).recall() is None


def test_a_short_import_writes_nothing_and_a_long_one_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    memory = Memory(tmp_path / "imports", "x")
    memory.keep(checkpoint(2))
    assert not (tmp_path / "imports").exists()
    now += 1.1
    memory.keep(checkpoint(3))
    memory.keep(checkpoint(4))
    known = memory.recall()
    assert known is not None
    assert known.totals.rows == 3


def test_without_a_receipt_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "x")
    memory.keep(Checkpoint("f", Totals()), now=True)
    assert memory.recall() is None


def test_a_damaged_checkpoint_or_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "x")
    memory.keep(checkpoint(), now=True)
    next(tmp_path.glob("*.json")).write_text("{")
    assert memory.recall() is None
    (tmp_path / "file").touch()
    blocked = Memory(tmp_path / "file" / "imports", "x")
    blocked.keep(checkpoint(), now=True)
    assert blocked.recall() is None
    assert Memory(None, "x").recall() is None


def test_a_complete_import_leaves_nothing_behind(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "imports", "x")
    memory.keep(checkpoint(), now=True)
    memory.forget()
    assert not (tmp_path / "imports").exists()
    memory.forget()


def test_totals_add_up_with_their_reasons_and_first_examples() -> None:
    totals = Totals(rows=1, accepted=1)
    for _ in range(3):
        totals.add(checkpoint().totals)
    assert (totals.rows, totals.accepted, totals.refused, totals.lost) == (7, 4, 3, 0)
    assert totals.reasons == {"bad_id": 3}
    totals.add(checkpoint().totals)
    assert totals.examples == {"bad_id": [ROW] * 3}


def test_progress_says_rate_and_time_left_where_no_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    out = io.StringIO()
    display = ImportDisplay(Console(file=out, width=200), None)
    display.importing("rows", 10_000, 2_000)
    now += 20
    display.advanced(4_000)
    display.advanced(1)
    assert out.getvalue().splitlines() == [
        "Going on after the first 2,000 rows of rows, which are stored; --restart sends all again.",
        "importing rows: 6,000/10,000 rows, 200/s, 0:00:20 left",
    ]


@pytest.mark.parametrize(("already", "kept"), [(0, 1), (5, 2)])
def test_the_rejects_file_is_emptied_unless_the_import_goes_on(tmp_path: Path, already: int, kept: int) -> None:
    path = tmp_path / "rejects"
    path.write_bytes(msgspec.json.encode(ROW) + b"\n")
    with path.open("ab") as rejects:
        display = ImportDisplay(Console(file=io.StringIO()), rejects)
        display.importing("rows", 10, already)
        display.refused(ROW)
    assert path.read_bytes().splitlines() == [msgspec.json.encode(ROW)] * kept
