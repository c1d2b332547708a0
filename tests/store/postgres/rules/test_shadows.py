"""Counts of shadows: added up over calls and processes, read by pair of versions."""

from itertools import count

from sqlalchemy import Engine

from rules.shadow import Key, Seen
from store.postgres.rules.shadows import ShadowCounts

AGREED = Key("small@1", "small@2", "outcome", "approve>approve", "")
DIFFERS = Key("small@1", "small@2", "outcome", "approve>hold", "")
RULE = Key("small@1", "small@2", "rule", "large", "shadow")
OTHER = Key("", "smaller@9", "outcome", "approve>approve", "")


def test_calls_and_processes_add_up(engine: Engine) -> None:
    ticks = count(1_000, 1_000)
    one, two = (ShadowCounts(engine, name, lambda: next(ticks)) for name in ("one", "two"))
    one.add({AGREED: Seen(90), DIFFERS: Seen(2, ("e1", "e2")), RULE: Seen(2, ("e1", "e2"))})
    one.add({AGREED: Seen(5), DIFFERS: Seen(4, ("e3", "e4", "e5", "e6"))})
    two.add({AGREED: Seen(1), OTHER: Seen(7)})
    one.add({})
    (report,) = ShadowCounts(engine).reports("small")
    assert (report.live, report.shadow, report.judged, report.agreed) == ("small@1", "small@2", 102, 96)
    assert report.outcomes == {"approve>approve": 96, "approve>hold": 6}
    assert report.examples == {"approve>hold": ["e1", "e2", "e3", "e4", "e5"]}
    ((rule),) = report.rules
    assert (rule.rule, rule.both, rule.live, rule.shadow) == ("large", 0, 0, 2)
    assert rule.examples == {"shadow": ["e1", "e2"]}
    assert (report.since, report.until) == (1_000, 3_000)


def test_a_new_name_is_compared_with_nothing(engine: Engine) -> None:
    ShadowCounts(engine, "one").add({OTHER: Seen(7)})
    (report,) = ShadowCounts(engine).reports("smaller")
    assert (report.live, report.judged) == (None, 7)
    assert ShadowCounts(engine).reports("unknown") == []
