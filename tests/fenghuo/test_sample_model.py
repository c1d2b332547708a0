"""The shipped model fits the shipped pack; after a change samples/README.md says how to train it again."""

from fenghuo.settings import load_settings
from fenghuo.wiring import build_risk, sample_model


def test_the_sample_model_was_trained_for_the_shipped_pack() -> None:
    risk = build_risk(load_settings(), sample=True)
    assert sample_model(risk.pack) is not None
    assert risk.model is not None
    assert risk.model.event_types == {"order.placed"}


def test_no_model_is_taken_where_none_is_asked_for() -> None:
    assert build_risk(load_settings(model="none"), sample=True).model is None
    assert build_risk(load_settings()).model is None
