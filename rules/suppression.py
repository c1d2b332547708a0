"""Suppressions: hits of a rule or scenario that stay without consequence for one customer for a while."""

from msgspec import Struct

from rules.decision import Tier


class Suppression(Struct, frozen=True, kw_only=True):
    """What is not to be told again for a while; the rules go on being evaluated.

    Exactly one of `rule` and `scenario` is given. It ends by itself for an event whose hits of the rule or
    scenario have a higher tier.

    Args:
        suppression_id: UUID.
        group: the unified customer.
        rule: name of a rule.
        scenario: name of a scenario.
        tier: the highest tier that it covers.
        starts_at: event time from which it holds, epoch milliseconds.
        expires_at: event time at which it ends, exclusive.
    """

    suppression_id: str
    group: str
    tier: Tier
    starts_at: int
    expires_at: int
    rule: str | None = None
    scenario: str | None = None
