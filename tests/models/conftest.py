"""One trained model that all tests of this folder share."""

import pytest

from models.model import Model
from models.training import train
from tests.models.making import origin, trade


@pytest.fixture(scope="session")
def model() -> Model:
    """100 trees over 12 features, trained on 5,000 events."""
    return train(trade(5000), origin())
