"""The page of commands: every command of the command line with its arguments, options and exit codes."""

import inspect
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
        "`make run` and `make test` install the program into `.venv`; `fenghuo` is then `.venv/bin/fenghuo`. "
        "Where an option is left out, its [setting](settings.md) counts. Errors are one line on stderr: "
        "what, where, what to do.",
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
    parameters = [one for one in command.params if isinstance(one, TyperArgument | TyperOption)]
    configured = _reads_settings(command)
    yield f"## {code(path)}"
    yield " ".join((command.help or "").split())
    yield block("", " ".join([path, *_usage(parameters)]))
    if parameters:
        rows = [(code(_spelled(one)), _default(one, configured=configured), _told(one)) for one in parameters]
        yield table(("", "default", "meaning"), rows)


def _usage(parameters: list[TyperArgument | TyperOption]) -> Iterator[str]:
    for one in parameters:
        if one.required or isinstance(one, TyperArgument):
            yield _spelled(one)
    if not all(one.required or isinstance(one, TyperArgument) for one in parameters):
        yield "[OPTIONS]"


def _spelled(parameter: TyperArgument | TyperOption) -> str:
    name = (parameter.name or "").upper()
    if isinstance(parameter, TyperOption):
        return parameter.opts[0] if parameter.is_flag else f"{parameter.opts[0]} {name}"
    name += "…" if parameter.nargs < 0 else ""
    return name if parameter.required else f"[{name}]"


def _default(parameter: TyperArgument | TyperOption, *, configured: bool) -> str:
    if parameter.required:
        return "required"
    if parameter.default is not None:
        return "" if parameter.default is False else code(parameter.default)
    name = parameter.name or ""
    return code(variable(name)) if configured and name in Settings.model_fields else ""


def _told(parameter: TyperArgument | TyperOption) -> str:
    least, most = parameter.min, parameter.max
    limits = (
        ""
        if least is None
        else f"At least {least:g}."
        if most is None
        else f"Between {least:g} and {most:g}."
    )
    return f"{parameter.help or ''} {limits}".strip()


def _reads_settings(command: TyperCommand) -> bool:
    """Whether the command fills up what it is not given from the settings."""
    function = inspect.unwrap(command.callback) if command.callback is not None else None
    return "load_settings" in getattr(getattr(function, "__code__", None), "co_names", ())
