"""`fenghuo model labels`: what people said of alerts, as a file of labels to train and evaluate with."""

from pathlib import Path

from rich.console import Console

from fenghuo.commands.replay import write_whole
from fenghuo.console_client import ConsoleClient
from fenghuo.ending import RunError
from fenghuo.printing import say


def labels(console: ConsoleClient, path: Path, out: Console) -> None:
    """Write the labels that follow from dispositions to a CSV file.

    Raises:
        FenghuoError: the console refuses, or the file can't be written.
    """
    text = console.text("/api/labels")
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise RunError(f"{path}: can't be written: {error.strerror or error}; choose another path") from error
    say(out, f"{path}: {text.count(chr(10)) - 1:,} labels")
