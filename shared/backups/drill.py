"""A restore drill: a copy restored for real, into a scratch database beside the warehouse's and a scratch schema."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

from shared.backups import BackupError, Manifest
from shared.backups.restoring import Restored, Say, Target, restore
from shared.backups.rows import READ_LIMITS, SOCKET_SECONDS
from shared.backups.storage import Storage
from shared.catalog.client import CatalogUnavailableError
from shared.clock import Clock
from shared.warehouse.client import Warehouse, WarehouseError


async def drill(manifest: Manifest, storage: Storage, urls: tuple[str, str], clock: Clock, say: Say) -> Restored:
    """Restore a copy beside what is there and take it away again; raises BackupError where it is not what it was.

    `urls` are the instance's warehouse and catalog, of which nothing changes; their logins must be allowed to make a
    database and a schema. For as long as it takes the rows need room twice.
    """
    async with scratch(*urls) as target:
        return await restore(manifest, storage, target, clock, say)


@asynccontextmanager
async def scratch(warehouse_url: str, catalog_url: str) -> AsyncIterator[Target]:
    """An empty place beside an instance's own, gone after the block; raises BackupError where it may not be made."""
    import psycopg

    name = f"sluice_drill_{uuid4().hex[:12]}"
    beside = Warehouse(warehouse_url, timeout_seconds=SOCKET_SECONDS)
    try:
        try:
            await beside.command(f"CREATE DATABASE {name}")
            _schema(catalog_url, f"CREATE SCHEMA {name}")
        except (WarehouseError, psycopg.Error) as error:
            raise BackupError(f"a drill may not make the database and the schema it needs: {error}") from error
        place = Warehouse(_with_database(warehouse_url, name), timeout_seconds=SOCKET_SECONDS, read_limits=READ_LIMITS)
        try:
            yield Target(place, _with_schema(catalog_url, name))
        finally:
            await place.close()
    finally:
        await beside.command(f"DROP DATABASE IF EXISTS {name}")
        _schema(catalog_url, f"DROP SCHEMA IF EXISTS {name} CASCADE")
        await beside.close()


def _schema(url: str, statement: str) -> None:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=10, autocommit=True) as connection:
            connection.execute(statement.encode())
    except psycopg.OperationalError as error:
        raise CatalogUnavailableError("the catalog is away") from error


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _with_schema(url: str, name: str) -> str:
    parts = urlsplit(url)
    option = f"options={quote(f'-csearch_path={name}')}"
    return urlunsplit(parts._replace(query=f"{parts.query}&{option}" if parts.query else option))
