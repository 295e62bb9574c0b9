"""Alembic runs this to reach the database; the connection is made by shared/catalog/migrate.py."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
