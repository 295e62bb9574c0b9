"""Every format becomes the same numbered rows, and a damaged one says where."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from shared.importing import json_rows
from shared.importing.formats import Format, ReadOptions, detect, open_rows
from shared.importing.rows import Row
from shared.importing.source import SourceError, open_source
from shared.refusals import Refusal

Read = Callable[..., tuple[list[Row], int, dict[str, str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The rows, their total and the columns of a file with that content."""

    def reading(content: bytes, name: str = "rows", **options: Any) -> tuple[list[Row], int, dict[str, str]]:
        path = tmp_path / name
        path.write_bytes(content)
        with open_source(str(path)) as source:
            rows = open_rows(source, ReadOptions(**options))
            return list(rows), rows.total(), rows.columns()

    return reading


def sound(rows: list[Row]) -> list[tuple[int, Any]]:
    return [(row.number, json.loads(row.data)) for row in rows if row.fault is None]


def faults(rows: list[Row]) -> list[tuple[int, Refusal, str]]:
    return [(row.number, row.fault.refusal, row.fault.detail) for row in rows if row.fault is not None]


# which format


@pytest.mark.parametrize(
    ("name", "beginning", "format_"),
    [
        ("a.csv", b"x", Format.CSV),
        ("a.tsv.gz", b"x\ty", Format.CSV),
        ("a.CSV", b'{"a":1}', Format.CSV),
        ("a.jsonl.zst", b"", Format.NDJSON),
        ("a", b"PAR1\x15", Format.PARQUET),
        ("a.json", b'  [\n {"a":1}]', Format.JSON),
        ("a.json", b"[]", Format.JSON),
        ("a.json", b'{"a":1}\n{"a":2}', Format.NDJSON),
        ("a", b'\xef\xbb\xbf{"a":1}', Format.NDJSON),
        ("a", b'not json\n\n{"a":1}', Format.NDJSON),
        ("-", b"a,b\n1,2\n", Format.CSV),
        ("-", b"", Format.NDJSON),
    ],
)
def test_the_format_is_seen_from_the_content_and_the_name(name: str, beginning: bytes, format_: Format) -> None:
    assert detect(name, beginning) is format_


# CSV


def test_a_csv_row_is_named_by_the_line_it_begins_in_and_empty_cells_have_no_value(read: Read) -> None:
    rows, total, columns = read(b'a,b c,d\n1,2,3\n"x, y","",\n\n"two\nlines","say ""hi""",0\n7,8,9', "x.csv")
    assert sound(rows) == [
        (2, {"a": "1", "b c": "2", "d": "3"}),
        (3, {"a": "x, y"}),
        (5, {"a": "two\nlines", "b c": 'say "hi"', "d": "0"}),
        (7, {"a": "7", "b c": "8", "d": "9"}),
    ]
    assert columns == {"a": "VARCHAR", "b c": "VARCHAR", "d": "VARCHAR"}
    assert total >= len(rows)


@pytest.mark.parametrize("ending", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("delimiter", [b",", b";", b"\t", b"|"])
def test_the_delimiter_and_the_line_endings_are_seen(read: Read, ending: bytes, delimiter: bytes) -> None:
    content = ending.join([delimiter.join([b'"a,;b"', b"c"]), delimiter.join([b"1", b"2"]), b""])
    assert [values for _, values in sound(read(content, "x.csv")[0])] == [{"a,;b": "1", "c": "2"}]


def test_lines_that_end_in_different_ways_are_all_read(read: Read) -> None:
    assert len(sound(read(b'a,b\r\n1,2\n3,4\r\n"x\ny",z', "x.csv")[0])) == 3


def test_a_bad_csv_line_spoils_only_itself(read: Read) -> None:
    rows, _, _ = read(b'a,b\n1\n1,2,3\n"bro"ken,2\n\xff,2\n5,6\n', "x.csv")
    assert sound(rows) == [(6, {"a": "5", "b": "6"})]
    assert [(number, refusal) for number, refusal, _ in faults(rows)] == [
        (2, Refusal.WRONG_SHAPE),
        (3, Refusal.WRONG_SHAPE),
        (4, Refusal.WRONG_SHAPE),
        (5, Refusal.BAD_TEXT),
    ]
    assert faults(rows)[1][2] == "3 values for 2 columns"
    assert "--encoding" in faults(rows)[3][2]


def test_a_quote_that_is_never_closed_is_told_with_all_lines_it_swallows(read: Read) -> None:
    rows, _, _ = read(b'a,b\n1,2\n"x,2\n3,4\n5,6\n', "x.csv")
    assert sound(rows) == [(2, {"a": "1", "b": "2"})]
    [(number, refusal, detail)] = faults(rows)
    assert (number, refusal) == (3, Refusal.WRONG_SHAPE)
    assert "lines 3 to 5" in detail


def test_a_headerless_csv_gets_the_names_it_is_given(read: Read) -> None:
    rows, total, _ = read(b"1,2\n3,4\n", "x.csv", columns=("a", "b"))
    assert sound(rows) == [(1, {"a": "1", "b": "2"}), (2, {"a": "3", "b": "4"})]
    assert total == 2


def test_repeated_and_missing_column_names_are_made_usable(read: Read) -> None:
    assert list(read(b"a,,a, A ,a_2\n1,2,3,4,5\n", "x.csv")[2]) == ["a", "column_2", "a_2", "A", "a_2_2"]


def test_lines_before_the_header_are_skipped(read: Read) -> None:
    rows, _, _ = read(b"Report of May; all shops\n\na,b\n1,2\n", "x.csv", skip=2)
    assert sound(rows) == [(4, {"a": "1", "b": "2"})]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_another_encoding_is_read_as_told(read: Read, encoding: str) -> None:
    content = "käse,b\n£,€\n".encode(encoding)
    assert sound(read(content, "x.csv", encoding=encoding)[0]) == [(2, {"käse": "£", "b": "€"})]


def test_a_byte_order_mark_is_no_part_of_the_first_column(read: Read) -> None:
    assert list(read(b"\xef\xbb\xbfa,b\n1,2\n", "x.csv")[2]) == ["a", "b"]


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"\n\n"])
def test_a_csv_without_rows_has_none(read: Read, content: bytes) -> None:
    assert read(content, "x.csv")[0] == []


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_packed_file_gives_the_same_rows(read: Read, pack: Callable[[bytes], bytes]) -> None:
    content = b"a,b\n1,2\n3,4\n"
    assert read(pack(content[:6]) + pack(content[6:]), "x.csv")[0] == read(content, "x.csv")[0]


