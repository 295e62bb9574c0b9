import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from typer.testing import CliRunner

from functions.ingest.enrich.lookups import REFRESH_SECONDS, Lookups, look_up
from shared.catalog import reference_tables
from shared.catalog.client import Catalog, CatalogRefusedError
from shared.catalog.migrate import downgrade, migrate
from shared.catalog.projects import create_organisation, create_project
from shared.catalog.reference_tables import MOST_TABLES, Rows, list_tables, put_table, read_tables, remove_table
from shared.cli.main import app
from shared.clock import FixedClock
from shared.events import Row
from shared.refusals import Refusal, Rejected

COUNTRIES = {"US": {"name": "America", "region": "AMER"}, "DE": {"name": "Germany", "region": "EMEA"}}


@pytest.fixture
async def catalog(catalog_url: str) -> AsyncIterator[Catalog]:
    catalog = Catalog(catalog_url)
    yield catalog
    await catalog.close()


@pytest.fixture
async def project_id(catalog: Catalog) -> uuid.UUID:
    organisation = await create_organisation(catalog, "Acme")
    project: dict[str, Any] = await create_project(catalog, organisation["id"], "Shop")
    found: uuid.UUID = project["id"]
    return found


def looked_up(rules: Any, country: str) -> dict[str, str]:
    row = Row(event="e", event_id="", timestamp="", received_at="", country=country)
    look_up(row, {}, rules)
    return row.lookups


async def test_a_table_is_stored_listed_read_replaced_and_removed(catalog: Catalog, project_id: uuid.UUID) -> None:
    put = await put_table(catalog, project_id, "countries", "country", COUNTRIES)
    assert (put.name, put.field, put.row_count) == ("countries", "country", 2)
    assert await list_tables(catalog, project_id) == [put]
    (table,) = await read_tables(catalog, project_id)
    assert (table.rows, table.version) == (COUNTRIES, put.version)
    assert await read_tables(catalog, project_id, [put.version]) == []

    again = await put_table(catalog, project_id, "countries", "properties.country", {"FR": {"name": "France"}})
    assert again.version != put.version
    assert [table.rows for table in await read_tables(catalog, project_id, [put.version])] == [
        {"FR": {"name": "France"}}
    ]
    assert await remove_table(catalog, project_id, "countries")
    assert not await remove_table(catalog, project_id, "countries")
    assert await list_tables(catalog, project_id) == []


async def test_attributes_become_texts_and_empty_ones_are_left_out(catalog: Catalog, project_id: uuid.UUID) -> None:
    rows: Rows = {"7": {"name": "Boots", "price": 12.5, "stock": 3, "sale": True, "note": None, "empty": ""}}
    await put_table(catalog, project_id, "products", "properties.sku", rows)
    (table,) = await read_tables(catalog, project_id)
    assert table.rows == {"7": {"name": "Boots", "price": "12.5", "stock": "3", "sale": "true"}}


@pytest.mark.parametrize(
    ("name", "field", "rows", "refusal", "said"),
    [
        ("Countries", "country", COUNTRIES, Refusal.BAD_REFERENCE_TABLE, "Countries"),
        ("", "country", COUNTRIES, Refusal.BAD_REFERENCE_TABLE, "name"),
        ("a.b", "country", COUNTRIES, Refusal.BAD_REFERENCE_TABLE, "a.b"),
        ("t", "sku", COUNTRIES, Refusal.UNKNOWN_FIELD, "sku"),
        ("t", "revenue", COUNTRIES, Refusal.BAD_REFERENCE_TABLE, "revenue"),
        ("t", "lookups.a.b", COUNTRIES, Refusal.BAD_REFERENCE_TABLE, "lookups"),
        ("t", "country", {}, Refusal.BAD_REFERENCE_TABLE, "no rows"),
        ("t", "country", {"": {"name": "x"}}, Refusal.BAD_REFERENCE_TABLE, "key"),
        ("t", "country", {"US": {"na\nme": "x"}}, Refusal.BAD_REFERENCE_TABLE, "printable"),
        ("t", "country", {"US": {"name": "x" * 501}}, Refusal.BAD_REFERENCE_TABLE, "500"),
        ("t", "country", {"US": {"name": "a\0b"}}, Refusal.BAD_REFERENCE_TABLE, "null"),
        ("t", "country", {"US": {f"a{i}": "x" for i in range(21)}}, Refusal.BAD_REFERENCE_TABLE, "21"),
        ("t", "country", {str(i): {"a": "x"} for i in range(100_001)}, Refusal.BAD_REFERENCE_TABLE, "100001"),
    ],
)
async def test_an_unusable_table_is_refused_with_what_to_change(
    catalog: Catalog, project_id: uuid.UUID, *, name: str, field: str, rows: Any, refusal: Refusal, said: str
) -> None:
    with pytest.raises(Rejected, match=said) as refused:
        await put_table(catalog, project_id, name, field, rows)
    assert refused.value.refusal is refusal
    assert await list_tables(catalog, project_id) == []


