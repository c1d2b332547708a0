"""`fenghuo rules check`: whether a rule pack can be used, and what is in it."""

from pathlib import Path

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rules.decision import Tier
from rules.errors import PackError
from rules.pack import Pack, load_pack
from rules.rule import Mode

TIER_STYLES = {Tier.LOW: "cyan", Tier.MEDIUM: "yellow", Tier.HIGH: "red", Tier.CRITICAL: "bold red"}


def check(path: Path) -> None:
    """Print what a pack holds.

    Raises:
        typer.Exit: with code 2, after every error of the pack was printed to stderr.
    """
    try:
        pack = load_pack(path)
    except PackError as error:
        report(error, Console(stderr=True, soft_wrap=True, highlight=False))
        raise typer.Exit(2) from None
    summarise(pack, Console())


def report(error: PackError, out: Console) -> None:
    """Print an error and those beside it, each with the place in its condition."""
    for one in (error, *error.others):
        out.print(Text(str(one), "bold red"))
        if one.detail:
            out.print(Text(one.detail))


def summarise(pack: Pack, out: Console) -> None:
    """Print what a pack holds."""
    active = sum(rule.mode is Mode.ACTIVE for rule in pack.rules)
    out.print(Text(f"{pack.id}  {pack.content_hash[:12]}", "bold"))
    out.print(
        f"时区 timezone {pack.timezone} · 特征 features {len(pack.features)} + {len(pack.expressions)} · "
        f"规则 rules {len(pack.rules)}（启用 active {active}）· "
        f"时限 deadlines {len(pack.deadlines)} · 名单 lists {len(pack.lists)}",
        highlight=False,
        soft_wrap=True,
    )
    out.print(rules_table(pack))
    if pack.deadlines:
        out.print(deadlines_table(pack))


def deadlines_table(pack: Pack) -> Table:
    """The deadlines with what they lead to."""
    table = Table(
        "时限 deadline",
        "自 after\n至 expect",
        "级别 tier\n处置 outcome",
        "队列 queue\n状态 mode",
        box=box.SIMPLE_HEAD,
    )
    for column in table.columns:
        column.overflow = "fold"
    for one in pack.deadlines:
        table.add_row(
            Text.assemble(one.name, "\n", (f"{one.within} by {one.by.value}", "dim")),
            "\n".join((one.after.value, *sorted(one.expect))),
            Text.assemble((one.tier.value, TIER_STYLES[one.tier]), "\n", one.outcome.value),
            Text.assemble(one.queue, "\n", (one.mode.value, "dim")),
        )
    return table


def rules_table(pack: Pack) -> Table:
    """The rules with what they lead to."""
    table = Table(
        "规则 rule", "事件 on", "级别 tier\n处置 outcome", "队列 queue\n状态 mode", box=box.SIMPLE_HEAD
    )
    for column in table.columns:
        column.overflow = "fold"
    for rule in pack.rules:
        table.add_row(
            Text.assemble(rule.name, "\n", (rule.title["zh"], "dim")),
            "\n".join(sorted(kind.value for kind in rule.on)),
            Text.assemble((rule.tier.value, TIER_STYLES[rule.tier]), "\n", rule.outcome.value),
            Text.assemble(rule.queue, "\n", (rule.mode.value, "dim")),
        )
    return table
