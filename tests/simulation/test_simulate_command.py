import gzip
from datetime import date
from io import StringIO
from pathlib import Path

from rich.console import Console

from fenghuo.commands.simulate import simulate
from simulation.stream import Settings, Simulation
from wire.tables import read_tables

FEW = Settings(days=9, start=date(2026, 3, 2), seed=2, customers=40, broken=3)


def run(directory: Path, out: str = "a.jsonl.gz", mappings: str | None = "maps") -> tuple[int, str]:
    """Exit code and what the command said."""
    said = StringIO()
    code = simulate(
        FEW,
        directory / out,
        directory / "labels.csv",
        directory / mappings if mappings else None,
        Console(file=said, width=300),
    )
    return code, said.getvalue()


def files(directory: Path) -> dict[str, bytes]:
    paths = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def test_the_same_arguments_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run(tmp_path / name)[0] == 0
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert sorted(files(tmp_path / "one")) == [
        "a.jsonl.gz",
        "labels.csv",
        "maps/customers.csv",
        "maps/regions.csv",
        "maps/skus.csv",
    ]


def test_the_file_holds_the_lines_of_the_stream(tmp_path: Path) -> None:
    run(tmp_path, "plain.jsonl", None)
    run(tmp_path, "packed.jsonl.gz", None)
    lines = [line + b"\n" for day in Simulation(FEW).days() for line in day.lines]
    assert (tmp_path / "plain.jsonl").read_bytes() == b"".join(lines)
    assert gzip.decompress((tmp_path / "packed.jsonl.gz").read_bytes()) == b"".join(lines)
    assert not (tmp_path / "maps").exists()


def test_the_mapping_tables_are_read_by_the_pipeline(tmp_path: Path) -> None:
    run(tmp_path)
    tables = read_tables(tmp_path / "maps", None)
    assert len(tables.groups) == len(Simulation(FEW).customers) == 42
    assert tables.regions["广东"] == tables.regions["Guangdong"] == "440000"
    assert tables.skus["HB05", "MAT-H001"] == "H001"


def test_it_says_what_was_written_and_that_it_is_simulated(tmp_path: Path) -> None:
    _, said = run(tmp_path)
    assert "3 broken" in said
    assert "all of it is simulated" in said


def test_a_place_that_can_not_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").mkdir()
    code, said = run(tmp_path, "a.jsonl")
    assert code == 1
    assert f"`{tmp_path}/labels.csv" in said
    assert "can't be written: " in said
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]