async def test_rows_and_tables_of_a_project_are_bounded_in_all(
    catalog: Catalog, project_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_tables, "MOST_ROWS", 3)
    await put_table(catalog, project_id, "first", "country", COUNTRIES)
    with pytest.raises(Rejected, match="at most"):
        await put_table(catalog, project_id, "second", "country", COUNTRIES)
    await put_table(catalog, project_id, "first", "country", {**COUNTRIES, "FR": {"name": "France"}})
    monkeypatch.setattr(reference_tables, "MOST_ROWS", 1_000)
    for number in range(MOST_TABLES - 1):
        await put_table(catalog, project_id, f"t{number}", "country", COUNTRIES)
    with pytest.raises(Rejected, match="at most"):
        await put_table(catalog, project_id, "one_more", "country", COUNTRIES)


async def test_a_project_sees_its_own_tables_only_and_takes_them_along(
    catalog: Catalog, catalog_url: str, project_id: uuid.UUID
) -> None:
    await put_table(catalog, project_id, "countries", "country", COUNTRIES)
    assert await list_tables(catalog, uuid.uuid4()) == []
    with pytest.raises(CatalogRefusedError):
        await put_table(catalog, uuid.uuid4(), "countries", "country", COUNTRIES)
    with psycopg.connect(catalog_url) as connection:
        connection.execute("DELETE FROM projects")
    assert await list_tables(catalog, project_id) == []


def test_the_migration_goes_back_and_forth(empty_catalog_url: str) -> None:
    migrate(empty_catalog_url)
    downgrade(empty_catalog_url, "0002")
    with psycopg.connect(empty_catalog_url) as connection:
        assert connection.execute("SELECT to_regclass('reference_tables')").fetchone() == (None,)
    migrate(empty_catalog_url)
    with psycopg.connect(empty_catalog_url) as connection:
        assert connection.execute("SELECT count(*) FROM reference_tables").fetchone() == (0,)


async def _until_refreshed(lookups: Lookups, project_id: uuid.UUID) -> Any:
    await lookups.of(project_id)
    await asyncio.gather(*(known.refresh for known in lookups._known.values() if known.refresh), return_exceptions=True)
    return await lookups.of(project_id)


async def test_ingest_sees_a_change_after_half_a_minute_and_asks_no_sooner(
    catalog: Catalog, project_id: uuid.UUID
) -> None:
    clock = FixedClock(0)
    lookups = Lookups(catalog, clock)
    assert await lookups.of(project_id) == ()
    await put_table(catalog, project_id, "countries", "country", COUNTRIES)
    assert await _until_refreshed(lookups, project_id) == ()
    clock.advance(REFRESH_SECONDS + 1)
    rules = await _until_refreshed(lookups, project_id)
    assert looked_up(rules, "US") == {"countries.name": "America", "countries.region": "AMER"}

    await put_table(catalog, project_id, "zones", "country", {"US": {"zone": "1"}})
    clock.advance(REFRESH_SECONDS + 1)
    more = await _until_refreshed(lookups, project_id)
    assert looked_up(more, "US") == {"countries.name": "America", "countries.region": "AMER", "zones.zone": "1"}
    assert more[0] is rules[0]  # what did not change is not read again

    await remove_table(catalog, project_id, "countries")
    clock.advance(REFRESH_SECONDS + 1)
    assert looked_up(await _until_refreshed(lookups, project_id), "US") == {"zones.zone": "1"}
    await lookups.close()


