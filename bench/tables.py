"""Figures as tables for people."""

from collections.abc import Iterable

from rich import box
from rich.table import Table

from bench.figure import TIMES, Figure
from bench.report import Section
from bench.steps import MARK


def section_table(section: Section) -> Table:
    """Every figure of a subject but the steps."""
    setup = ", ".join(f"{name} {_told(value)}" for name, value in section.setup.items())
    rows = [one for one in section.figures if MARK not in one.name]
    table = _figure_table(f"{section.subject}: {setup}", rows)
    if section.notes:
        table.caption = "\n".join(section.notes)
        table.caption_justify = "left"
    return table


def summary_table(figures: Iterable[Figure]) -> Table:
    """The figures that have a target and the ratios."""
    chosen = [one for one in figures if one.target is not None or one.unit == TIMES]
    return _figure_table("总表 Summary", chosen)


def step_table(figures: Iterable[Figure]) -> Table | None:
    """Microseconds per event by step; None where no step was timed."""
    steps: dict[str, dict[str, float]] = {}
    for one in figures:
        name, dot, step = one.name.partition(MARK)
        if dot:
            steps.setdefault(name, {})[step] = one.median
    if not steps:
        return None
    columns = list(dict.fromkeys(step for row in steps.values() for step in row))
    table = Table(box=box.SIMPLE, title="每事件微秒 Microseconds per event", title_justify="left")
    table.add_column("", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right")
    for name, row in steps.items():
        table.add_row(name, *(f"{row[step]:,.1f}" if step in row else "" for step in columns))
    return table


def _figure_table(title: str, figures: Iterable[Figure]) -> Table:
    table = Table(box=box.SIMPLE, title=title, title_justify="left")
    table.add_column("指标 figure", no_wrap=True)
    for name in ("中位 median", "最低 least", "最高 most"):
        table.add_column(name, justify="right")
    table.add_column("单位 unit", no_wrap=True)
    table.add_column("目标 target", justify="right", no_wrap=True)
    table.add_column("轮 rounds", justify="right")
    for one in figures:
        table.add_row(
            one.name,
            *(_told(value) for value in (one.median, one.least, one.most)),
            one.unit,
            "" if one.target is None else f"{_told(one.target)} {'✓' if one.met else '✗'}",
            str(len(one.values)),
        )
    return table


def _told(value: float | str) -> str:
    """A number as people read it: as many digits as say something."""
    if isinstance(value, str):
        return value
    size = abs(value)
    digits = 0 if size >= 100 or float(value).is_integer() else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"
