"""Alembic's script directory; `versions` holds one file per change of the schema, named by its revision."""
