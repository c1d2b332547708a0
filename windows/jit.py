"""Compilation of numeric kernels, with the types of the functions kept."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` to machine code that runs without the interpreter lock and is cached on disk."""
    compiled: Callable[P, R] = numba.njit(cache=True, nogil=True)(function)
    return compiled
