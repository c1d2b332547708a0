"""What settings name is used, the rest is started; all of it is watched and stopped together."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from fenghuo.embedded import EmbeddedError, ServiceDied, start_services
from fenghuo.embedded import services as module
from fenghuo.embedded.service import free_port, listens
from fenghuo.settings import load_settings

REFUSED = {
    "FENGHUO_REDIS_URL": (
        "redis://:hunter2@{at}/0",
        "no Redis answers at `redis://:********@{at}/0` (Error 111 connecting to {at}. Connection refused.)",
    ),
    "FENGHUO_DATABASE_URL": (
        "postgresql://risk:hunter2@{at}/risk",
        "no PostgreSQL answers at `postgresql+psycopg://risk:********@{at}/risk` ({reason})",
    ),
    "FENGHUO_KAFKA": (
        "{at}",
        "no Kafka broker answers at `{at}` ({at}/bootstrap: Connect to ipv4#{at} failed: Connection refused",
    ),
}
"""By variable: what it is set to, and how the message about it begins."""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("FENGHUO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_only_what_is_needed_is_started(tmp_path: Path) -> None:
    with start_services(load_settings(), tmp_path, {"redis"}) as services:
        assert list(services.embedded) == ["redis"]
        with redis.Redis.from_url(services.redis_url) as client:
            assert client.ping()
        with pytest.raises(EmbeddedError, match="`kafka` was not asked for"):
            _ = services.kafka
    assert sorted(path.name for path in tmp_path.iterdir()) == ["valkey"]


def test_servers_that_are_set_are_used_and_left_running(
    valkey_url: str, database_url: str, kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENGHUO_REDIS_URL", valkey_url)
    monkeypatch.setenv("FENGHUO_DATABASE_URL", database_url)
    monkeypatch.setenv("FENGHUO_KAFKA", kafka)
    with start_services(load_settings(), tmp_path / "var") as services:
        assert (services.redis_url, services.database_url, services.kafka) == (
            valkey_url,
            database_url,
            kafka,
        )
        assert not services.embedded
        services.poll()
    assert not (tmp_path / "var").exists()
    with redis.Redis.from_url(valkey_url) as client:
        assert client.ping()


@pytest.mark.parametrize("name", REFUSED)
def test_a_server_that_is_set_and_does_not_answer(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    reason = f'connection failed: connection to server at "127.0.0.1", port {port} failed: Connection refused'
    url, message = (text.format(at=f"127.0.0.1:{port}", reason=reason) for text in REFUSED[name])
    monkeypatch.setenv(name, url)
    monkeypatch.setattr(module, "PROBE_TIMEOUT", 1.0)
    with pytest.raises(EmbeddedError) as error:
        start_services(load_settings(), tmp_path / "var")
    assert str(error.value).startswith(f"`{name}`: {message}")
    assert str(error.value).endswith(
        "; start it, correct the setting, or leave it out to use the embedded one"
    )
    assert not (tmp_path / "var").exists()  # nothing is half-started


def test_the_one_that_dies_is_named(tmp_path: Path, eventually: Callable[..., None]) -> None:
    deaths: list[ServiceDied] = []
    with start_services(load_settings(), tmp_path, {"redis", "kafka"}) as services:
        services.poll()
        os.kill(services.embedded["kafka"].pid, signal.SIGKILL)

        def died() -> bool:
            try:
                services.poll()
            except ServiceDied as death:
                deaths.append(death)
            return bool(deaths)

        eventually(died)
        services.embedded["redis"].poll()
    assert deaths[0].service == "Kafka broker"


def test_what_was_started_is_stopped_when_a_later_one_fails(tmp_path: Path) -> None:
    (tmp_path / "broker").write_text("in the way of its directory")
    with pytest.raises(EmbeddedError, match="Kafka broker can't keep its data there: File exists"):
        start_services(load_settings(), tmp_path, {"redis", "kafka"})
    with start_services(load_settings(), tmp_path, {"redis"}) as services:
        port = services.embedded["redis"].port
    assert not listens(port)


def test_stopping_twice_is_harmless(tmp_path: Path) -> None:
    services = start_services(load_settings(), tmp_path, {"redis"})
    services.stop()
    services.stop()
