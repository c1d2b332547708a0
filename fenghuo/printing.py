"""What commands print: lines as they are, and tables without lines."""

from rich import box
from rich.console import Console
from rich.table import Table


def say(out: Console, text: str) -> None:
    """Print a line as it is."""
    out.print(text, highlight=False, markup=False, soft_wrap=True)


def columns(*names: str) -> Table:
    """A table with these columns, whose cells break where the terminal is narrow."""
    table = Table(*names, box=box.SIMPLE_HEAD)
    for column in table.columns:
        column.overflow = "fold"
    return table
