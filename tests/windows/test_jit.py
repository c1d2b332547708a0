"""The compiling decorator works where Numba finds no place for its cache."""

from typing import Any

from windows.jit import compiled


def test_function_without_a_file_is_compiled_without_a_cache() -> None:
    namespace: dict[str, Any] = {}
    exec("def double(x):\n    return 2.0 * x", namespace)
    kernel = compiled(namespace["double"])
    assert kernel(21.0) == 42.0
    assert kernel is not namespace["double"]
