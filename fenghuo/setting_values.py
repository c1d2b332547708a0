"""The values of settings: what a text must look like, and what it becomes."""

import math
import os
import re
from pathlib import Path

from events.clock import DAY, HOUR, MINUTE, SECOND

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_LONGEST = 3_660 * DAY


def parse_speed(value: object) -> float | None:
    """How many times faster than life a stream is played; None for as fast as it goes.

    >>> parse_speed("60x"), parse_speed("max")
    (60.0, None)

    Raises:
        ValueError: `value` is neither `max` nor a positive factor.
    """
    if value is None or value == "max":
        return None
    factor = math.nan
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            factor = float(value.removesuffix("x") if isinstance(value, str) else value)
        except ValueError:
            factor = math.nan
    if not 0 < factor < math.inf:
        raise ValueError("expected `max` or a factor such as `60x`")
    return factor


def redis_url_of(text: str) -> str:
    """A URL of Redis."""
    if not re.match(r"(rediss?|unix)://.", text):
        raise ValueError("expected a URL such as `redis://host:6379/0`")
    return text


def database_url_of(text: str) -> str:
    """A URL of PostgreSQL with the driver, as SQLAlchemy wants it; people and platforms leave it out."""
    scheme, _, rest = text.partition("://")
    if scheme not in {"postgresql+psycopg", "postgresql", "postgres"} or not rest:
        raise ValueError("expected a URL such as `postgresql://user:password@host:5432/database`")
    return f"postgresql+psycopg://{rest}"


def bootstrap_servers(text: str) -> str:
    """Kafka servers with their ports, with commas between them."""
    if not all(re.fullmatch(r"\S+:\d+", server.strip()) for server in text.split(",")):
        raise ValueError("expected bootstrap servers such as `host:9092,other:9092`")
    return text


def paths_of(value: object) -> object:
    """One path or several, of a text with the system's separator between them."""
    paths = [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value
    if isinstance(paths, Path):
        return (paths,)
    if not paths:
        raise ValueError("expected at least one file")
    return paths


def none_of(value: object) -> object:
    """None for the word `none`."""
    return None if value == "none" else value


def lowered(value: object) -> object:
    """A text in lower case."""
    return value.lower() if isinstance(value, str) else value


def length_of(text: str) -> str:
    """A length of time as it is written, with its unit.

    >>> length_of("7d")
    '7d'

    Raises:
        ValueError: it is none, or out of range.
    """
    milliseconds_of(text)
    return text


def milliseconds_of(length: str) -> int:
    """A length of time in milliseconds.

    >>> milliseconds_of("90m")
    5400000

    Raises:
        ValueError: it is none, or out of range.
    """
    found = re.fullmatch(r"(\d{1,9})([smhd])", length, re.ASCII)
    if found is None or not SECOND <= (span := int(found[1]) * _UNITS[found[2]]) <= _LONGEST:
        raise ValueError(f"expected a number with s, m, h or d, from `1s` to `{_LONGEST // DAY}d`")
    return span
