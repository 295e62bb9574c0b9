"""Reading files of rows."""

import gzip
import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

from shared.importing import source as module
from shared.importing.source import SourceError, open_source

ROWS = b'{"a":1}\n\n{"a":2}\r\n{"a":3}'


def read(path: Path | str) -> tuple[str, int, list[tuple[int, bytes | None]]]:
    with open_source(str(path)) as found:
        return found.sha256, found.line_count, [tuple(line) for line in found.lines()]  # type: ignore[misc]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "rows.ndjson"
    path.write_bytes(ROWS)
    return path


def test_lines_are_numbered_as_an_editor_does_and_blank_ones_left_out(plain: Path) -> None:
    digest, count, lines = read(plain)
    assert lines == [(1, b'{"a":1}'), (3, b'{"a":2}'), (4, b'{"a":3}')]
    assert count == 4
    assert digest == hashlib.sha256(ROWS).hexdigest()


def test_gz_is_known_by_its_content_and_hashed_uncompressed(tmp_path: Path, plain: Path) -> None:
    packed = tmp_path / "rows.txt"
    packed.write_bytes(gzip.compress(ROWS[:9]) + gzip.compress(ROWS[9:]))
    assert read(packed) == read(plain)


def test_a_pipe_is_read_like_a_file(tmp_path: Path, plain: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(ROWS,))
    writer.start()
    assert read(pipe) == read(plain)
    writer.join()


def test_standard_input_is_read_like_a_file(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(ROWS)))
    assert read("-") == read(plain)


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert read(tmp_path / "empty")[1:] == (0, [])


def test_a_byte_order_mark_is_not_part_of_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"\xef\xbb\xbf" + ROWS)
    assert read(path)[2][0] == (1, b'{"a":1}')


@pytest.mark.parametrize("end", [b"", b"\n", b'\n{"a":2}\n'])
def test_an_overlong_line_is_given_up_without_being_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 16)
    path = tmp_path / "rows"
    path.write_bytes(b'{"a":1}\n{"a":"' + b"x" * 100 + b'"}' + end)
    _, _, lines = read(path)
    assert lines == [(1, b'{"a":1}'), (2, None), (3, b'{"a":2}')][: 3 if len(end) > 1 else 2]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_of_exactly_the_bound_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 7)
    path = tmp_path / "rows"
    path.write_bytes(b'{"a":1}' + end)
    assert read(path)[2] == [(1, b'{"a":1}')]


@pytest.mark.parametrize("cut", [12, -4])
def test_a_damaged_gz_file_is_refused_before_a_row_is_read(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows.gz"
    path.write_bytes(gzip.compress(os.urandom(4000))[:cut])
    with pytest.raises(SourceError, match="gz"):
        read(path)


def test_a_missing_file_or_a_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read(tmp_path / "none")
    with pytest.raises(SourceError, match="directory"):
        read(tmp_path)


def test_a_file_that_grows_while_it_is_read_is_noticed(plain: Path) -> None:
    with open_source(str(plain)) as found:
        lines = found.lines()
        assert [next(lines).number, next(lines).number] == [1, 3]
        with plain.open("ab") as file:
            file.write(b'\n{"a":4}' * 9)
        with pytest.raises(SourceError, match="changed"):
            list(lines)


def test_hashing_tells_how_far_it_is(plain: Path) -> None:
    told: list[tuple[int, int]] = []
    with open_source(str(plain), lambda done, size: told.append((done, size))):
        pass
    assert told[-1] == (len(ROWS), len(ROWS))
