"""Engines: how processes connect to PostgreSQL."""

from typing import Any

import msgspec
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from store.errors import StoreError

NETWORK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,  # ms; the others are seconds
    "application_name": "fenghuo",
}
"""libpq's settings: a server that vanished is noticed within half a minute."""

_SCHEMES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})

# Cached generic plans are made while tables are small, and would then scan them when they are large.
_SESSION = "-c timezone=UTC -c plan_cache_mode=force_custom_plan"


def sync_engine(database_url: str, *, pool_size: int = 5) -> Engine:
    """An engine for threads; connects at the first use.

    Raises:
        StoreError: when `database_url` is no PostgreSQL URL.
    """
    return create_engine(_url(database_url), **_options(pool_size))


def async_engine(database_url: str, *, pool_size: int = 5) -> AsyncEngine:
    """An engine for one event loop; connects at the first use.

    Raises:
        StoreError: when `database_url` is no PostgreSQL URL.
    """
    return create_async_engine(_url(database_url), **_options(pool_size))


def _options(pool_size: int) -> dict[str, Any]:
    return {
        "pool_size": pool_size,
        "pool_pre_ping": True,
        "pool_timeout": 10,
        "hide_parameters": True,  # tracebacks hold no personal data
        "connect_args": {**NETWORK, "options": _SESSION},
        "json_serializer": msgspec.json.encode,
        "json_deserializer": msgspec.json.decode,
    }


def _url(database_url: str) -> URL:
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):  # the second for a port that is no number
        url = None
    if url is None or url.drivername not in _SCHEMES:
        # The text itself may hold a password, so it is not repeated.
        raise StoreError(
            "database URL: not understood; write it as `postgresql://user:password@host:5432/database`"
        )
    return url.set(drivername="postgresql+psycopg")
