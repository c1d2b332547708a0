"""Limits on sign-in attempts, so that a password can't be guessed by trying."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from math import ceil

WINDOW = 300.0  # seconds
PER_PAIR = 5
PER_ADDRESS = 30
PER_NAME = 50
MAX_KEYS = 20_000

Key = tuple[str, str]


class Throttle:
    """Counts failed attempts in a rolling window, per (name, address), per address and per name.

    The tight limit is the pair's, so that a stranger's guesses don't lock the person out of another address.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts: OrderedDict[Key, deque[float]] = OrderedDict()

    def wait(self, name: str, address: str) -> int:
        """Seconds until another attempt is allowed, 0 when it is allowed now."""
        now = self._clock()
        return max(self._wait(key, limit, now) for key, limit in _limits(name, address))

    def count(self, name: str, address: str) -> None:
        """Count an attempt before it is checked, so that attempts side by side can't slip through."""
        now = self._clock()
        for key, _ in _limits(name, address):
            self._attempts.setdefault(key, deque()).append(now)
            self._attempts.move_to_end(key)
        while len(self._attempts) > MAX_KEYS:
            self._attempts.popitem(last=False)

    def forgive(self, name: str, address: str) -> None:
        """Take back the last attempt, and forget the pair's others: the password was right."""
        pair, *others = (key for key, _ in _limits(name, address))
        self._attempts.pop(pair, None)
        for key in others:
            attempts = self._attempts.get(key)
            if attempts:
                attempts.pop()

    def _wait(self, key: Key, limit: int, now: float) -> int:
        attempts = self._attempts.get(key)
        if attempts is None:
            return 0
        while attempts and attempts[0] <= now - WINDOW:
            attempts.popleft()
        if not attempts:
            del self._attempts[key]
            return 0
        return ceil(attempts[-limit] + WINDOW - now) if len(attempts) >= limit else 0


def _limits(name: str, address: str) -> tuple[tuple[Key, int], ...]:
    return ((name, address), PER_PAIR), (("", address), PER_ADDRESS), ((name, ""), PER_NAME)
