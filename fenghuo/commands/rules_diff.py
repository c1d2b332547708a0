"""`fenghuo rules diff`: what of a pack is not as in another, by meaning and not by layout."""

from collections.abc import Hashable, Mapping

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from backtest.meaning import Meanings, changes, deadline_changes
from rules.pack import Pack

_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}


class Change(Struct, frozen=True):
    """One difference.

    Args:
        what: `rule`, `deadline`, `feature`, `list` or `pack`.
        name: of it; of a pack the setting.
        change: added, removed or changed.
        keys: what of a rule or deadline is different.
    """

    what: str
    name: str
    change: str
    keys: tuple[str, ...] = ()


def diff(before: Pack, after: Pack) -> list[Change]:
    """What has to be done to `before` so that it means what `after` means."""
    old, new = Meanings(before), Meanings(after)
    found = [
        Change("pack", name, "changed")
        for name in ("timezone", "lateness")
        if getattr(before, name) != getattr(after, name)
    ]
    found += _changes("list", dict(before.lists), dict(after.lists))
    found += _changes("feature", old.features, new.features)
    found += _changes("rule", before.rules_by_name, after.rules_by_name, compare=False)
    for name in before.rules_by_name.keys() & after.rules_by_name.keys():
        rules = after.rules_by_name[name], before.rules_by_name[name]
        keys = changes(*rules, new, old)
        keys += [key for key in ("breaker", "owner") if getattr(rules[0], key) != getattr(rules[1], key)]
        if keys:
            found.append(Change("rule", name, "changed", tuple(keys)))
    found += _changes("deadline", before.deadlines_by_name, after.deadlines_by_name, compare=False)
    for name in before.deadlines_by_name.keys() & after.deadlines_by_name.keys():
        keys = deadline_changes(after.deadlines_by_name[name], before.deadlines_by_name[name], new, old)
        if keys:
            found.append(Change("deadline", name, "changed", tuple(keys)))
    return sorted(found, key=lambda one: (_ORDER.index(one.what), one.name))


_ORDER = ("pack", "list", "feature", "rule", "deadline")


def _changes(
    what: str, before: Mapping[str, Hashable], after: Mapping[str, Hashable], *, compare: bool = True
) -> list[Change]:
    found = [Change(what, name, "removed") for name in before.keys() - after.keys()]
    found += [Change(what, name, "added") for name in after.keys() - before.keys()]
    if compare:
        both = before.keys() & after.keys()
        found += [Change(what, name, "changed") for name in both if before[name] != after[name]]
    return found


def show(before: Pack, after: Pack, found: list[Change], out: Console) -> None:
    """Print the differences, one line each."""
    out.print(Text(f"{before.id} {before.content_hash[:12]} → {after.id} {after.content_hash[:12]}", "bold"))
    for one in found:
        keys = f": {', '.join(one.keys)}" if one.keys else ""
        out.print(Text.assemble((f"{one.change:<8}", _STYLES[one.change]), f" {one.what} {one.name}{keys}"))
    if not found:
        out.print("the same in meaning")


def as_json(found: list[Change]) -> str:
    """The differences as a JSON list."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
