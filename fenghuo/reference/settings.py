"""The page of settings."""

import os
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic.types import PathType

from fenghuo.reference.markdown import code, codes, page, table
from fenghuo.settings import CONFIG, DEFAULT_FILE, Settings, variable

_WORDS = {int: "whole number", float: "number", str: "text", Path: "path", SecretStr: "secret"}
_PATHS = {"file": "file", "dir": "directory"}


def text() -> str:
    """The whole page."""
    defaults = Settings.model_construct()
    rows = [
        (code(variable(name)), _kind(field), code(_shown(defaults, name)), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return page(
        "Settings",
        "A setting comes from an option of the command line, else from its variable, else from a TOML file, "
        f"else from its default. The file is the one that `{CONFIG}` names, or `{DEFAULT_FILE}` in the "
        "working directory; its keys are the names below without `FENGHUO_`, in lower case: `shards = 32`. "
        "A relative path is seen from the working directory. An unknown key in the file is an error; an "
        "unknown variable is reported by `fenghuo doctor`, which also shows each value with its source.",
        table(("variable", "type", "default", "meaning"), rows),
        "`make` passes settings on: `make run FENGHUO_SPEED=600x`.",
    )


def _kind(field: FieldInfo) -> str:
    leaf, marks, many = _leaf(field.annotation, list(field.metadata))
    if isinstance(leaf, type) and issubclass(leaf, StrEnum):
        return "one of " + codes(member.value for member in leaf)
    word = next((_PATHS[mark.path_type] for mark in marks if isinstance(mark, PathType)), _WORDS[leaf])
    word += "s" if many else ""
    least = next((mark.ge for mark in marks if hasattr(mark, "ge")), None)
    most = next((mark.le for mark in marks if hasattr(mark, "le")), None)
    if least is None:
        return word
    return f"{word}, {least}–{most}" if most is not None else f"{word}, at least {least}"


def _leaf(annotation: Any, marks: list[Any], *, many: bool = False) -> tuple[Any, list[Any], bool]:
    """The type inside of options, tuples and annotations, what is noted on the way, and whether many fit."""
    marks = marks + list(getattr(annotation, "__metadata__", ()))
    many = many or get_origin(annotation) is tuple
    inner = [part for part in get_args(annotation) if part not in (type(None), Ellipsis)]
    return _leaf(inner[0], marks, many=many) if inner else (annotation, marks, many)


def _shown(defaults: Settings, name: str) -> str:
    """The default as `fenghuo doctor` shows it; a path inside of the program without the program's place."""
    value = getattr(defaults, name)
    here = Path(str(files("rules"))).parent
    paths = value if isinstance(value, tuple) else (value,)
    inside = [path.relative_to(here).as_posix() for path in paths if _inside(path, here)]
    return os.pathsep.join(inside) or defaults.shown(name)


def _inside(value: Any, here: Path) -> bool:
    return isinstance(value, Path) and value.is_relative_to(here)
