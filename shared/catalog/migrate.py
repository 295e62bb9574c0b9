"""Migrations of the catalog: Alembic, run from code, one migrator at a time, all or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from shared.catalog.client import CatalogUnavailableError
from shared.failpoints import reach

FOLDER = Path(__file__).parent / "migrations"

# Any number nobody else locks: concurrent migrators wait for each other, and none waits forever.
_LOCK = 7_583_190_266
_LOCK_SECONDS = 60
_CONNECT_SECONDS = 10


class CatalogMigrationError(Exception):
    """The catalog's revision and this version's migrations do not fit; the message names the revision."""


def migrate(url: str, revision: str = "head") -> None:
    """Bring the catalog forwards to `revision`; harmless where it is there already.

    Raises CatalogUnavailableError where the catalog is away or another migrator holds it for a minute,
    CatalogMigrationError where a newer version of Sluice has been at work. After an error nothing has changed.
    """
    with _connected(url) as connection:
        command.upgrade(_config(connection), revision)
        reach("migrate.catalog_before_commit")


def downgrade(url: str, revision: str) -> None:
    """Bring the catalog back to `revision` ("base" for empty); raises as `migrate` does."""
    with _connected(url) as connection:
        command.downgrade(_config(connection), revision)


def current(url: str) -> str | None:
    """The revision the catalog is at; None where nothing was applied. Raises CatalogUnavailableError."""
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """One transaction that holds the migrators' lock; it ends with the lock, also when we are killed."""
    # libpq reads the URL itself, so that it means here exactly what it means to the functions.
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url, connect_timeout=_CONNECT_SECONDS),
        poolclass=NullPool,
    )
    try:
        with engine.begin() as connection:
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            yield connection
    except OperationalError as error:
        raise CatalogUnavailableError(f"the catalog cannot be migrated: {error.orig}") from error
    except CommandError as error:
        raise CatalogMigrationError(f"the catalog cannot be migrated: {error}") from error


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
