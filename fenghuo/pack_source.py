"""Where packs come from: a file, or a version that the life-cycle database keeps."""

import re
from collections.abc import Callable
from pathlib import Path

from rules.errors import RuleError
from rules.pack import Pack, load_pack

Versions = Callable[[str, int], Pack]
"""Gives a version of a pack by name and number; raises RuleError where there is none."""

_VERSION = re.compile(r"([a-z0-9][a-z0-9-]{0,63})@(\d{1,9})")


def pack_source(reference: str, versions: Versions | None = None) -> Pack:
    """The pack that a person names.

    Args:
        reference: path of a pack file, or `NAME@VERSION`. A file of that name comes first.
        versions: where versions are kept; None without a database.

    Raises:
        RuleError: there is no such file or version, or the file is no pack.
    """
    named = _VERSION.fullmatch(reference)
    if named is None or Path(reference).exists():
        return load_pack(reference)
    if versions is None:
        raise RuleError(
            f"`{reference}`: versions by name are kept in the life-cycle database, and none is connected; "
            "name the file of the pack"
        )
    return versions(named[1], int(named[2]))