# a list


def test_the_elements_of_a_list_keep_their_bytes(read: Read) -> None:
    rows, total, _ = read(b'\xef\xbb\xbf [ {"a": 1.10,\n "b":[1,"]"]} ,\n{"a":"\\u00e9\xc3\xa9"}\n]\n', "x.json")
    assert [(row.number, row.data) for row in rows] == [
        (1, b'{"a": 1.10,\n "b":[1,"]"]}'),
        (2, '{"a":"\\u00e9é"}'.encode()),
    ]
    assert total == 2


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_list_is_cut_the_same_wherever_it_is_read_in_pieces(
    read: Read, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    content = '[{"a":"é,]"},{"b":[{}]}, {}]'.encode()
    whole = read(content, "x.json")[0]
    monkeypatch.setattr(json_rows, "_CHUNK_CHARACTERS", size)
    assert read(content, "x.json", format=Format.JSON)[0] == whole
    assert len(whole) == 3


@pytest.mark.parametrize("content", [b"[]", b" [ \n ] "])
def test_an_empty_list_has_no_rows(read: Read, content: bytes) -> None:
    assert read(content, "x.json")[:2] == ([], 0)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'[{"a":1}', "element 1"),
        (b'[{"a":1},', "element 2"),
        (b'[{"a":1} {"a":2}]', "after element 1"),
        (b'[{"a":1},{"a":}]', "element 2"),
        (b'[{"a":1}]]', "after its end"),
        (b'[{"a":"\xff"}]', "UTF-8"),
        (b'{"a":1}', "element 0"),
        (b"[" + b'{"a":' * 100_000 + b"1", "nested"),
    ],
)
def test_a_damaged_list_is_refused_before_a_row_is_read(read: Read, content: bytes, place: str) -> None:
    with pytest.raises(SourceError, match=place):
        read(content, "x.json", format=Format.JSON)


def test_numbers_of_any_length_pass_through_a_list(read: Read) -> None:
    digits = b"1" * 5_000
    assert read(b'[{"a":' + digits + b"}]", "x.json")[0][0].data == b'{"a":' + digits + b"}"


# lines


def test_lines_of_text_are_rows_with_one_column(read: Read) -> None:
    rows, _, columns = read(b'head\none "two"\n\n\xff\n', "x.log", format=Format.LINES, skip=1)
    assert sound(rows) == [(2, {"line": 'one "two"'})]
    assert [found[:2] for found in faults(rows)] == [(4, Refusal.BAD_TEXT)]
    assert columns == {"line": "VARCHAR"}


# what a select list sees of JSON


def test_columns_have_the_narrowest_type_that_changes_no_value(read: Read) -> None:
    lines = [
        '{"t":"2020-01-01","i":1,"h":1,"f":1,"b":true,"m":1,"n":null,"o":{"x":1},"l":12345678901234567890123}',
        '{"t":"x","i":-2,"h":12345678901234567890,"f":1.5,"b":false,"m":"1","n":null,"o":null,"l":1e5}',
        "not json",
    ]
    assert read("\n".join(lines).encode())[2] == {
        "t": "VARCHAR",
        "i": "BIGINT",
        "h": "HUGEINT",
        "f": "DOUBLE",
        "b": "BOOLEAN",
        "m": "JSON",
        "n": "VARCHAR",
        "o": "JSON",
        "l": "JSON",
    }


def test_keys_that_sql_cannot_tell_apart_are_refused(read: Read) -> None:
    with pytest.raises(SourceError, match="'City' and 'city'"):
        read(b'{"City":1}\n{"city":2}')
