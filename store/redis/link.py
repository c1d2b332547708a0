"""The way to Redis: one server, or the nodes of a cluster, as it turns out to be."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import RedisError
from redis.retry import Retry

from store.redis.faults import Fault

Client = redis.Redis | redis.RedisCluster

_TO_NODES = ("username", "password", "socket_timeout", "socket_connect_timeout")


def connect(url: str, timeout: float) -> Client:
    """A client that answers or fails within `timeout` seconds; retries are the caller's business.

    Where the server is a node of a cluster, the client follows its slots. A server that does not answer yet
    is taken for a single one; `Link` finds out later.

    Args:
        url: `redis://host:port/db`, `rediss://…` or `unix://…`.
        timeout: seconds for one call.
    """
    options: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    client: redis.Redis = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **options)
    try:
        info: Any = client.info("cluster")
    except RedisError:  # whoever calls next will hear of it again
        return client
    return _cluster(client) if info.get("cluster_enabled") else client


def _cluster(client: redis.Redis) -> redis.RedisCluster:
    """A client for the cluster that a server belongs to; it opens connections at once."""
    options: dict[str, Any] = client.get_connection_kwargs()
    held = {name: value for name, value in options.items() if name in _TO_NODES or name.startswith("ssl_")}
    client.close()
    return redis.RedisCluster(
        host=options["host"],
        port=options["port"],
        retry=Retry(NoBackoff(), 0),
        require_full_coverage=False,  # the slots that are served are worth having
        ssl=issubclass(client.connection_pool.connection_class, redis.SSLConnection),
        **held,
    )


class Route(NamedTuple):
    """Calls that go to one server together.

    Args:
        place: host and port of the server.
        client: of the server.
        numbers: of the calls.
    """

    place: str
    client: redis.Redis
    numbers: list[int]


class Link:
    """Finds the server of each key, and learns when that changes.

    Args:
        client: of the server, or of any node of a cluster.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._stale: str | None = None

    @property
    def place(self) -> str:
        """Where it leads: host and port, of a cluster those of one node."""
        if isinstance(self._client, redis.RedisCluster):
            return str(next(iter(self._client.nodes_manager.startup_nodes)))
        options = self._client.get_connection_kwargs()
        return str(options["path"]) if "path" in options else f"{options['host']}:{options['port']}"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def routes(self, keys: Sequence[str]) -> list[Route]:
        """The calls for these keys by server.

        Raises:
            RedisError, RedisClusterException: no node of the cluster knows who serves a key.
        """
        if isinstance(self._client, redis.Redis):
            return [Route(self.place, self._client, list(range(len(keys))))]
        if self._stale is not None:
            self._client.nodes_manager.initialize(last_failed_node_name=self._stale)
            self._stale = None
        cluster: Any = self._client
        found: dict[str, Route] = {}
        for number, key in enumerate(keys):
            node = cluster.get_node_from_key(key)
            client = cluster.get_redis_connection(node)
            found.setdefault(node.name, Route(node.name, client, [])).numbers.append(number)
        return list(found.values())

    def failed(self, place: str, fault: Fault) -> None:
        """Take note that a server of `routes` failed; it may have another address or another role by now."""
        if isinstance(self._client, redis.RedisCluster):
            self._stale = place
            nodes: dict[str, ClusterNode] = self._client.nodes_manager.nodes_cache
            if place in nodes and nodes[place].redis_connection is not None:
                nodes[place].redis_connection.connection_pool.disconnect()
        elif fault is Fault.READONLY:  # what stands behind the name is another server after a failover
            self._client.connection_pool.disconnect()

    def follow(self, command: Sequence[Any]) -> Any:
        """Do a call that a server sent elsewhere, as only nodes of a cluster do.

        Raises:
            RedisError, RedisClusterException: it failed there, too.
        """
        if isinstance(self._client, redis.Redis):
            self._client = _cluster(self._client)
        cluster: Any = self._client
        return cluster.execute_command(*command)
