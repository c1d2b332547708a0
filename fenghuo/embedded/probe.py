"""Asks a server, in its own protocol, whether it is there; for embedded and external servers alike."""

from typing import Any

import psycopg
import redis
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from fenghuo.embedded.errors import NotReady

DRIVER = "postgresql+psycopg://"


def probe_redis(url: str, timeout: float) -> None:
    """PING the Redis at `url`.

    Raises:
        NotReady: no answer within `timeout` seconds, or another answer.
    """
    once = Retry(NoBackoff(), 0)
    try:
        client = redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=once)
        with client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise NotReady(one_line(error)) from error


def probe_database(url: str, timeout: float) -> None:
    """SELECT 1 from the PostgreSQL at the SQLAlchemy `url`.

    Raises:
        NotReady: no answer within `timeout` seconds, or another answer.
    """
    try:
        with psycopg.connect(libpq_url(url), connect_timeout=max(1, round(timeout))) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise NotReady(one_line(error)) from error


def probe_kafka(servers: str, timeout: float) -> str:
    """List the topics of the brokers at `servers` and return the id of their cluster.

    Raises:
        NotReady: no answer within `timeout` seconds, or another answer.
    """
    reasons: list[object] = []
    settings: dict[str, Any] = {"bootstrap.servers": servers, "error_cb": reasons.append, "log_level": 0}
    client = AdminClient(settings)
    try:
        return str(client.list_topics(timeout=timeout).cluster_id)
    except KafkaException as error:
        client.poll(0)
        raise NotReady(one_line(reasons[0] if reasons else error.args[0])) from error


def libpq_url(url: str) -> str:
    """The SQLAlchemy `url` as libpq understands it.

    >>> libpq_url("postgresql+psycopg://fenghuo@127.0.0.1:5432/fenghuo")
    'postgresql://fenghuo@127.0.0.1:5432/fenghuo'
    """
    return url.replace(DRIVER, "postgresql://", 1)


def one_line(error: object) -> str:
    """The first line that `error` has to say; client libraries add hints below it."""
    text = error.str() if isinstance(error, KafkaError) else str(error)
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
