"""The life of a model: where it goes from each state, who may, and whose turn it was."""

import pytest

from events.rights import APPROVER, AUTHOR, OPERATOR, LifecycleError, Person, Refusal
from models.lifecycle import (
    RETRAINING,
    Change,
    ModelAction,
    ModelState,
    may,
    moves_from,
    reigns,
    step,
)

CANDIDATE, SHADOW, CHAMPION, RETIRED = ModelState
A = ModelAction
ANN = Person("ann", frozenset({AUTHOR, APPROVER}))
BEN = Person("ben", frozenset({AUTHOR, APPROVER}))
ONLY_AUTHOR = Person("una", frozenset({AUTHOR}))


@pytest.mark.parametrize(
    ("action", "leads"),
    [
        (A.SHADOW, {CANDIDATE: SHADOW, RETIRED: SHADOW}),
        (A.PROPOSE, {CANDIDATE: CANDIDATE, SHADOW: SHADOW, RETIRED: RETIRED}),
        (A.PROMOTE, {CANDIDATE: CHAMPION, SHADOW: CHAMPION, RETIRED: CHAMPION}),
        (A.RETIRE, {CANDIDATE: RETIRED, SHADOW: RETIRED, CHAMPION: RETIRED}),
    ],
)
def test_an_action_leads_from_some_states_and_nowhere_from_the_others(
    action: ModelAction, leads: dict[ModelState, ModelState]
) -> None:
    for state in ModelState:
        if state in leads:
            assert step(action, state, "m1") is leads[state]
        else:
            with pytest.raises(LifecycleError, match="nothing was changed") as caught:
                step(action, state, "m1")
            assert caught.value.refusal is Refusal.STATE
        assert (action in moves_from(state, proposed=True)) == (state in leads)


def test_nothing_unproposed_is_offered_for_promotion() -> None:
    assert A.PROMOTE not in moves_from(CANDIDATE, proposed=False)
    assert A.PROPOSE in moves_from(CANDIDATE, proposed=False)


def refused(action: ModelAction, person: Person, **about: object) -> Refusal:
    with pytest.raises(LifecycleError) as caught:
        may(action, person, model="m1", **about)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value.refusal


def test_a_promotion_takes_two_who_are_not_one() -> None:
    may(A.PROMOTE, BEN, model="m1", author="ann", proposer="ann")
    may(A.PROMOTE, BEN, model="m1", author=RETRAINING, proposer="ann")
    assert refused(A.PROMOTE, BEN, author="ann") is Refusal.STATE
    assert refused(A.PROMOTE, BEN, author=RETRAINING) is Refusal.STATE
    assert refused(A.PROMOTE, ANN, author="ann", proposer="ben") is Refusal.OWN_WORK
    assert refused(A.PROMOTE, BEN, author="ann", proposer="ben") is Refusal.OWN_WORK
    assert refused(A.PROMOTE, ONLY_AUTHOR, author="ann", proposer="ann") is Refusal.ROLE


def test_retiring_the_champion_asks_for_what_promoting_asks_for() -> None:
    may(A.RETIRE, ONLY_AUTHOR, author="ann", state=SHADOW)
    assert refused(A.RETIRE, ONLY_AUTHOR, author="ann", state=CHAMPION) is Refusal.ROLE
    assert refused(A.RETIRE, ANN, author="ann", state=CHAMPION) is Refusal.OWN_WORK
    may(A.RETIRE, BEN, author="ann", state=CHAMPION)


def test_one_person_rolls_back() -> None:
    may(A.ROLLBACK, Person("ops", frozenset({OPERATOR})))
    assert refused(A.ROLLBACK, ONLY_AUTHOR) is Refusal.ROLE


@pytest.mark.parametrize("action", [one for one in ModelAction if one not in {A.REGISTER, A.REPLACE}])
def test_programs_only_register(action: ModelAction) -> None:
    program = Person(RETRAINING, frozenset({AUTHOR, APPROVER, OPERATOR}))
    may(A.REGISTER, program)
    assert refused(action, program, author="ann", proposer="ann") is Refusal.ROLE


def promoted(model: str, edition: int) -> Change:
    return Change(model=model, action="promote", before="candidate", to="champion", edition=edition)


def replaced(model: str, edition: int) -> Change:
    return Change(model=model, action="replace", before="champion", to="retired", edition=edition)


def rolled(model: str, to: ModelState, edition: int) -> Change:
    return Change(model=model, action="rollback", before="retired", to=to, edition=edition)


def test_reigns_follow_each_other_and_a_rollback_takes_the_last_back() -> None:
    changes = [
        Change(model="a", action="register", before=None, to="candidate"),
        promoted("a", 2),
        replaced("a", 3),
        promoted("b", 3),
    ]
    assert reigns([]) == []
    assert reigns(changes[:2]) == ["a"]
    assert reigns(changes) == ["a", "b"]
    changes += [rolled("b", RETIRED, 4), rolled("a", CHAMPION, 4)]
    assert reigns(changes) == ["a"]
    assert reigns([*changes, rolled("a", RETIRED, 5)]) == []
    assert reigns([*changes, promoted("b", 5)]) == ["a", "b"]


def test_a_retired_champion_leaves_none_and_comes_back_by_a_rollback() -> None:
    retired = Change(model="a", action="retire", before="champion", to="retired", edition=3)
    other = Change(model="x", action="retire", before="shadow", to="retired", edition=4)
    assert reigns([promoted("a", 2), retired, other]) == ["a", None]
    assert reigns([promoted("a", 2), retired, other, rolled("a", CHAMPION, 5)]) == ["a"]


def test_two_rollbacks_in_a_row_take_two_promotions_back() -> None:
    changes = [promoted("a", 2), replaced("a", 3), promoted("b", 3), replaced("b", 4), promoted("c", 4)]
    changes += [rolled("c", RETIRED, 5), rolled("b", CHAMPION, 5)]
    changes += [rolled("b", RETIRED, 6), rolled("a", CHAMPION, 6)]
    assert reigns(changes) == ["a"]
