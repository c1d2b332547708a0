"""An event id is one event, whichever customer it is sent under the second time."""

import pytest

from tests.properties.replays import LEFT_OPEN, Place
from tests.traps.making import NOON, feature, order, pack

pytestmark = LEFT_OPEN


@pytest.mark.parametrize("other", [{"customer": "b"}, {"subsidiary": "GD"}, {"group": "g"}])
def test_an_id_that_another_customer_uses_again_is_the_same_event(
    place: Place, other: dict[str, object]
) -> None:
    again = order(1, NOON + 1, **other)
    found = place.replay(
        [one.line for one in (order(1, NOON), again, order(2, NOON + 2))],
        pack({"n": feature("count"), "s": feature("sum")}),
    )
    assert [decision["features"] for decision in found.decisions] == [{"n": 1, "s": 100}, {"n": 2, "s": 200}]
    assert len({decision["decision_id"] for decision in found.decisions}) == found.counts["decided"] == 2
    assert found.counts["duplicate"] == 1
