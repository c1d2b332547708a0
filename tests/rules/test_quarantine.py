"""Rules that fail: the others go on, the decision says that it is partial, and nothing passes silently."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from rules.decision import Decision, Outcome, RuleStatus
from rules.evaluate import Judgement, derive, evaluate
from rules.language import Frame
from rules.language.kernels.cells import Cells
from rules.pack import Pack, load_pack
from rules.quarantine import Quarantine
from rules.rule import Mode
from tests.rules.making import SMALL, batch, decisions_on, event, features_of

Run = Callable[[Frame], Cells]


def raising(_: Frame) -> Cells:
    raise ZeroDivisionError("a defect")


def broken(pack: Pack, run: Any = raising, *names: str, **changes: Any) -> Pack:
    """The pack with rules whose conditions are compiled to something that does not work."""
    wanted = names or ("large",)
    return replace(
        pack,
        rules=tuple(
            replace(rule, when=replace(rule.when, run=run), **changes) if rule.name in wanted else rule
            for rule in pack.rules
        ),
    )


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    (tmp_path / "pack.yaml").write_text(SMALL, "utf-8")
    return load_pack(tmp_path / "pack.yaml")


def judged(pack: Pack, ordered: int = 1, held: dict[str, str] | None = None) -> tuple[Judgement, Decision]:
    events = batch(event(amount=1))
    derived = derive(pack, events, features_of(pack, 1, ordered_72h=ordered, orders_72h=1))
    judgement = evaluate(pack, events, derived, None, None, None, held)
    (decision,) = decisions_on(pack, events, judgement)
    return judgement, decision


def test_the_others_decide_and_the_decision_is_partial(pack: Pack) -> None:
    _, decision = judged(broken(pack), ordered=600_000)
    assert {one.rule: one.result for one in decision.rules} == {
        "large": RuleStatus.ERROR,
        "much": RuleStatus.HIT,
    }
    assert (decision.partial, decision.outcome) == (True, Outcome.HOLD)
    assert "ZeroDivisionError: a defect" in str(decision.rules[0].why)


def test_an_event_of_which_a_rule_failed_is_reviewed(pack: Pack) -> None:
    _, decision = judged(broken(pack))
    assert (decision.outcome, decision.partial, decision.reason) == (Outcome.REVIEW, True, None)


def test_a_rule_that_only_approves_holds_nothing_up(pack: Pack) -> None:
    _, decision = judged(broken(pack, raising, outcome=Outcome.APPROVE))
    assert (decision.outcome, decision.partial) == (Outcome.APPROVE, True)


def test_a_rule_in_shadow_that_fails_changes_nothing(pack: Pack) -> None:
    _, decision = judged(broken(pack, raising, mode=Mode.SHADOW))
    assert (decision.outcome, decision.partial) == (Outcome.APPROVE, msgspec.UNSET)
    assert b"partial" not in msgspec.json.encode(decision)


@pytest.mark.parametrize(
    "cells",
    [
        Cells(np.array([np.nan]), None),
        Cells(np.array([True, False]), None),
        Cells(np.array([1], np.int64), None),
        Cells(np.array(["true"], object), None),
    ],
)
def test_what_is_no_truth_for_each_event_is_an_error(pack: Pack, cells: Cells) -> None:
    _, decision = judged(broken(pack, lambda _: cells))
    assert decision.rules[0].result is RuleStatus.ERROR
    assert "not true or false" in str(decision.rules[0].why)


def test_a_rule_is_set_aside_after_some_batches_and_says_the_same(pack: Pack) -> None:
    calls = []

    def counting(frame: Frame) -> Cells:
        calls.append(len(frame))
        raise ZeroDivisionError("a defect")

    quarantine, failing = Quarantine(3), broken(pack, counting)
    told, decisions = [], []
    for _ in range(5):
        judgement, decision = judged(failing, held=dict(quarantine.held))
        told.append(quarantine.note(judgement.verdicts))
        decisions.append(decision)
    assert told == [[], [], [("large", "ZeroDivisionError: a defect")], [], []]
    assert len(calls) == 3
    assert len({msgspec.json.encode(decision) for decision in decisions}) == 1


def test_rules_that_work_are_never_set_aside(pack: Pack) -> None:
    quarantine = Quarantine(1)
    judgement, _ = judged(pack)
    assert quarantine.note(judgement.verdicts) == []
    assert quarantine.held == {}
