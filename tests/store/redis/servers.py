"""Valkey servers of a test's own: alone, as a cluster, and behind a connection that can be cut."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from fenghuo.embedded import Service
from fenghuo.embedded.service import HOST, free_port
from fenghuo.embedded.valkey import Valkey


@dataclass(frozen=True)
class Tuned(Valkey):
    """Valkey with further options, which win over its usual ones."""

    options: tuple[str, ...] = ()

    def command(self, directory: Path, port: int, token: str) -> list[str]:
        """The server with its configuration as arguments."""
        return [*super().command(directory, port, token), *self.options]


class Server:
    """A Valkey with an append-only file, which a test may kill, hold up and start again.

    Args:
        home: its directory.
        options: of the command line.
        port: of the server; None for a free one.
    """

    def __init__(self, home: Path, *options: str, port: int | None = None) -> None:
        self._home = home
        self._options = options
        self._service: Service | None = None
        self.port = port or free_port()
        self._client: redis.Redis = redis.Redis.from_url(self.url)
        self.start()

    @property
    def url(self) -> str:
        """URL of database 0."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._service is not None
        return self._service.pid

    def client(self) -> redis.Redis:
        """A client of the test's own."""
        return self._client

    def ask(self, *words: str | float) -> Any:
        """The answer to one command."""
        call: Any = self._client.execute_command
        return call(*words)

    def start(self, *options: str) -> None:
        """Start it with what it had, and further options."""
        self._service = Service(Tuned(options=(*self._options, *options)), self._home, self.port)

    def kill(self) -> None:
        """What a crash leaves."""
        os.kill(self.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """End it."""
        self._client.close()
        if self._service is not None:
            self._service.stop()
        self._service = None

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Let it hang: connections are accepted, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def file_size(self) -> int:
        """Bytes of the append-only file so far."""
        return self._file().stat().st_size

    def lose(self, size: int) -> None:
        """Crash and come back with only the first `size` bytes of the append-only file."""
        self.kill()
        os.truncate(self._file(), size)
        self.start()

    def _file(self) -> Path:
        return max((self._home / "data" / "appendonlydir").glob("*.incr.aof"))


class Proxy:
    """A connection between client and server that a test can cut.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.cut: Callable[[], bool] = lambda: False
        self.answers = 0
        self._listener = socket.create_server((HOST, 0))
        self._pairs: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """URL of the server by way of the proxy."""
        return f"redis://{HOST}:{self._listener.getsockname()[1]}/0"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection((HOST, self.target))
            except OSError:  # as if nobody listened here either
                client.close()
                continue
            self._pairs += [client, server]
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if answers:
                    self.answers += 1
                    if self.cut():
                        break
                sink.sendall(data)
        except OSError:
            pass  # either side is gone, which ends both
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all connections."""
        self._listener.close()
        for end in self._pairs:
            end.close()


class Cluster:
    """A Valkey cluster of three primaries, of which the first has a replica.

    Args:
        home: directory of all of them.
        port: of the first; None for a free one.
    """

    def __init__(self, home: Path, port: int | None = None) -> None:
        self.nodes: list[Server] = []
        for number in range(4):
            bus = str(free_port())
            options = ("--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "1000")
            chosen = port if number == 0 else None
            self.nodes.append(Server(home / str(number), *options, "--appendfsync", "no", port=chosen))
            if number:
                self.nodes[0].ask("CLUSTER", "MEET", HOST, self.nodes[number].port, bus)
        for number, (first, last) in enumerate(((0, 5460), (5461, 10922), (10923, 16383))):
            self.nodes[number].ask("CLUSTER", "ADDSLOTSRANGE", first, last)
        self.all_say(b"cluster_known_nodes:4")
        self.nodes[3].ask("CLUSTER", "REPLICATE", self.id(self.nodes[0]))
        self.all_say(b"cluster_state:ok")
        wait(lambda: self.nodes[3].client().info("replication")["master_link_status"] == "up")

    def all_say(self, text: bytes) -> None:
        """Wait until the state of the cluster says something, as each node sees it."""
        wait(lambda: all(text in node.ask("CLUSTER", "INFO") for node in self.nodes))

    def id(self, node: Server) -> str:
        """Name of a node within the cluster."""
        return str(node.ask("CLUSTER", "MYID").decode())

    def owner(self, key: str) -> Server:
        """The primary that serves a key."""
        slot = self.nodes[1].ask("CLUSTER", "KEYSLOT", key)
        for first, last, primary, *_ in self.nodes[1].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == primary[1])
        raise AssertionError(key)

    def stop(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.stop()


def wait(condition: Callable[[], object], timeout: float = 20.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {timeout:g} s"
        time.sleep(0.02)
