"""The one door to Numba: a typed decorator for the kernels of windows and models."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` at its first call, run it without the GIL, and keep the machine code on disk.

    Where no cache directory can be written (a read-only image), the code is compiled anew in each process;
    NUMBA_CACHE_DIR names another directory. Floating point follows IEEE order (no fast-math): a row's result
    depends neither on its neighbours nor on the size of the batch.
    """
    try:
        kernel = numba.njit(function, nogil=True, cache=True)
    except RuntimeError:  # Numba: no place for the cache
        kernel = numba.njit(function, nogil=True)
    return cast("Callable[P, R]", kernel)
