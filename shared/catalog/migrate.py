"""Migrations of the catalog: Alembic, run from code, one migrator at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

FOLDER = Path(__file__).parent / "migrations"

# Any number nobody else locks: concurrent migrators wait for each other.
_LOCK = 7_583_190_266


def migrate(url: str, revision: str = "head") -> None:
    """Bring the catalog forwards to `revision`; harmless where it is there already."""
    with _connected(url) as (connection, config):
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Bring the catalog back to `revision` ("base" for empty)."""
    with _connected(url) as (connection, config):
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def current(url: str) -> str | None:
    """The revision the catalog is at; None where nothing was applied."""
    with _connected(url) as (connection, _):
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _connected(url: str) -> Iterator[tuple[Connection, Config]]:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
        connection.commit()
        try:
            yield connection, config
        finally:
            connection.rollback()
            connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
            connection.commit()
