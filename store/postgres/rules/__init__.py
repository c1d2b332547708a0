"""The life of rule packs and models in PostgreSQL: versions, editions, suppressions and breakers."""
