"""`fenghuo rules compare`: what a version in the shadow said beside the one in force."""

from collections.abc import Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from events.errors import FenghuoError
from fenghuo.console_client import ConsoleClient
from rules.decision import Outcome

Report = dict[str, Any]


class NothingComparedError(FenghuoError):
    """Raised when no version of a pack was compared."""


def comparisons(console: ConsoleClient, pack: str, version: int | None, against: int | None) -> list[Report]:
    """The reports of a version in the shadow, the newest first; of the newest where none is named.

    Raises:
        NothingComparedError: there is none.
    """
    found: list[Report] = console.get(f"/api/rules/packs/{pack}/comparisons")["comparisons"]
    wanted = f"{pack}@{version}" if version is not None else next((one["shadow"] for one in found), None)
    found = [one for one in found if one["shadow"] == wanted]
    if against is not None:
        found = [one for one in found if one["live"] == f"{pack}@{against}"]
    if not found:
        named = wanted or f"a version of `{pack}`"
        beside = f" beside version {against}" if against is not None else ""
        raise NothingComparedError(
            f"nothing was seen of {named}{beside}; put it into the shadow with `fenghuo rules shadow {pack} "
            f"{version or 'VERSION'}` while events flow"
        )
    return found


def as_json(reports: Sequence[Report]) -> str:
    """The reports as a JSON list."""
    return msgspec.json.format(msgspec.json.encode(reports), indent=2).decode()


def show(reports: Sequence[Report], out: Console) -> None:
    """Print each report: agreement, outcomes, and the rules that differ with events to look at."""
    for one in reports:
        share = one["agreed"] / one["judged"] if one["judged"] else 1.0
        out.print(
            f"{one['shadow']} 影子 in the shadow · {one['live'] or '—'} 生效 in force · "
            f"{one['since']} – {one['until']}",
            highlight=False,
            soft_wrap=True,
        )
        out.print(
            f"判断 judged {one['judged']:,} · 一致 same outcome {one['agreed']:,} ({share:.2%})",
            highlight=False,
        )
        out.print(_outcomes(one))
        if one["rules"]:
            out.print(_rules(one))


def _outcomes(one: Report) -> Table:
    table = Table("生效 in force ↓ · 影子 shadow →", *Outcome, box=box.SIMPLE_HEAD)
    for live in Outcome:
        counts = [one["outcomes"].get(f"{live}>{shadow}", 0) for shadow in Outcome]
        if any(counts):
            table.add_row(live.value, *(f"{count:,}" if count else "" for count in counts))
    return table


def _rules(one: Report) -> Table:
    table = Table(
        "规则 rule",
        "两者 both",
        "仅生效 only in force",
        "仅影子 only in the shadow",
        "示例 events",
        box=box.SIMPLE_HEAD,
    )
    table.columns[0].no_wrap = True
    table.columns[4].overflow = "fold"
    for rule in one["rules"]:
        events = [event for side in ("live", "shadow") for event in rule["examples"].get(side, ())[:2]]
        counts = (rule[side] for side in ("both", "live", "shadow"))
        table.add_row(rule["rule"], *(f"{count:,}" if count else "" for count in counts), "\n".join(events))
    return table
