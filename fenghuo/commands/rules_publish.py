"""`fenghuo rules submit`, `publish`, `list` … : the life of rules, by the console's API."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console

from fenghuo.console_client import ConsoleClient
from fenghuo.printing import columns, say
from rules.lifecycle import Action
from rules.pack import load_pack


def submit(console: ConsoleClient, path: Path, reason: str, out: Console) -> None:
    """Hand in a pack file and tell what a second person has to do.

    Raises:
        FenghuoError: the file is no usable pack, or the console refuses.
    """
    load_pack(path)
    text = path.read_text(encoding="utf-8")
    version = console.post("/api/rules/packs", content=text, name=path.name, reason=reason)
    named = f"{version['pack']}@{version['version']}"
    told = "handed in" if version["fresh"] else "was there already"
    say(out, f"{named}: {told}, {version['state']}")
    if version["state"] != "active":
        say(
            out,
            "a second person has to publish it: "
            f"fenghuo rules publish {version['pack']} {version['version']}",
        )


def move(console: ConsoleClient, action: Action, pack: str, version: int, reason: str, out: Console) -> None:
    """Take a version to another state.

    Raises:
        FenghuoError: the console refuses.
    """
    path = f"/api/rules/packs/{quote(pack, safe='')}/versions/{version}/{action}"
    _tell(console.post(path, {"reason": reason}), out)


def suppress(console: ConsoleClient, wanted: Mapping[str, str], out: Console) -> None:
    """Ask for a suppression.

    Raises:
        FenghuoError: the console refuses.
    """
    moved = console.post("/api/rules/suppressions", wanted)
    _tell(moved, out)
    say(out, f"a second person has to approve it: fenghuo rules approve {moved['name']}")


def settle(console: ConsoleClient, action: Action, identity: str, reason: str, out: Console) -> None:
    """Approve or lift a suppression.

    Raises:
        FenghuoError: the console refuses.
    """
    path = f"/api/rules/suppressions/{quote(identity, safe='')}/{action}"
    _tell(console.post(path, {"reason": reason}), out)


def reset(console: ConsoleClient, rule: str, reason: str, out: Console) -> None:
    """Free a rule that its breaker limited.

    Raises:
        FenghuoError: the console refuses.
    """
    _tell(console.post(f"/api/rules/breakers/{quote(rule, safe='')}/reset", {"reason": reason}), out)


def listed(console: ConsoleClient, out: Console) -> None:
    """Print every version, the suppressions and the limited rules."""
    packs = console.get("/api/rules/packs")
    out.print(f"版次 edition {packs['edition']}", highlight=False)
    table = columns("版本 version", "状态 state", "作者 author", "自 since", "由 by")
    for row in packs["versions"]:
        named = f"{row['pack']}@{row['version']}"
        table.add_row(named, row["state"], row["author"], row["changed_at"], row["changed_by"])
    out.print(table)
    suppressions = console.get("/api/rules/suppressions")["suppressions"]
    if suppressions:
        table = columns("抑制 suppression", "对象 what", "状态 state", "止 until")
        for row in suppressions:
            one = row["suppression"]
            what = f"{one['group']}: {one['rule'] or one['scenario']}"
            table.add_row(one["suppression_id"], what, row["standing"], one["expires_at"])
        out.print(table)
    limited = console.get("/api/rules/breakers")["limited"]
    if limited:
        table = columns("熔断 limited rule", "自 since")
        for row in limited:
            table.add_row(row["rule"], row["limited_at"])
        out.print(table)


def history(console: ConsoleClient, name: str | None, out: Console) -> None:
    """Print the changes, the newest first."""
    table = columns("时间 at", "对象 what", "操作 action", "由 by", "版次 edition", "理由 reason")
    for row in console.get("/api/rules/history", **({"name": name} if name else {}))["changes"]:
        what = f"{row['name']}@{row['version']}" if row["version"] else row["name"]
        edition = "" if row["edition"] is None else str(row["edition"])
        table.add_row(row["changed_at"], what, row["action"], row["actor"], edition, row["reason"])
    out.print(table)


def _tell(moved: Mapping[str, Any], out: Console) -> None:
    edition = moved["edition"]
    say(out, f"{moved['name']}: {moved['state']}" + (f", edition {edition}" if edition else ""))
