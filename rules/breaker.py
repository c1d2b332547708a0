"""The breaker: a rule that holds up too much at once is limited to `review` until a person resets it."""

from msgspec import Struct

from events.clock import DAY, HOUR, SECOND
from rules.document import Entry

BUCKET = 10 * SECOND
"""Milliseconds of one count; an interval slides over whole ones."""

LONGEST = DAY
"""The longest interval, milliseconds: counts older than this are thrown away."""

HUNDRED = 100


class Breaker(Struct, frozen=True, kw_only=True):
    """When a rule is limited: `holds` or `share` of the events that it judged is exceeded.

    Args:
        within: milliseconds back from now that are looked at.
        holds: the most events that it may hold or reject.
        share: the largest part of the judged events that it may hold or reject, 0 to 1.
        least: judged events below which a share says nothing.
    """

    within: int
    holds: int | None = None
    share: float | None = None
    least: int = 0


DEFAULT = Breaker(within=HOUR, holds=500)
"""The breaker of a rule where neither the rule nor its pack names one."""


class Count(Struct, frozen=True, kw_only=True):
    """What one rule did for a while.

    Args:
        judged: events that it judged.
        holds: events among them whose outcome it made hold or reject.
    """

    judged: int
    holds: int


class Trip(Struct, frozen=True, kw_only=True):
    """A rule that was limited, and the counts that say why."""

    rule: str
    breaker: Breaker
    count: Count


def trips(breaker: Breaker, count: Count) -> bool:
    """Whether these counts exceed the breaker's limit.

    >>> trips(Breaker(within=HOUR, holds=2), Count(judged=9, holds=2))
    False
    >>> trips(Breaker(within=HOUR, share=0.05, least=100), Count(judged=100, holds=6))
    True
    """
    if breaker.holds is not None and count.holds > breaker.holds:
        return True
    if breaker.share is None or count.judged < max(breaker.least, 1):
        return False
    return count.holds > breaker.share * count.judged


def read_breaker(entry: Entry) -> Breaker:
    """Read `{holds: 200, within: 1h}`, `{share: 5%, least: 1000, within: 1h}`, or both limits together.

    Raises:
        PackError: it names no limit, or one that means nothing.
    """
    fields = entry.fields(("within",), ("holds", "share", "least"))
    if "holds" not in fields and "share" not in fields:
        raise entry.error("a breaker needs a limit; write `holds: 200`, or `share: 5%` with `least: 1000`")
    if ("share" in fields) != ("least" in fields):
        raise entry.error("`share` and `least` stand together: `{share: 5%, least: 1000, within: 1h}`")
    within = fields["within"].duration(least=BUCKET)
    if within > LONGEST:
        raise fields["within"].error("a breaker looks back a day at most; write `24h` or less")
    return Breaker(
        within=within,
        holds=fields["holds"].integer() if "holds" in fields else None,
        share=_share(fields["share"]) if "share" in fields else None,
        least=fields["least"].integer() if "least" in fields else 0,
    )


def _share(entry: Entry) -> float:
    text = entry.text()
    try:
        percent = float(text.removesuffix("%")) if text.endswith("%") else 0.0
    except ValueError:
        percent = 0.0
    if not 0 < percent < HUNDRED:
        raise entry.error(
            f"`{text[:80]}` is not a share; write a percentage between 0% and 100%, such as `5%`"
        )
    return percent / HUNDRED
