"""Run by Alembic: applies the migrations on the connection, and in the transaction, that `migrate` opened."""

from alembic import context

from store.postgres.tables import ALERTS

context.configure(connection=context.config.attributes["connection"], target_metadata=ALERTS.metadata)
with context.begin_transaction():
    context.run_migrations()
