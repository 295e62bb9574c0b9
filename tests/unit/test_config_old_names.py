"""Environment names of older deployments fill what is unset, and never show a secret."""

import pytest

from shared.config import MASK, CatalogSettings, ConfigError, WarehouseSettings, load
from shared.docs import all_settings, configuration_page
from shared.local.parts import RuntimeSettings
from shared.old_names import OLD_NAMES, filled_from_old_names

POSTGRES = {
    "POSTGRES_HOST": "db.internal",
    "POSTGRES_DB": "analytics",
    "POSTGRES_USER": "app",
    "POSTGRES_PASSWORD": "hunter2",
}
CLICKHOUSE = {
    "CLICKHOUSE_HOST": "ch.internal",
    "CLICKHOUSE_DB": "events",
    "CLICKHOUSE_USER": "writer",
    "CLICKHOUSE_PASSWORD": "hunter3",
}


def test_each_older_name_fills_ours() -> None:
    settings = load(RuntimeSettings, {"API_GATEWAY_PORT": "9100", **POSTGRES, **CLICKHOUSE})
    assert settings.port == 9100
    assert settings.catalog_url == "postgresql://app:hunter2@db.internal:5432/analytics"
    assert settings.warehouse_url == "http://writer:hunter3@ch.internal:8123/events"
    assert "hunter" not in repr(settings)


def test_ours_wins_where_both_are_set() -> None:
    ours = {"SLUICE_PORT": "8081", "SLUICE_CATALOG_URL": "postgresql://ours/c", "SLUICE_WAREHOUSE_URL": "http://ours"}
    settings = load(RuntimeSettings, {"API_GATEWAY_PORT": "9100", **POSTGRES, **CLICKHOUSE, **ours})
    assert (settings.port, settings.catalog_url, settings.warehouse_url) == (8081, "postgresql://ours/c", "http://ours")


def test_an_empty_setting_of_ours_counts_as_unset_and_an_empty_older_one_fills_nothing() -> None:
    assert load(RuntimeSettings, {"SLUICE_PORT": "", "API_GATEWAY_PORT": "9100"}).port == 9100
    assert load(RuntimeSettings, {"API_GATEWAY_PORT": "", "POSTGRES_HOST": ""}) == load(RuntimeSettings, {})


def test_without_a_host_the_others_fill_nothing() -> None:
    environ = {name: value for name, value in {**POSTGRES, **CLICKHOUSE}.items() if not name.endswith("HOST")}
    assert filled_from_old_names(environ) == {}
    with pytest.raises(ConfigError, match="SLUICE_CATALOG_URL is required"):
        load(CatalogSettings, environ)


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"POSTGRES_HOST": "db"}, "postgresql://postgres@db:5432/postgres"),
        ({"POSTGRES_HOST": "db", "POSTGRES_USER": "app"}, "postgresql://app@db:5432/app"),
        ({"POSTGRES_HOST": "::1", "POSTGRES_PORT": "5433"}, "postgresql://postgres@[::1]:5433/postgres"),
        (
            {"POSTGRES_HOST": "db", "POSTGRES_USER": "a@b", "POSTGRES_PASSWORD": "p:/?#ж", "POSTGRES_DB": "a b"},
            "postgresql://a%40b:p%3A%2F%3F%23%D0%B6@db:5432/a%20b",
        ),
        ({"POSTGRES_HOST": "/run/pg"}, "postgresql://postgres@%2Frun%2Fpg:5432/postgres"),
    ],
)
def test_postgres_names_make_a_catalog_url(environ: dict[str, str], url: str) -> None:
    assert load(CatalogSettings, environ).catalog_url == url


@pytest.mark.parametrize(
    ("port", "address"),
    [
        ("", "http://default@ch:8123/default"),
        ("8124", "http://default@ch:8124/default"),
        ("9000", "http://default@ch:8123/default"),
        ("9440", "https://default@ch:8443/default"),
        ("8443", "https://default@ch:8443/default"),
    ],
)
def test_a_native_port_of_clickhouse_stands_for_the_http_one(port: str, address: str) -> None:
    environ = {"CLICKHOUSE_HOST": "ch", "CLICKHOUSE_PORT": port}
    assert load(WarehouseSettings, environ).warehouse_url == address


def test_a_fault_names_the_older_name() -> None:
    with pytest.raises(ConfigError) as caught:
        load(RuntimeSettings, {"API_GATEWAY_PORT": "many"})
    assert caught.value.faults[0].startswith("SLUICE_PORT (from API_GATEWAY_PORT)='many' is not usable")
    assert MASK not in caught.value.faults[0]


@pytest.mark.parametrize("row", OLD_NAMES, ids=lambda row: row.fills)
def test_the_configuration_page_lists_each_and_what_it_fills_exists(row: object) -> None:
    assert isinstance(row, type(OLD_NAMES[0]))
    assert row.fills in all_settings()
    assert all(f"`{name}`" in configuration_page() for name in row.names)
