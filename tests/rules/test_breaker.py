"""Breakers: what trips one, and how a pack names them."""

import pytest

from events.clock import HOUR, MINUTE
from rules.breaker import DEFAULT, Breaker, Count, trips
from rules.errors import PackError
from rules.pack import read_pack
from tests.rules.making import SMALL


def with_breaker(breaker: str) -> str:
    return SMALL.replace("    tier: high\n", f"    tier: high\n    breaker: {breaker}\n")


@pytest.mark.parametrize(
    ("breaker", "judged", "holds", "tripped"),
    [
        (Breaker(within=HOUR, holds=10), 10, 10, False),
        (Breaker(within=HOUR, holds=10), 11, 11, True),
        (Breaker(within=HOUR, share=0.05, least=1000), 999, 999, False),
        (Breaker(within=HOUR, share=0.05, least=1000), 1000, 50, False),
        (Breaker(within=HOUR, share=0.05, least=1000), 1000, 51, True),
        (Breaker(within=HOUR, share=0.05, least=1000, holds=10), 20, 11, True),
        (Breaker(within=HOUR, share=0.05), 0, 0, False),
    ],
)
def test_what_trips(breaker: Breaker, judged: int, holds: int, tripped: bool) -> None:
    assert trips(breaker, Count(judged=judged, holds=holds)) is tripped


def test_a_rule_has_its_own_or_its_packs_or_the_usual_breaker() -> None:
    assert [(rule.breaker, rule.owner) for rule in read_pack(SMALL, "x").rules] == [
        (DEFAULT, "desk"),
        (DEFAULT, "credit"),
    ]
    duty = "owner: rule-desk\nbreaker: {holds: 7, within: 30m}\n"
    text = duty + with_breaker("{share: 5%, least: 100, within: 1h}")
    large, much = read_pack(text.replace("queue: credit", "queue: credit\n    owner: credit-lead"), "x").rules
    assert (large.breaker, large.owner) == (Breaker(within=30 * MINUTE, holds=7), "rule-desk")
    assert (much.breaker, much.owner) == (Breaker(within=HOUR, share=0.05, least=100), "credit-lead")


@pytest.mark.parametrize(
    ("breaker", "told"),
    [
        ("{within: 1h}", "a breaker needs a limit"),
        ("{holds: 5}", "`within` is missing"),
        ("{share: 5%, within: 1h}", "`share` and `least` stand together"),
        ("{share: 5, least: 10, within: 1h}", "`5` is not a share"),
        ("{share: 100%, least: 10, within: 1h}", "`100%` is not a share"),
        ("{share: nan%, least: 10, within: 1h}", "`nan%` is not a share"),
        ("{holds: 5, within: 25h}", "looks back a day at most"),
        ("{holds: 5, within: 5s}", "is out of range"),
    ],
)
def test_a_breaker_that_means_nothing_is_refused(breaker: str, told: str) -> None:
    with pytest.raises(PackError, match=told):
        read_pack(with_breaker(breaker), "x")
