"""`--select`: what it may say, and what it makes of a row."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.importing import selection as module
from shared.importing.duck import described, open_duck, row_as_json
from shared.importing.rows import Row
from shared.importing.selection import SelectError, Selection, parse_select
from shared.importing.source import SourceError
from shared.refusals import Refusal, Rejected

TEXTS = {"a": "VARCHAR", "n": "BIGINT", "o": "JSON"}


def made(select: str, *rows: str, columns: dict[str, str] = TEXTS, **variables: str) -> list[Row]:
    selection = Selection(parse_select(select), columns, variables)
    try:
        return list(selection.apply(Row(place, row.encode()) for place, row in enumerate(rows, start=1)))
    finally:
        selection.close()


def one(select: str, row: str, **more: Any) -> Any:
    [found] = made(select, row, **more)
    assert found.fault is None, found.fault
    return json.loads(found.data)


def test_a_list_computes_columns_and_null_is_left_out() -> None:
    select = "upper(a) AS event, n + 1 AS next, nullif(n, 3) AS none, o->'$.x' AS x"
    assert one(select, '{"a":"b","n":3,"o":{"x":[1]}}') == {"event": "B", "next": 4, "x": [1]}


def test_a_star_brings_every_column_and_absent_ones_nowhere() -> None:
    assert one("*, 'e' AS event", '{"a":"x","o":{"y":null}}') == {"a": "x", "o": {"y": None}, "event": "e"}


def test_names_that_begin_with_an_underscore_are_helpers_only_where_the_list_gives_them() -> None:
    columns = {"_id": "VARCHAR"}
    assert one("*, _id || '!' AS _loud, _loud || '!' AS x", '{"_id":"7"}', columns=columns) == {"_id": "7", "x": "7!!"}


def test_the_list_knows_the_names_it_gives() -> None:
    assert parse_select("*, a, b AS id, c.d, upper(e)").names == {"a", "id", "d"}


@pytest.mark.parametrize(
    "select",
    [
        "sum(n)",
        "count(*)",
        "row_number() OVER ()",
        "unnest([1, 2])",
        "(SELECT 1)",
        "n IN (SELECT 1)",
        "n FROM other",
        "n WHERE n > 1",
        "n LIMIT 1",
        "n ORDER BY 1",
        "DISTINCT n",
        "n UNION SELECT 1",
        "n; DROP TABLE x",
        "n FROM read_text('/etc/hostname')",
        "read_csv('/etc/passwd')",
        "$1",
        "?",
        "",
        'a AS "x',
    ],
)
def test_what_is_not_computed_row_by_row_is_refused(select: str) -> None:
    with pytest.raises(SelectError):
        parse_select(select)


@pytest.mark.parametrize("select", ["random()", "uuid()", "now()", "current_date", "today()", "nextval('s')"])
def test_what_is_different_every_time_is_refused(select: str) -> None:
    with pytest.raises(SelectError, match="another value every time"):
        parse_select(f"upper(coalesce(a, {select}::VARCHAR)) AS event")


def test_a_column_may_be_called_like_a_function() -> None:
    assert one("uuid, random AS r", '{"uuid":"x","random":"y"}', columns={"uuid": "VARCHAR", "random": "VARCHAR"}) == {
        "uuid": "x",
        "r": "y",
    }


def test_a_list_that_does_not_fit_the_columns_names_them() -> None:
    with pytest.raises(SelectError, match="n BIGINT"):
        made("nosuch AS event", '{"a":"x"}')


def test_a_comment_at_the_end_harms_nothing() -> None:
    assert one("a -- the name", '{"a":"x"}') == {"a": "x"}


def test_no_file_is_read_or_written(tmp_path: Path) -> None:
    connection = open_duck()
    secret = tmp_path / "secret"
    secret.write_text("x")
    try:
        for statement in (f"FROM read_text('{secret}')", f"COPY (SELECT 1) TO '{secret}'", f"ATTACH '{secret}'"):
            with pytest.raises(Exception, match="disabled by configuration"):
                connection.execute(statement)
        with pytest.raises(Exception, match="external access"):
            connection.execute("SET enable_external_access = true")
    finally:
        connection.close()


def test_a_row_that_fails_is_refused_alone_and_its_neighbours_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH_ROWS", 8)
    rows = [f'{{"a":"{place if place % 7 else "bad"}"}}' for place in range(1, 31)]
    found = made("a::INT AS n", *rows)
    assert [row.number for row in found] == list(range(1, 31))
    assert [row.number for row in found if row.fault] == [7, 14, 21, 28]
    assert [json.loads(row.data)["n"] for row in found if not row.fault][:7] == [1, 2, 3, 4, 5, 6, 8]
    fault = found[6].fault
    assert fault is not None
    assert (fault.refusal, "'bad'" in fault.detail) == (Refusal.BAD_PROPERTIES, True)


def test_rows_that_are_no_objects_are_refused_and_those_refused_before_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Row(9, b"", Rejected(Refusal.EVENT_TOO_LARGE))

    def rows() -> Iterator[Row]:
        yield Row(1, b"nonsense")
        yield before
        yield Row(2, b'{"a":"x","a":"y"}')
        yield Row(3, b'{"a":"x"}')

    selection = Selection(parse_select("a"), TEXTS, {})
    found = list(selection.apply(rows()))
    selection.close()
    reasons = [row.fault.refusal if row.fault else None for row in found]
    assert reasons == [Refusal.MALFORMED_JSON, Refusal.EVENT_TOO_LARGE, Refusal.DUPLICATE_KEY, None]


def test_variables_are_read() -> None:
    assert one("getvariable('file') AS event", "{}", file="it's") == {"event": "it's"}


def test_a_computation_that_needs_too_much_memory_is_a_sentence() -> None:
    with pytest.raises(SourceError, match="cannot be computed"):
        made("range(n) AS x", '{"n":1000000000}')


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("'é\"\n'", '"é\\"\\n"'),
        ("1.10::DECIMAL(10, 2)", "1.10"),
        ("12345678901234567890.123456789012345678::DECIMAL(38, 18)", "12345678901234567890.123456789012345678"),
        ("170141183460469231731687303715884105727::HUGEINT", "170141183460469231731687303715884105727"),
        ("1e20::DOUBLE", "1e+20"),
        ("0.1::FLOAT", "0.1"),
        ("'nan'::DOUBLE", None),
        ("'-inf'::DOUBLE", '"-inf"'),
        ("NULL", None),
        ("true", "true"),
        ("DATE '2026-01-31'", '"2026-01-31"'),
        ("TIMESTAMP '2026-01-31 12:00:00.5'", '"2026-01-31T12:00:00.500000Z"'),
        ("TIMESTAMPTZ '2026-01-31 12:00:00+03'", '"2026-01-31T09:00:00.000000Z"'),
        ("'2026-01-31 12:00:00'::TIMESTAMP_NS", '"2026-01-31T12:00:00.000000Z"'),
        ("TIME '12:00:00'", '"12:00:00"'),
        ("'\\xFF\\x00'::BLOB", '"/wA="'),
        ("{'a': [1, NULL], 'b': {'c': 'x'}}", '{"a":[1,null],"b":{"c":"x"}}'),
        ("MAP {'k': 1}", '{"k":1}'),
        ("'{\"x\":  1.10}'::JSON", '{"x":  1.10}'),
        ("uuid '0b5fbb5e-0d4b-4d0c-9f3b-000000000001'", '"0b5fbb5e-0d4b-4d0c-9f3b-000000000001"'),
    ],
)
def test_a_value_of_any_type_becomes_json_without_losing_a_digit(value: str, written: str | None) -> None:
    connection = open_duck()
    select = f'SELECT {value} AS "it\'s ""x"""'
    try:
        row = connection.execute(f"SELECT {row_as_json(described(connection, select, []))} FROM ({select})").fetchone()
    finally:
        connection.close()
    assert row is not None
    assert row[0] == ("{}" if written is None else f'{{"it\'s \\"x\\"":{written}}}')
