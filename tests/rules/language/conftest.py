"""Tells at the end of a run how many conditions were tried."""

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each thing that was counted, of all trials together."""
    told: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, counts in getattr(report, "user_properties", ()):
                if name == "fuzz" and getattr(report, "when", "") == "call":
                    told.update(counts)
    if told:
        terminalreporter.section("random and hostile conditions")
        for name, number in told.most_common():
            terminalreporter.line(f"{number:>12,} {name}")
