"""Where the time goes: microseconds per event by step of the dataflow; pure."""

from collections.abc import Mapping, Sequence

from bench.figure import Better, Figure, figure

STEPS = ("decode", "store", "windows", "score", "rules", "decide", "encode")
MARK = ".us."
"""In the name of every figure that is a step's time."""


def own_seconds(steps: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each step by itself: the call to the store, which is a part of windows, is taken from it."""
    found = {name: steps[name] for name in STEPS if name in steps}
    if "store" in found and "windows" in found:
        found["windows"] -= found["store"]
    return found


def step_figures(name: str, runs: Sequence[tuple[Mapping[str, float], int]]) -> list[Figure]:
    """A figure for each step.

    Args:
        name: of what the steps belong to.
        runs: seconds by step, and events, of each round.
    """
    return [
        figure(
            f"{name}{MARK}{step}",
            "µs",
            Better.LOWER,
            [1e6 * seconds[step] / max(1, events) for seconds, events in runs],
        )
        for step in (runs[0][0] if runs else ())
    ]
