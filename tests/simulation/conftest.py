"""The two weeks of the shipped sample, made once per test process."""

import pytest
from rich.console import Console

from fenghuo.commands.simulate import simulate
from tests.simulation.run import LABELS, MAPPINGS, STREAM, TWO_WEEKS, Run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A fresh run with the settings of the shipped sample."""
    directory = tmp_path_factory.mktemp("two-weeks")
    code = simulate(
        TWO_WEEKS, directory / STREAM, directory / LABELS, directory / MAPPINGS, Console(quiet=True)
    )
    assert code == 0
    return Run(directory)
