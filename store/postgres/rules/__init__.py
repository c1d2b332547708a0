"""The life of rule packs in PostgreSQL: versions, editions, suppressions and breakers."""
