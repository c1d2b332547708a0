"""The page of commands: every command of the command line with its arguments, options and exit codes."""

from collections.abc import Iterator

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from fenghuo.cli import app
from fenghuo.reference.markdown import block, code, page, table
from fenghuo.settings import Settings, variable

EXIT_CODES = {
    0: "The work is done; of `run`, `desk`, `console` and `demo`: they were told to stop.",
    1: "Work that had begun failed, or a server can't be started or reached. Of `replay`: also when it was "
    "stopped before its end; the same command goes on. Of `doctor`: a check failed.",
    2: "Wrong use: an argument, setting, pack, model, mapping or input can't be used. Nothing was started.",
    130: "Stopped by Ctrl-C before anything had begun, or by a second Ctrl-C at once.",
}
"""What each exit code means."""


def text() -> str:
    """The whole page."""
    blocks = [part for path, command in leaves() for part in _described(path, command)]
    return page(
        "Commands",
        "`make run` and `make test` install the program into `.venv`; `fenghuo` is then `.venv/bin/fenghuo`. Where an "
        "option is left out, its [setting](settings.md) counts. Errors are one line on stderr: what, where, what "
        "to do.",
        *blocks,
        "## Exit codes",
        table(("code", "meaning"), [(code(number), meaning) for number, meaning in EXIT_CODES.items()]),
    )


def leaves() -> Iterator[tuple[str, TyperCommand]]:
    """Every command that does something, with the words that call it."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    yield from _leaves("fenghuo", root)


def _leaves(path: str, group: TyperGroup) -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _leaves(f"{path} {name}", command)
        elif isinstance(command, TyperCommand):
            yield f"{path} {name}", command


def _described(path: str, command: TyperCommand) -> Iterator[str]:
    yield f"## {code(path)}"
    yield " ".join((command.help or "").split())
    usage = [path]
    rows = []
    for one in command.params:
        if isinstance(one, TyperArgument):
            usage.append(_argument(one))
            rows.append((code(_argument(one)), _default(one), one.help or ""))
        elif isinstance(one, TyperOption):
            if one.required:
                usage.append(f"{one.opts[0]} {_value(one)}")
            rows.append((code(f"{one.opts[0]} {_value(one)}".strip()), _default(one), one.help or ""))
    optional = any(isinstance(one, TyperOption) and not one.required for one in command.params)
    yield block("", " ".join([*usage, *(["[OPTIONS]"] if optional else [])]))
    if rows:
        yield table(("", "default", "meaning"), rows)


def _argument(argument: TyperArgument) -> str:
    name = (argument.name or "").upper() + ("…" if argument.nargs < 0 else "")
    return name if argument.required else f"[{name}]"


def _value(option: TyperOption) -> str:
    return "" if option.is_flag else (option.name or "").upper()


def _default(parameter: TyperArgument | TyperOption) -> str:
    if parameter.required:
        return "required"
    if parameter.default is not None:
        return "" if parameter.default is False else code(parameter.default)
    name = (parameter.name or "").lower()
    return code(variable(name)) if name in Settings.model_fields else ""
