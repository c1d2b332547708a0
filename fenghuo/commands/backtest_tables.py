"""A backtest on the terminal: what was decided, what each rule did, and what differs."""

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from backtest.difference import Difference
from backtest.figures import Alerts, Quality, Side
from backtest.report import Backtest
from fenghuo.commands.rules_check import TIER_STYLES
from rules.decision import Outcome, Tier
from rules.reason import yuan
from rules.rule import Mode

NONE = "—"


def show(report: Backtest, out: Console) -> None:
    """Print what a backtest came to."""
    told = report.input
    out.print(
        f"{told.evaluated:,} 个事件 events · {report.tested.days[0].day} … {report.tested.days[-1].day} · "
        f"重复 duplicates {told.duplicates:,} · 死信 dead letters {told.dead_lettered:,} · "
        f"{report.timing.events_per_second:,} events/s",
        highlight=False,
        soft_wrap=True,
    )
    out.print(_summary(report))
    if report.tested.rules:
        out.print(_rules(report.tested))
    if report.tested.deadlines:
        out.print(_deadlines(report.tested))
    if report.difference is not None and report.against is not None:
        _differences(report.difference, report.against.pack, out)
    for note in report.notes:
        out.print(Text(f"! {note['zh']} {note['en']}", "yellow"), soft_wrap=True)


def _summary(report: Backtest) -> Table:
    """One column for each side."""
    sides = [report.tested] + ([report.against] if report.against is not None else [])
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for side in sides:
        table.add_column(side.pack, justify="right")
    for zh, outcome in (
        ("拒绝", Outcome.REJECT),
        ("冻结", Outcome.HOLD),
        ("复核", Outcome.REVIEW),
        ("通过", Outcome.APPROVE),
    ):
        table.add_row(f"{zh} {outcome.value}", *(f"{_events(side, outcome):,}" for side in sides))
    table.add_row("冻结金额 held, CNY", *(yuan(side.held.amount) for side in sides))
    table.add_row("预警 alerts", *(f"{_alerts(side.alerts):,}" for side in sides))
    for tier in reversed(Tier):
        table.add_row(
            Text(f"  {tier.value}", TIER_STYLES[tier]),
            *(f"{_alerts(one for one in side.alerts if one.tier is tier):,}" for side in sides),
        )
    if report.labels is not None:
        _quality(table, sides)
    return table


def _quality(table: Table, sides: list[Side]) -> None:
    for name, found in (
        ("问题事件 bad events", [side.quality and side.quality.events for side in sides]),
        ("问题案件 incidents", [side.quality and side.quality.incidents for side in sides]),
    ):
        if any(found):
            table.add_row(f"{name}: precision", *(_share(one.precision if one else None) for one in found))
            table.add_row("  recall", *(_share(one.recall if one else None) for one in found))


def _rules(side: Side) -> Table:
    labelled = side.quality is not None
    table = Table(box=box.SIMPLE_HEAD, title=side.pack, title_justify="left")
    table.add_column("规则 rule", no_wrap=True)
    columns = ["命中\nhits", "客户\ngroups", "未判定\nunknown", "冻结元\nheld, CNY"]
    for name in columns + (["精·召·F1\nP·R·F1 %"] if labelled else []):
        table.add_column(name, justify="right")
    for rule in side.rules:
        row = [
            f"{rule.hits:,}",
            f"{rule.groups:,}",
            f"{rule.not_evaluable + rule.errors:,}",
            f"{rule.held_amount // 100:,}" if rule.held_amount else NONE,
        ]
        subject = _subject(rule.rule, rule.mode, rule.tier if rule.hits else None)
        table.add_row(subject, *row, *([_shares(rule.quality)] if labelled else []))
    return table


def _deadlines(side: Side) -> Table:
    labelled = side.quality is not None
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("时限 deadline", no_wrap=True)
    columns = ["逾期\nmissed", "客户\ngroups", "起算\nbegun", "逾期后办结\nanswered late"]
    for name in columns + (["精·召·F1\nP·R·F1 %"] if labelled else []):
        table.add_column(name, justify="right")
    for one in side.deadlines:
        row = [f"{count:,}" for count in (one.missed, one.groups, one.begun, one.late)]
        subject = _subject(one.deadline, one.mode, one.tier if one.missed else None)
        table.add_row(subject, *row, *([_shares(one.quality)] if labelled else []))
    return table


def _subject(name: str, mode: Mode, tier: Tier | None) -> Text:
    """The name of a rule or deadline, in the colour of its tier where it told anything."""
    told = name if mode is Mode.ACTIVE else f"{name} ({mode.value})"
    return Text(told, TIER_STYLES[tier] if tier is not None else "dim")


def _shares(quality: Quality | None) -> str:
    """Precision, recall and F1 in whole percent."""
    if quality is None:
        return NONE
    shares = (quality.precision, quality.recall, quality.f1)
    return "·".join(NONE if share is None else f"{share * 100:.0f}" for share in shares)


def _differences(difference: Difference, before: str, out: Console) -> None:
    if difference.equal:
        out.print(f"与 {before} 相比没有差异 No difference to {before}.", highlight=False)
        return
    table = Table(box=box.SIMPLE_HEAD, title=f"与 {before} 相比 compared with {before}", title_justify="left")
    table.add_column("规则 rule", overflow="fold")
    table.add_column("变更\nchange", overflow="fold")
    for name in ("新增\ngained", "减少\nlost", "共同\ncommon", "冻结金额\nheld, CNY"):
        table.add_column(name, justify="right")
    for rule in difference.rules:
        if rule.change != "same" or rule.gained or rule.lost:
            change = f"{rule.change}: {', '.join(rule.changed)}" if rule.changed else rule.change
            held = _signed(rule.held_amount)
            table.add_row(rule.rule, change, f"{rule.gained:,}", f"{rule.lost:,}", f"{rule.common:,}", held)
    for one in difference.deadlines:
        if one.change != "same" or one.gained or one.lost:
            change = f"{one.change}: {', '.join(one.changed)}" if one.changed else one.change
            counts = (f"{count:,}" for count in (one.gained, one.lost, one.common))
            table.add_row(one.deadline, change, *counts, NONE)
    out.print(table)
    for moved in difference.outcomes:
        if moved.before is not moved.after:
            out.print(
                f"  {moved.before.value} → {moved.after.value}: {moved.events:,}, "
                f"CNY {yuan(moved.amount or 0)}",
                highlight=False,
            )
    alerts = difference.alerts
    out.print(
        f"  预警 alerts +{alerts.gained:,} −{alerts.lost:,} · 升级 raised {alerts.raised:,} · "
        f"降级 lowered {alerts.lowered:,} · 冻结金额 held, CNY {_signed(difference.held_amount)}",
        highlight=False,
        soft_wrap=True,
    )


def _events(side: Side, outcome: Outcome) -> int:
    return sum(one.events for one in side.decided if one.outcome is outcome)


def _alerts(alerts: Iterable[Alerts]) -> int:
    return sum(one.alerts for one in alerts)


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.1%}"


def _signed(fen: int) -> str:
    return f"{'+' if fen > 0 else ''}{yuan(fen)}" if fen else NONE
