"""All servers that a process needs: the ones that settings name, embedded ones for the rest."""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from fenghuo.embedded.broker import start_broker
from fenghuo.embedded.errors import EmbeddedError, NotReady
from fenghuo.embedded.postgres import start_postgres
from fenghuo.embedded.probe import probe_database, probe_kafka, probe_redis
from fenghuo.embedded.service import Service
from fenghuo.embedded.valkey import start_valkey
from fenghuo.settings import Settings, variable

Need = Literal["redis", "database", "kafka"]
EVERYTHING: frozenset[Need] = frozenset({"redis", "database", "kafka"})
PROBE_TIMEOUT = 5.0


class Kind(NamedTuple):
    """How one need is met.

    Args:
        setting: the setting that names a server for it.
        what: what such a server is called.
        probe: asks that server whether it is there.
        start: starts the embedded one in a directory.
        directory: name of that directory.
    """

    setting: str
    what: str
    probe: Callable[[str, float], object]
    start: Callable[[Path], Service]
    directory: str


KINDS: Mapping[Need, Kind] = {
    "redis": Kind("redis_url", "Redis", probe_redis, start_valkey, "valkey"),
    "database": Kind("database_url", "PostgreSQL", probe_database, start_postgres, "postgres"),
    "kafka": Kind("kafka", "Kafka broker", probe_kafka, start_broker, "broker"),
}


@dataclass
class Services:
    """The servers at hand; a context manager that stops the embedded ones, the last started first.

    Args:
        urls: where clients reach each need.
        embedded: the servers that this process started.
    """

    urls: Mapping[Need, str]
    embedded: Mapping[Need, Service]
    _stack: ExitStack

    @property
    def redis_url(self) -> str:
        """URL of Redis."""
        return self._url("redis")

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of PostgreSQL."""
        return self._url("database")

    @property
    def kafka(self) -> str:
        """Bootstrap servers of Kafka."""
        return self._url("kafka")

    def poll(self) -> None:
        """Raise ServiceDied if an embedded server has ended; call it in a supervisor's loop."""
        for service in self.embedded.values():
            service.poll()

    def stop(self) -> None:
        """Stop the embedded servers; harmless when they have stopped already."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _url(self, need: Need) -> str:
        if need not in self.urls:
            raise EmbeddedError(f"`{need}` was not asked for; name it in `need` of `start_services`")
        return self.urls[need]


def start_services(settings: Settings, data_dir: Path, need: Collection[Need] = EVERYTHING) -> Services:
    """Reach or start every server in `need`.

    Args:
        settings: name the servers to use; what they leave out is started.
        data_dir: where the embedded servers keep their data, each in a directory of its own.
        need: what the caller needs.

    Raises:
        EmbeddedError: one can't be reached or started; those started before it are stopped again.
    """
    # What is named is asked first, so that a wrong setting shows before anything is started.
    named = [which for which in KINDS if which in need and getattr(settings, KINDS[which].setting)]
    urls = {which: reach(settings, which) for which in named}
    embedded: dict[Need, Service] = {}
    with ExitStack() as stack:
        for which, kind in KINDS.items():
            if which in need and which not in urls:
                embedded[which] = stack.enter_context(kind.start(data_dir / kind.directory))
                urls[which] = embedded[which].url
        return Services(urls, embedded, stack.pop_all())


def reach(settings: Settings, which: Need) -> str:
    """The URL of the server that the setting of `which` names, once it has answered.

    Raises:
        EmbeddedError: nobody answers there.
    """
    kind = KINDS[which]
    url: str = getattr(settings, kind.setting)
    try:
        kind.probe(url, PROBE_TIMEOUT)
    except NotReady as error:
        place = settings.source_of(kind.setting).place or variable(kind.setting)
        raise EmbeddedError(
            f"`{place}`: no {kind.what} answers at `{settings.shown(kind.setting)}` ({error}); "
            "start it, correct the setting, or leave it out to use the embedded one"
        ) from error
    return url
