"""Suppressions: in force once a second person approved, until they end or are lifted."""

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from events.clock import DAY, HOUR, wall_clock
from events.rights import LifecycleError, Refusal
from rules.decision import Tier
from rules.lifecycle import Action, Standing
from rules.suppression import Suppression
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.packs import PackStore
from store.postgres.rules.suppressions import SuppressionStore
from tests.store.postgres.rules.making import LIN, WANG, ZHOU

NOW = wall_clock()
WANTED = Suppression(
    suppression_id="", group="G1", rule="large", tier=Tier.HIGH, starts_at=NOW, expires_at=NOW + DAY
)


def test_it_is_in_force_once_a_second_person_approved(
    suppressions: SuppressionStore, editions: PostgresEditionStore
) -> None:
    asked = suppressions.request(WANTED, LIN, "known project")
    assert (asked.state, asked.edition, editions.newest()) == (Standing.REQUESTED, None, 1)
    with pytest.raises(LifecycleError) as caught:
        suppressions.move(Action.APPROVE, asked.name, LIN)
    assert caught.value.refusal is Refusal.OWN_WORK
    assert suppressions.move(Action.APPROVE, asked.name, ZHOU).edition == 2
    assert editions.edition(2).suppressions == (replace(WANTED, suppression_id=asked.name),)
    [row] = suppressions.suppressions()
    assert (row.requested_by, row.approved_by, row.reason) == ("lin", "zhou", "known project")
    assert row.standing is Standing.APPROVED


def test_a_lifted_one_is_gone_with_the_next_edition(
    suppressions: SuppressionStore, editions: PostgresEditionStore
) -> None:
    asked = suppressions.request(WANTED, LIN, "")
    suppressions.move(Action.APPROVE, asked.name, ZHOU)
    assert suppressions.move(Action.LIFT, asked.name, LIN).edition == 3
    assert editions.edition(3).suppressions == ()
    assert suppressions.suppressions() == []
    with pytest.raises(LifecycleError, match="is lifted, and only `requested` can approve"):
        suppressions.move(Action.APPROVE, asked.name, ZHOU)


def test_a_rise_of_the_tier_ends_it_once(
    suppressions: SuppressionStore, editions: PostgresEditionStore
) -> None:
    asked = suppressions.request(WANTED, LIN, "")
    suppressions.end(asked.name, "not in force yet")
    suppressions.move(Action.APPROVE, asked.name, ZHOU)
    suppressions.end(asked.name, "`large` hit with tier critical")
    suppressions.end(asked.name, "again")
    suppressions.end("00000000-0000-0000-0000-000000000000", "unknown")
    assert editions.newest() == 3
    assert editions.edition(3).suppressions == ()
    assert suppressions.suppressions() == []


def test_what_was_only_asked_for_is_withdrawn_without_an_edition(
    suppressions: SuppressionStore, editions: PostgresEditionStore
) -> None:
    asked = suppressions.request(WANTED, LIN, "")
    assert suppressions.move(Action.LIFT, asked.name, LIN).edition is None
    assert editions.newest() == 1


def test_an_expired_one_is_left_out_of_the_next_edition(
    engine: Engine, suppressions: SuppressionStore, editions: PostgresEditionStore
) -> None:
    asked = suppressions.request(WANTED, LIN, "")
    suppressions.move(Action.APPROVE, asked.name, ZHOU)
    later = PackStore(engine, lambda: WANTED.expires_at)
    later.move(Action.PAUSE, "small", 1, ZHOU)
    assert editions.edition(3).suppressions == ()


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (replace(WANTED, expires_at=NOW), Refusal.TIME),
        (replace(WANTED, starts_at=NOW - DAY, expires_at=NOW - HOUR), Refusal.TIME),
        (replace(WANTED, expires_at=NOW + 91 * DAY), Refusal.TIME),
        (replace(WANTED, rule="huge"), Refusal.UNKNOWN),
        (replace(WANTED, rule=None, scenario="huge"), Refusal.UNKNOWN),
        (replace(WANTED, rule=None), Refusal.UNKNOWN),
        (replace(WANTED, scenario="much"), Refusal.UNKNOWN),
    ],
)
def test_one_that_means_nothing_is_refused(
    suppressions: SuppressionStore, wanted: Suppression, refusal: Refusal
) -> None:
    with pytest.raises(LifecycleError) as caught:
        suppressions.request(wanted, LIN, "")
    assert caught.value.refusal is refusal


def test_finance_does_not_ask_for_one(suppressions: SuppressionStore) -> None:
    with pytest.raises(LifecycleError, match="`wang` may not request: it needs the role"):
        suppressions.request(WANTED, WANG, "")
    with pytest.raises(LifecycleError, match="suppression `no-such`: not found"):
        suppressions.move(Action.APPROVE, "no-such", ZHOU)
