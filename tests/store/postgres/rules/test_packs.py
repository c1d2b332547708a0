"""Versions of packs: taken in once, and moved by those who may."""

import pytest

from events.rights import LifecycleError, Refusal
from rules.errors import PackError
from rules.lifecycle import Action
from rules.rule import Mode
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.packs import PackStore
from tests.store.postgres.rules.making import LIN, WANG, ZHOU, pack


def states(packs: PackStore) -> dict[int, Mode]:
    return {row.version: row.state for row in packs.versions() if row.pack == "small"}


def test_the_same_content_again_changes_nothing(packs: PackStore) -> None:
    first = packs.submit(pack(2), "small.yaml", LIN)
    again = packs.submit("# another layout\n" + pack(2), "small.yaml", ZHOU)
    assert (first.fresh, again.fresh) == (True, False)
    assert (first.sha256, first.state) == (again.sha256, Mode.DRAFT)
    assert [row.author for row in packs.versions()] == ["lin", "system"]
    assert packs.text("small", 2) == pack(2)


def test_the_same_number_with_other_content_is_refused(packs: PackStore) -> None:
    with pytest.raises(
        LifecycleError, match=r"`small@1` is there with other content; .* raise `version`"
    ) as caught:
        packs.submit(pack(1, amount=3000), "small.yaml", LIN)
    assert caught.value.refusal is Refusal.CONTENT


def test_a_pack_that_means_nothing_is_not_taken_in(packs: PackStore) -> None:
    with pytest.raises(PackError, match=r"small\.yaml:\d+: "):
        packs.submit(pack(2).replace("tier: high", "tier: hot"), "small.yaml", LIN)
    assert states(packs) == {1: Mode.ACTIVE}


def test_publishing_takes_a_second_person_and_retires_the_one_before(
    packs: PackStore, editions: PostgresEditionStore
) -> None:
    packs.submit(pack(2), "small.yaml", LIN)
    for person, refusal in ((LIN, Refusal.OWN_WORK), (WANG, Refusal.ROLE)):
        with pytest.raises(LifecycleError) as caught:
            packs.move(Action.PUBLISH, "small", 2, person)
        assert caught.value.refusal is refusal
    assert editions.newest() == 1
    moved = packs.move(Action.PUBLISH, "small", 2, ZHOU, "stricter")
    assert (moved.state, moved.edition) == (Mode.ACTIVE, 2)
    assert states(packs) == {1: Mode.RETIRED, 2: Mode.ACTIVE}
    published, retired, *_ = packs.history("small")
    assert (published.actor, published.approved_by, published.reason) == ("zhou", "zhou", "stricter")
    assert (published.before, published.to, published.edition) == ("draft", "active", 2)
    assert (retired.version, retired.to, retired.reason) == (1, "retired", "→ small@2")


def test_rolling_back_is_publishing_an_older_version(
    packs: PackStore, editions: PostgresEditionStore
) -> None:
    packs.submit(pack(2), "small.yaml", LIN)
    packs.move(Action.PUBLISH, "small", 2, ZHOU)
    packs.move(Action.PUBLISH, "small", 1, LIN)
    assert states(packs) == {1: Mode.ACTIVE, 2: Mode.RETIRED}
    assert editions.edition(3).active == editions.edition(1).active


def test_a_paused_pack_stays_in_its_edition_with_nothing_that_judges(
    packs: PackStore, editions: PostgresEditionStore
) -> None:
    packs.move(Action.PAUSE, "small", 1, LIN)
    edition = editions.edition(2)
    assert ([one.version for one in edition.active], edition.paused) == ([1], ("large", "much"))
    packs.move(Action.RESUME, "small", 1, ZHOU)
    assert editions.edition(3).paused == ()


def test_a_version_goes_only_where_its_state_leads(packs: PackStore) -> None:
    with pytest.raises(LifecycleError, match="`small@1` is active, and only `paused` can resume"):
        packs.move(Action.RESUME, "small", 1, LIN)
    with pytest.raises(LifecycleError, match="`small@9`: no such version"):
        packs.move(Action.PUBLISH, "small", 9, LIN)
    with pytest.raises(LifecycleError, match="`none@1`: no such version"):
        packs.text("none", 1)


def test_the_last_pack_in_force_stays(packs: PackStore, editions: PostgresEditionStore) -> None:
    with pytest.raises(LifecycleError, match="the last pack in force"):
        packs.move(Action.RETIRE, "small", 1, LIN)
    assert (states(packs), editions.newest()) == ({1: Mode.ACTIVE}, 1)


def test_a_pack_that_contradicts_what_is_in_force_is_not_published(packs: PackStore) -> None:
    packs.submit(pack(1, name="other").replace("other-large", "large"), "other.yaml", LIN)
    with pytest.raises(
        LifecycleError, match="both have a rule `large`; rename one; nothing was changed"
    ) as caught:
        packs.move(Action.PUBLISH, "other", 1, ZHOU)
    assert caught.value.refusal is Refusal.CLASH
    assert [row.state for row in packs.versions()] == [Mode.DRAFT, Mode.ACTIVE]