async def test_while_the_catalog_is_away_what_was_known_last_is_used(catalog: Catalog, project_id: uuid.UUID) -> None:
    clock = FixedClock(0)
    await put_table(catalog, project_id, "countries", "country", COUNTRIES)
    lookups = Lookups(catalog, clock)
    assert looked_up(await lookups.of(project_id), "DE")["countries.name"] == "Germany"
    gone = Lookups(Catalog("postgresql://nobody@127.0.0.1:1/nothing"), clock)
    assert await gone.of(project_id) == ()
    lookups._catalog = gone._catalog
    clock.advance(REFRESH_SECONDS + 1)
    assert looked_up(await _until_refreshed(lookups, project_id), "DE")["countries.name"] == "Germany"
    await gone._catalog.close()


async def test_first_requests_at_once_ask_once(catalog: Catalog, project_id: uuid.UUID) -> None:
    await put_table(catalog, project_id, "countries", "country", COUNTRIES)
    lookups = Lookups(catalog, FixedClock(0))
    found = await asyncio.gather(*(lookups.of(project_id) for _ in range(50)))
    assert all(rules is found[0] for rules in found)
    assert looked_up(found[0], "US")["countries.region"] == "AMER"


@pytest.fixture
def cli(catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("SLUICE_CATALOG_URL", catalog_url)
    monkeypatch.setenv("SLUICE_DATA", str(tmp_path / "none"))

    async def make() -> None:
        catalog = Catalog(catalog_url)
        organisation = await create_organisation(catalog, "Acme")
        await create_project(catalog, organisation["id"], "Shop")
        await catalog.close()

    asyncio.run(make())
    return CliRunner()


def test_the_command_puts_lists_and_removes_a_table(cli: CliRunner, tmp_path: Path) -> None:
    csv = tmp_path / "countries.csv"
    csv.write_text('\ufeffname,code\nAmerica,US\n"Germany, F.R.",DE\n', encoding="utf-8")
    put = cli.invoke(app, ["reference", "put", "countries", str(csv), "--field", "country", "--key", "code", "--json"])
    assert put.exit_code == 0, put.output
    assert msgspec.json.decode(put.stdout)["row_count"] == 2
    listed = cli.invoke(app, ["reference", "list"])
    assert "countries" in listed.output
    assert "country" in listed.output
    removed = cli.invoke(app, ["reference", "remove", "countries"])
    assert removed.exit_code == 0
    assert cli.invoke(app, ["reference", "remove", "countries"]).exit_code == 1


def test_the_command_reads_json_and_takes_the_first_column_as_the_key(cli: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "products.json").write_text('{"7": {"name": "Boots", "price": 12.5}}')
    field = ["--field", "properties.sku"]
    assert cli.invoke(app, ["reference", "put", "products", str(tmp_path / "products.json"), *field]).exit_code == 0
    (tmp_path / "products.csv").write_text("sku,name\n7,Boots\n")
    assert cli.invoke(app, ["reference", "put", "products", str(tmp_path / "products.csv"), *field]).exit_code == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "code,name\nUS,America\nUS,Again\n", "twice"),
        ("a.csv", "code,name\nUS\n", "as many values"),
        ("a.csv", "code,name\nUS,a,b\n", "as many values"),
        ("a.csv", "code\nUS\n", "columns"),
        ("a.csv", "", "columns"),
        ("a.csv", "code,name\n", "no rows"),
        ("a.json", "[1]", "object"),
        ("a.json", "{", "cannot be read"),
        ("a.json", '{"US": {"a": {"b": 1}}}', "cannot be read"),
    ],
)
def test_an_unusable_file_is_refused_with_what_is_wrong(
    cli: CliRunner, tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    result = cli.invoke(app, ["reference", "put", "countries", str(tmp_path / name), "--field", "country"])
    assert result.exit_code == 2
    assert said in result.output
