"""Comparisons of versions: counted row by row, and the same however the events are cut."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.decision import Outcome
from rules.shadow import EXAMPLES, Key, Seen, ShadowTally, Verdicts, compared, report
from tests.rules.making import batch, event

RULES = ("a", "b")
OUTCOMES = {"a": Outcome.REVIEW, "b": Outcome.HOLD}
Row = tuple[frozenset[str], frozenset[str]]
ROWS = st.lists(
    st.tuples(st.frozensets(st.sampled_from(RULES)), st.frozensets(st.sampled_from(RULES))),
    min_size=1,
    max_size=40,
)


def worst(rules: frozenset[str]) -> Outcome:
    return max((OUTCOMES[rule] for rule in rules), key=lambda one: one.severity, default=Outcome.APPROVE)


def said(hits: list[frozenset[str]]) -> Verdicts:
    columns = {rule: np.array([rule in one for one in hits]) for rule in RULES}
    outcomes = np.array([worst(one).severity for one in hits])
    return Verdicts(outcomes, {rule: column for rule, column in columns.items() if column.any()})


def plainly(rows: list[Row]) -> Counter[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    for live, shadow in rows:
        pair = [
            max((OUTCOMES[r] for r in one), key=lambda o: o.severity, default=Outcome.APPROVE)
            for one in (live, shadow)
        ]
        found["outcome", f"{pair[0]}>{pair[1]}", ""] += 1
        for rule in live | shadow:
            side = "both" if rule in live and rule in shadow else "live" if rule in live else "shadow"
            found["rule", rule, side] += 1
    return found


@given(rows=ROWS, cut=st.integers(0, 40))
def test_counts_are_those_of_single_events_however_they_are_cut(rows: list[Row], cut: int) -> None:
    tally = ShadowTally()
    start = 0
    for end in sorted({min(cut, len(rows)), len(rows)}):
        part = rows[start:end]
        if part:
            events = batch(*(event(start + number) for number in range(len(part))))
            found = compared(said([one for one, _ in part]), said([other for _, other in part]), events)
            tally.add("p@1", "p@2", found)
        start = end
    seen = tally.take()
    assert {key[2:]: one.count for key, one in seen.items()} == plainly(rows)
    assert tally.take() == {}
    for key, one in seen.items():
        differs = key.what == "rule" or len(set(key.name.split(">"))) == 2
        assert len(one.examples) == (min(one.count, EXAMPLES) if differs else 0)
    told = report("p@1", "p@2", seen.items(), 1, 2)
    assert told.judged == len(rows)
    assert told.agreed == sum(said([a]).outcomes[0] == said([b]).outcomes[0] for a, b in rows)


def test_what_could_not_be_kept_is_not_lost() -> None:
    tally, key = ShadowTally(), Key("", "p@2", "rule", "a", "shadow")
    tally.put_back({key: Seen(3, ("1", "2", "3"))})
    taken = tally.take()
    tally.put_back({key: Seen(1, ("9",))})
    tally.put_back(taken)
    assert tally.take() == {key: Seen(4, ("9", "1", "2", "3"))}
