"""What the tests of traps share."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.properties.replays import Place, place_of
from tests.traps.making import FeaturesOf, Message


@pytest.fixture
def place(tmp_path: Path, valkey_url: str, unique: str) -> Iterator[Place]:
    """Where the replays of a test work."""
    with place_of(tmp_path, valkey_url, unique) as found:
        yield found


@pytest.fixture
def features_of(place: Place) -> FeaturesOf:
    """Replays messages under a pack: `features_of(messages, pack)` gives each decision's features."""

    def replay(messages: Sequence[Message], pack: str) -> list[dict[str, Any]]:
        decisions = place.replay([one.line for one in messages], pack).decisions
        return [decision["features"] for decision in decisions]

    return replay
