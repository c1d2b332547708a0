"""Limits on attempts: who waits, and for how long."""

from console import throttle
from console.throttle import PER_ADDRESS, PER_NAME, PER_PAIR, WINDOW, Throttle


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def fail(limits: Throttle, name: str, address: str, times: int) -> None:
    for _ in range(times):
        limits.count(name, address)


def test_a_pair_waits_until_its_oldest_attempt_leaves_the_window() -> None:
    clock = Seconds()
    limits = Throttle(clock)
    for _ in range(PER_PAIR):
        assert limits.wait("lin", "10.0.0.1") == 0
        limits.count("lin", "10.0.0.1")
        clock.now += 10
    assert limits.wait("lin", "10.0.0.1") == WINDOW - 10 * PER_PAIR
    clock.now += WINDOW - 10 * PER_PAIR
    assert limits.wait("lin", "10.0.0.1") == 0


def test_the_person_may_still_come_from_elsewhere() -> None:
    limits = Throttle(Seconds())
    fail(limits, "lin", "10.0.0.1", PER_PAIR)
    assert limits.wait("lin", "10.0.0.2") == 0
    assert limits.wait("wei", "10.0.0.1") == 0


def test_an_address_that_tries_many_names_waits() -> None:
    limits = Throttle(Seconds())
    for number in range(PER_ADDRESS):
        limits.count(f"name-{number}", "10.0.0.1")
    assert limits.wait("fresh", "10.0.0.1") == WINDOW
    assert limits.wait("fresh", "10.0.0.2") == 0


def test_a_name_that_is_tried_from_many_addresses_waits() -> None:
    limits = Throttle(Seconds())
    for number in range(PER_NAME):
        limits.count("lin", f"10.0.0.{number}")
    assert limits.wait("lin", "10.1.1.1") == WINDOW


def test_the_right_password_is_no_failed_attempt() -> None:
    limits = Throttle(Seconds())
    for _ in range(PER_ADDRESS + 1):
        limits.count("lin", "10.0.0.1")
        limits.forgive("lin", "10.0.0.1")
    assert limits.wait("lin", "10.0.0.1") == 0


def test_memory_is_bounded() -> None:
    limits = Throttle(Seconds())
    for number in range(throttle.MAX_KEYS):
        limits.count(f"name-{number}", f"address-{number}")
    assert len(limits._attempts) == throttle.MAX_KEYS
