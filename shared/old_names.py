"""Environment names of older deployments: each fills a setting of ours that is unset."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

# ClickHouse's own protocol, which older services spoke → the HTTP interface beside it, which ours speak.
_HTTP_BESIDE_NATIVE = {"9000": "8123", "9440": "8443"}
_TLS = "8443"


class Filled(NamedTuple):
    """A value for one of our settings, and the names it was put together from."""

    value: str
    names: str


class OldNames(NamedTuple):
    """A row of the documentation: the older names, the setting they fill and how."""

    names: tuple[str, ...]
    fills: str
    how: str


OLD_NAMES = (
    OldNames(("API_GATEWAY_PORT",), "SLUICE_PORT", "as it is"),
    OldNames(
        ("POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"),
        "SLUICE_CATALOG_URL",
        "where POSTGRES_HOST is set; by default port 5432, user `postgres`, the database named as the user",
    ),
    OldNames(
        ("CLICKHOUSE_HOST", "CLICKHOUSE_PORT", "CLICKHOUSE_USER", "CLICKHOUSE_PASSWORD", "CLICKHOUSE_DB"),
        "SLUICE_WAREHOUSE_URL",
        "where CLICKHOUSE_HOST is set; by default port 8123, user and database `default`; the native ports 9000 and "
        "9440 stand for 8123 and 8443 (HTTPS), the HTTP interface beside them",
    ),
)


def filled_from_old_names(environ: Mapping[str, str]) -> dict[str, Filled]:
    """What the older names in `environ` give for our settings, by our names; an empty variable counts as unset.

    Whoever calls this lets a setting that is set win. The values may hold passwords: only `names` may be shown.
    """
    found = {
        "SLUICE_PORT": environ.get("API_GATEWAY_PORT", ""),
        "SLUICE_CATALOG_URL": _postgres(environ),
        "SLUICE_WAREHOUSE_URL": _clickhouse(environ),
    }
    names = {row.fills: ", ".join(name for name in row.names if environ.get(name)) for row in OLD_NAMES}
    return {ours: Filled(value, names[ours]) for ours, value in found.items() if value}


def _postgres(environ: Mapping[str, str]) -> str:
    host = environ.get("POSTGRES_HOST", "")
    if not host:
        return ""
    user = environ.get("POSTGRES_USER") or "postgres"
    port = environ.get("POSTGRES_PORT") or "5432"
    password, database = environ.get("POSTGRES_PASSWORD", ""), environ.get("POSTGRES_DB") or user
    return _url("postgresql", host, port, user=user, password=password, database=database)


def _clickhouse(environ: Mapping[str, str]) -> str:
    host = environ.get("CLICKHOUSE_HOST", "")
    if not host:
        return ""
    given = environ.get("CLICKHOUSE_PORT") or "8123"
    port = _HTTP_BESIDE_NATIVE.get(given, given)
    user = environ.get("CLICKHOUSE_USER") or "default"
    password, database = environ.get("CLICKHOUSE_PASSWORD", ""), environ.get("CLICKHOUSE_DB") or "default"
    return _url("https" if port == _TLS else "http", host, port, user=user, password=password, database=database)


def _url(scheme: str, host: str, port: str, *, user: str, password: str, database: str) -> str:
    login = ":".join(quote(part, safe="") for part in (user, password) if part)
    address = f"[{host}]" if ":" in host else quote(host, safe="")
    return f"{scheme}://{login}@{address}:{port}/{quote(database, safe='')}"
