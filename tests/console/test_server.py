"""The server: where it listens, and what it says when it can't."""

import socket
import time

import pytest

from console.errors import SettingError
from console.server import listen
from tests.console.running import Console


def test_a_taken_port_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingError, match=rf"can't listen on `127\.0\.0\.1:{port}`: Address already in use"
        ):
            listen("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(SettingError, match=r"can't listen on `192\.0\.2\.1:0`: .*; choose another"):
        listen("192.0.2.1", 0)


def test_answers_do_not_wait_for_acknowledgements(console: Console) -> None:
    # With Nagle's delay the body, a packet of its own after the head, comes 40 ms late.
    with console.client() as client:
        client.get("/static/fenghuo.svg")
        times = []
        for _ in range(11):
            start = time.perf_counter()
            client.get("/static/fenghuo.svg")
            times.append(time.perf_counter() - start)
    assert sorted(times)[2] < 0.035


def test_the_listener_is_tcp() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
