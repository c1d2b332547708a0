"""The doors to Numba: typed decorators for the kernels of windows and models."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` at its first call, run it without the GIL, and keep the machine code on disk.

    Where no cache directory can be written (a read-only image), the code is compiled anew in each process;
    NUMBA_CACHE_DIR names another directory. Floating point follows IEEE order (no fast-math): a row's result
    depends neither on its neighbours nor on the size of the batch.
    """
    return _compile(function)


def lean(function: Callable[P, R]) -> Callable[P, R]:
    """Like `compiled`, for kernels over many arrays that make none: without counting references to arrays.

    The counting is eight times the work of the windows' kernel itself. A lean kernel may call only lean and
    inlined functions, and none of them may slice or allocate; Numba refuses to compile what does.
    """
    return _compile(function, _nrt=False)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A part of a lean kernel that is put into its callers, so that handing on many arrays costs nothing."""
    return _compile(function, cache=False, forceinline=True, _nrt=False)


def _compile(function: Callable[P, R], *, cache: bool = True, **options: Any) -> Callable[P, R]:
    njit: Any = numba.njit  # its stubs don't know all options
    try:
        kernel = njit(function, nogil=True, cache=cache, **options)
    except RuntimeError:  # Numba: no place for the cache
        kernel = njit(function, nogil=True, **options)
    return cast("Callable[P, R]", kernel)
