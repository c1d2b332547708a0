"""Who may do what, and where each action leads."""

import pytest

from events.rights import APPROVER, AUTHOR, OPERATOR, LifecycleError, Person, Refusal
from rules.lifecycle import STEPS, Action, Standing, able, may, stand, step, steps_from
from rules.rule import Mode

D, S, A, P, R = Mode

LEADS = {
    Action.SHADOW: {D: S, R: S},
    Action.PUBLISH: {D: A, S: A, R: A},
    Action.PAUSE: {A: P},
    Action.RESUME: {P: A},
    Action.RETIRE: {D: R, S: R, A: R, P: R},
}

# Roles that may act: on somebody else's work, and on their own.
MAY = {
    Action.SUBMIT: ({AUTHOR}, {AUTHOR}),
    Action.SHADOW: ({AUTHOR, APPROVER}, {AUTHOR, APPROVER}),
    Action.PUBLISH: ({APPROVER}, set()),
    Action.PAUSE: ({APPROVER, OPERATOR}, {APPROVER, OPERATOR}),
    Action.RESUME: ({APPROVER}, set()),
    Action.RETIRE: ({AUTHOR, APPROVER}, {AUTHOR, APPROVER}),
    Action.REQUEST: ({AUTHOR, "analyst"}, {AUTHOR, "analyst"}),
    Action.APPROVE: ({APPROVER}, set()),
    Action.LIFT: ({AUTHOR, APPROVER, "analyst"}, {AUTHOR, APPROVER, "analyst"}),
    Action.RESET: ({APPROVER, OPERATOR}, {APPROVER, OPERATOR}),
}
ROLES = (AUTHOR, APPROVER, OPERATOR, "analyst", "finance", "legal")


@pytest.mark.parametrize("state", Mode)
@pytest.mark.parametrize("action", STEPS)
def test_a_step_leads_where_the_table_says(action: Action, state: Mode) -> None:
    to = LEADS[action].get(state)
    assert (action in steps_from(state)) == (to is not None)
    if to is None:
        with pytest.raises(LifecycleError, match=f"`p@1` is {state}, and only .* can {action}") as caught:
            step(action, state, "p@1")
        assert caught.value.refusal is Refusal.STATE
    else:
        assert step(action, state, "p@1") is to


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", Action)
def test_who_may_do_what(action: Action, role: str) -> None:
    others, own = MAY[action]
    person = Person("lin", frozenset({role}))
    assert able(action, person, "zhou") == (role in others)
    assert able(action, person, "lin") == (role in own)


@pytest.mark.parametrize("state", [A, P])
def test_what_is_in_force_is_retired_by_a_second_approver(state: Mode) -> None:
    assert not able(Action.RETIRE, Person("lin", frozenset({APPROVER})), "lin", state)
    assert not able(Action.RETIRE, Person("lin", frozenset({AUTHOR})), "zhou", state)
    assert able(Action.RETIRE, Person("lin", frozenset({APPROVER})), "zhou", state)


def test_a_refusal_says_which_role_or_whom_it_takes() -> None:
    with pytest.raises(
        LifecycleError, match="`lin` may not pause: it needs the role `rule-approver` or `sre`"
    ):
        may(Action.PAUSE, Person("lin", frozenset({AUTHOR})))
    with pytest.raises(
        LifecycleError, match="`lin` may not publish their own work; a second person"
    ) as caught:
        may(Action.PUBLISH, Person("lin", frozenset({APPROVER})), "lin")
    assert caught.value.refusal is Refusal.OWN_WORK


def test_where_a_suppression_goes() -> None:
    assert stand(Action.APPROVE, Standing.REQUESTED, "x") is Standing.APPROVED
    assert stand(Action.LIFT, Standing.REQUESTED, "x") is Standing.LIFTED
    assert stand(Action.LIFT, Standing.APPROVED, "x") is Standing.LIFTED
    for action, standing in ((Action.APPROVE, Standing.APPROVED), (Action.LIFT, Standing.LIFTED)):
        with pytest.raises(LifecycleError, match=f"suppression `x` is {standing}, and only"):
            stand(action, standing, "x")
