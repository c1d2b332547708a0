"""Figures of the subject `hot`, from runs."""

from bench.hot import HotPack, HotRun, Shape, Turn, figures


def run(*, naive: bool = False, late: float = 0.0, slow: float = 1.0) -> HotRun:
    shapes = [Shape.SINGLE] if naive else list(Shape)
    turns = [
        Turn(shape, hot, 10, (2.0 if hot else 1.0) * slowness * 1e-3, 0.0 if naive else 5e-4)
        for slowness in (1.0, slow)
        for shape in shapes
        for hot in (True, False)
    ]
    return HotRun(HotPack.PLAIN, naive, late, 1_000, 11, 1_200, 0.5, turns)


def test_hot_and_cold_are_compared_round_by_round() -> None:
    found = {one.name: one for one in figures([run(slow=10.0)])}
    assert found["hot.plain.batch.hot"].values == [200.0, 2_000.0]
    assert found["hot.plain.batch.cold"].values == [100.0, 1_000.0]
    assert found["hot.plain.batch.ratio"].values == [2.0, 2.0]
    assert found["hot.plain.batch.ratio"].met is False
    assert found["hot.plain.single.windows_ratio"].values == [1.0, 1.0]
    assert found["hot.plain.fill_rate"].median == 2_400


def test_the_naive_version_knows_no_batches_and_has_no_target() -> None:
    found = {one.name: one for one in figures([run(naive=True)])}
    assert found["hot.naive.single.ratio"].met is None
    assert not [name for name in found if "batch" in name or "windows" in name]


def test_late_events_have_figures_of_their_own() -> None:
    names = {one.name for one in figures([run(), run(late=0.1)])}
    assert {"hot.plain.batch.ratio", "hot.plain-late.batch.ratio"} <= names
