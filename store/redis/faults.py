"""What can go wrong with Redis: how it is counted, whether waiting helps, and what the operator reads."""

import re
from dataclasses import dataclass
from enum import StrEnum

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterError,
    ConnectionError,  # noqa: A004 -- Redis' own
    RedisClusterException,
    RedisError,
    TimeoutError,  # noqa: A004
)

from store.errors import StoreError
from windows.errors import WindowError

AnyRedisError = RedisError | RedisClusterException
ANY_REDIS_ERROR = (RedisError, RedisClusterException)
"""The client's errors; those of a cluster as a whole are of another family."""


class Fault(StrEnum):
    """Causes of failed calls, as the metric names them."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    LOADING = "loading"
    MEMORY = "memory"
    READONLY = "readonly"
    REPLICAS = "replicas"
    DISK = "disk"
    BUSY = "busy"
    CLUSTER = "cluster"
    EMPTIED = "emptied"
    BEHIND = "behind"
    FENCED = "fenced"
    ACCESS = "access"
    REFUSED = "refused"


class StoreRefusedError(StoreError, WindowError):
    """Raised when Redis answers but won't do what is asked. Operator action: what the message says."""


@dataclass(frozen=True, slots=True)
class Trait:
    """What a fault means.

    Args:
        passes: True where trying again later may help.
        told: what is wrong and what to do, around the server's own words.
    """

    passes: bool
    told: str


_TRAITS = {
    Fault.UNREACHABLE: Trait(
        passes=True, told="Redis at {place} does not answer: {words}; start it or set FENGHUO_REDIS_URL"
    ),
    Fault.TIMEOUT: Trait(
        passes=True,
        told="Redis at {place} is too slow: {words}; look for slow commands and swapping there",
    ),
    Fault.LOADING: Trait(
        passes=True, told="Redis at {place} reads its data after a start: {words}; it will answer when it has"
    ),
    Fault.MEMORY: Trait(
        passes=True, told="Redis at {place} is out of memory: {words}; raise its maxmemory and evict nothing"
    ),
    Fault.READONLY: Trait(
        passes=True,
        told="Redis at {place} is a read-only replica: {words}; set FENGHUO_REDIS_URL to the primary",
    ),
    Fault.REPLICAS: Trait(
        passes=True, told="Redis at {place} has too few replicas to write: {words}; start its replicas"
    ),
    Fault.DISK: Trait(
        passes=True, told="Redis at {place} can't write to its disk: {words}; make room on the disk there"
    ),
    Fault.BUSY: Trait(
        passes=True, told="Redis at {place} is busy with another's script: {words}; end it with SCRIPT KILL"
    ),
    Fault.CLUSTER: Trait(
        passes=True,
        told="the Redis cluster at {place} does not serve a slot: {words}; finish its failover or migration",
    ),
    Fault.ACCESS: Trait(
        passes=False,
        told="Redis at {place} refuses this user: {words}; correct name, password or rights in "
        "FENGHUO_REDIS_URL and its ACL",
    ),
    Fault.REFUSED: Trait(
        passes=False,
        told="Redis at {place} refused the call: {words}; see that nothing else uses the keys of the windows",
    ),
}

_CODES = {
    "LOADING": Fault.LOADING,
    "OOM": Fault.MEMORY,
    "READONLY": Fault.READONLY,
    "MASTERDOWN": Fault.READONLY,
    "NOREPLICAS": Fault.REPLICAS,
    "MISCONF": Fault.DISK,
    "BUSY": Fault.BUSY,
    "MOVED": Fault.CLUSTER,
    "ASK": Fault.CLUSTER,
    "TRYAGAIN": Fault.CLUSTER,
    "CLUSTERDOWN": Fault.CLUSTER,
    "NOAUTH": Fault.ACCESS,
    "WRONGPASS": Fault.ACCESS,
    "NOPERM": Fault.ACCESS,
}
_KINDS = (
    (AuthenticationError, Fault.ACCESS),
    (AuthorizationError, Fault.ACCESS),
    (TimeoutError, Fault.TIMEOUT),
    (ConnectionError, Fault.UNREACHABLE),  # the root of the two first
    (ClusterError, Fault.CLUSTER),
    (RedisClusterException, Fault.CLUSTER),
)
# A script passes on the error of a command in it, behind words of its own in older servers.
_CODE = re.compile(r"(?:^|[:-] ?-?)([A-Z]+)\b")


def fault_of(error: AnyRedisError) -> Fault:
    """The cause of a client's error."""
    if isinstance(error, RedisClusterException) and isinstance(error.__cause__, RedisError):
        return fault_of(error.__cause__)  # why no node of the cluster could be asked
    codes = [getattr(error, "status_code", None), *_CODE.findall(str(error))]
    known = (_CODES[code] for code in codes if code in _CODES)
    kinds = (fault for kind, fault in _KINDS if isinstance(error, kind))
    return next(known, next(kinds, Fault.REFUSED))


def passes(fault: Fault) -> bool:
    """Whether trying again later may help."""
    return _TRAITS[fault].passes


def told(fault: Fault, place: str, error: AnyRedisError) -> str:
    """One line for the operator: what, where, what to do."""
    words = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return _TRAITS[fault].told.format(place=f"`{place}`", words=words.rstrip("."))
