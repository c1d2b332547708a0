"""The page: a report as one HTML file that needs nothing from anywhere, in Chinese and English."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from backtest.figures import Overlap, Side
from backtest.report import Backtest
from rules.decision import Outcome, Tier
from rules.reason import NOTHING, compact, yuan

_environment = Environment(
    loader=PackageLoader("backtest"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(report: Backtest) -> bytes:
    """The report as an HTML page, UTF-8."""
    sides = [side for side in (report.tested, report.against) if side is not None]
    template = _environment.get_template("backtest.html")
    return template.render(
        report=report,
        sides=sides,
        outcomes=list(reversed(Outcome)),
        tiers=list(reversed(Tier)),
        duty_differences={one.deadline: one for one in report.difference.deadlines}
        if report.difference
        else {},
        differences={rule.rule: rule for rule in report.difference.rules} if report.difference else {},
        alerts=_alert_rows(report.tested),
        overlap=_overlap(report.tested.overlap),
        local=_local(report.tested.timezone),
        value=_value(_units(report.against), _units(report.tested)),
        decided=lambda side, outcome: sum(one.events for one in side.decided if one.outcome is outcome),
        raised=lambda side, tier: sum(one.alerts for one in side.alerts if one.tier is tier),
        changed={(one.before, one.after): one for one in report.difference.outcomes}
        if report.difference
        else {},
        most_in_a_day=lambda parts: (
            max(sum(getattr(day, part) for part, _ in parts) for side in sides for day in side.days) or 1
        ),
        yuan=yuan,
        percent=_percent,
        number=lambda count: f"{count:,}",
        signed=lambda count: f"{count:+,}" if count else "0",
        signed_yuan=lambda fen: ("+" if fen > 0 else "") + yuan(fen),
        dash=NOTHING,
    ).encode()


def _percent(share: float | None) -> str:
    """A share for people; a dash where there is none.

    >>> _percent(0.4286), _percent(1.0), _percent(None)
    ('42.9 %', '100 %', '—')
    """
    return NOTHING if share is None else f"{share * 100:.1f}".removesuffix(".0") + " %"


def _local(timezone: str) -> Callable[[str], str]:
    """Shows RFC 3339 times in a timezone."""
    zone = ZoneInfo(timezone)
    return lambda text: datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _units(side: Side | None) -> dict[str, Mapping[str, str]]:
    return {rule.rule: rule.units for rule in side.rules} if side is not None else {}


def _value(*units: Mapping[str, Mapping[str, str]]) -> Callable[[str, str, Any], str]:
    """Shows an observed value by the kind that the rule reads it as."""
    known = {rule: dict(kinds) for by_rule in units for rule, kinds in by_rule.items()}

    def shown(rule: str, name: str, value: Any) -> str:
        if value is None:
            return NOTHING
        if isinstance(value, str | bool):
            return str(value)
        return yuan(value) if known.get(rule, {}).get(name) == "money" else compact(value)

    return shown


def _alert_rows(side: Side) -> list[tuple[str, dict[Tier, int], int]]:
    """Alerts of each scenario by tier, and the amount at stake in fen."""
    rows = []
    for scenario, found in groupby(side.alerts, key=lambda one: one.scenario):
        alerts = list(found)
        rows.append((scenario, {one.tier: one.alerts for one in alerts}, sum(one.amount for one in alerts)))
    return rows


def _overlap(pairs: Iterable[Overlap]) -> tuple[list[str], dict[tuple[str, str], Overlap]]:
    """The rules that share events with others, and each pair both ways."""
    both = {(pair.rule, pair.other): pair for pair in pairs}
    both |= {(pair.other, pair.rule): pair for pair in both.values()}
    return list(dict.fromkeys(rule for rule, _ in both)), both
