"""Small models in directories, for tests of the registry: a test names the seed and the features."""

from pathlib import Path

import numpy as np

from events.columns import Column, Kind
from models.model import Model
from models.registry import save
from models.training import train
from tests.models.making import origin

KINDS = {"ordered_72h": Kind.MONEY, "orders_72h": Kind.NUMBER, "mean_72h": Kind.MONEY}
"""The features of the pack `small`."""


def tiny_model(seed: int, kinds: dict[str, Kind] | None = None) -> Model:
    """A model of a few trees over the features of the pack `small`; another seed gives another model."""
    numbers = np.random.default_rng(seed)
    everywhere = np.ones(300, np.bool_)
    columns = {
        name: Column(numbers.lognormal(10, 1, 300).astype(np.int64), everywhere, kind)
        for name, kind in (KINDS if kinds is None else kinds).items()
    }
    return train(columns, origin("small@1"), trees=5, samples=64, seed=seed)


def kept_model(folder: Path, seed: int, kinds: dict[str, Kind] | None = None) -> tuple[str, Path]:
    """Id and directory of such a model, written into a folder."""
    model = tiny_model(seed, kinds)
    directory = folder / f"trained-{seed}-{len(kinds or KINDS)}"
    save(model, directory)
    return model.id, directory


def tamper(directory: Path, name: str = "model.skops") -> None:
    """Alter one byte of a file."""
    content = bytearray((directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (directory / name).write_bytes(bytes(content))
