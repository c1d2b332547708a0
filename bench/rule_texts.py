"""Rules by the thousand for benches: conditions of many kinds with marks of their own, as a pack."""

import json
from random import Random

from bench.load import REGIONS

WINDOWS = ("1h", "24h", "72h", "7d")
_EVENTS = ("order.placed", "shipment.dispatched")
_TIERS = ("low", "medium", "high", "critical")
_OUTCOMES = ("review", "review", "hold")
_COMMON = (500_000, 1_000_000, 2_000_000)
"""Marks in yuan that many rules share, as those of a company's policy do."""


def condition(random: Random) -> str:
    """A condition that is seldom true, over the features of bench/packs/bench.yaml."""
    window, longer = random.sample(WINDOWS, 2)
    yuan, count = random.randint(200, 5_000) * 1_000, random.randint(2, 40)
    common = random.choice(_COMMON)
    region, other = random.sample(REGIONS, 2)
    times, tenth, few = random.randint(3, 30), f"0.{random.randint(5, 9)}", random.randint(2, 9)
    return random.choice(
        (
            f"amount >= {yuan}",
            f"amount >= {common} AND orders_{window} > {count}",
            f"orders_{window} > {count} AND shipped_{window} > {yuan}",
            f"shipped_{window} > {tenth} * shipped_{longer} AND shipped_{longer} > {yuan}",
            f"amount > {count} * average_{window} AND orders_{window} >= {few}",
            f"region IN ('{region}', '{other}') AND amount >= {common}",
            f"region = '{region}' AND orders_{window} > {count}",
            f"region LIKE '{region[:2]}%' AND shipped_{window} > {yuan}",
            f"LISTED(region, 'watched') AND amount >= {yuan}",
            f"counterparty IS NULL AND amount >= {yuan}",
            f"hour < {random.randint(2, 6)} AND amount >= {common} AND orders_{window} > {count}",
            f"weekday >= 5 AND (amount >= {yuan} OR shipped_{window} > {common})",
            f"anomaly >= {random.randint(900, 999) / 1000} AND amount >= {common}",
            f"amount BETWEEN {yuan} AND {yuan + 100_000}",
            f"orders_{window} / NULLIF(orders_{longer}, 0) > {tenth} AND orders_{longer} >= {count}",
            f"COALESCE(average_{window}, 0) > {yuan} AND NOT LISTED(region, 'watched')",
            f"CASE WHEN region = '{region}' THEN {yuan} ELSE {2 * yuan} END < amount",
            f"GREATEST(shipped_{window}, shipped_{longer}) > {yuan} AND orders_{window} = {count}",
            f"ABS(amount - average_{window}) > {times} * average_{longer} AND amount >= {common}",
        )
    )


def rules(count: int, seed: int) -> str:
    """So many rules as the YAML of a pack's `rules`; JSON is YAML, too."""
    random = Random(seed)  # it has to be repeatable
    return json.dumps(
        {
            f"rule-{number}": {
                "title": {"zh": f"规则 {number}", "en": f"Rule {number}"},
                "scenario": f"scenario-{number % 20}",
                "on": random.choice((_EVENTS[:1], _EVENTS[1:], _EVENTS)),
                "when": condition(random),
                "tier": random.choice(_TIERS),
                "outcome": random.choice(_OUTCOMES),
                "queue": "bench",
                "reason": {"zh": "金额 {amount} 元。", "en": "An amount of CNY {amount}."},
            }
            for number in range(count)
        },
        ensure_ascii=False,
    )


def pack(text: str, count: int, seed: int) -> str:
    """The pack of `text` with other rules in the place of its own.

    Args:
        text: YAML whose last key is `rules`.
        count: of the rules; its own where it has as many.
        seed: of all random choices.
    """
    head, _, own = text.partition("\nrules:\n")
    if own.count("    when:") == count:
        return text
    return f"{head}\nrules: {rules(count, seed)}\n"
