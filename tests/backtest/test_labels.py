"""Labels: what a file may say, what is wrong with it, and what counts as found."""

from pathlib import Path

import pytest

from backtest.errors import BacktestError
from backtest.figures import Quality, ScenarioQuality
from backtest.labels import LabelFile, read_labels
from backtest.report import Backtest, Labelled
from rules.pack import Pack
from tests.backtest.making import Row, pack_of, tried


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return pack_of(tmp_path_factory.mktemp("pack"))


def read(folder: Path, *lines: str) -> LabelFile:
    path = folder / "labels.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return read_labels(path)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((), "column `event_id` is missing"),
        (("id,label", "e1,fraud"), ":1: column `event_id` is missing, got `id, label`"),
        (("event_id,label", "e1,bad"), ":2: unknown label `bad`; known are fraud"),
        (("event_id,label", "e1,"), ":2: unknown label ``"),
        (("event_id,label", "e1,fraud", "e1,legitimate"), ":3: event `e1` is labelled otherwise on line 2"),
        (("event_id,scenario", ",size"), ":2: `event_id` is empty"),
        (("event_id,scenario", "e1,size,more"), ":2: 3 cells under 2 columns"),
        (('event_id\n"e1',), "can't be read as CSV"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, lines: tuple[str, ...], told: str) -> None:
    with pytest.raises(BacktestError) as caught:
        read(tmp_path, *lines)
    assert told in str(caught.value)
    assert str(tmp_path / "labels.csv") in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BacktestError, match="check the path"):
        read_labels(tmp_path / "nothing.csv")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(BacktestError, match="the file is empty"):
        read_labels(tmp_path / "empty.csv")
    (tmp_path / "gbk.csv").write_bytes("event_id\n上海".encode("gbk"))
    with pytest.raises(BacktestError, match="UTF-8"):
        read_labels(tmp_path / "gbk.csv")


def test_a_byte_order_mark_and_blank_lines_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbfevent_id\r\ne1\r\n\r\ne2\r\n")
    assert list(read_labels(path).labels) == ["e1", "e2"]


def quality(report: Backtest, rule: str | None = None) -> Quality:
    """Of all events, or of a rule."""
    if rule is not None:
        (found,) = [one.quality for one in report.tested.rules if one.rule == rule]
    else:
        found = report.tested.quality.events if report.tested.quality else None
    assert found is not None
    return found


def of_scenario(report: Backtest, name: str) -> ScenarioQuality:
    assert report.tested.quality is not None
    (found,) = [one for one in report.tested.quality.scenarios if one.scenario == name]
    return found


def labelled(report: Backtest) -> Labelled:
    assert report.labels is not None
    return report.labels


def test_found_missed_and_false_alarms_are_counted(pack: Pack, tmp_path: Path) -> None:
    rows = [Row(1, amount=2000_00), Row(2, amount=2000_00), Row(3), Row(4, orders=5)]
    labels = read(tmp_path, "event_id", "event-1", "event-3", "event-4")
    report = tried([pack], rows, labels=labels)
    overall = quality(report)
    assert (overall.bad, overall.found, overall.missed, overall.hits) == (3, 2, 1, 3)
    assert (overall.precision, overall.recall, overall.f1) == (2 / 3, 2 / 3, 2 / 3)
    large = quality(report, "large")  # without scenarios every bad event is one to find
    assert (large.bad, large.found, large.hits, large.precision) == (3, 1, 2, 1 / 2)
    assert report.tested.quality is not None
    assert report.tested.quality.incidents is None


def test_scenarios_have_bad_events_of_their_own(pack: Pack, tmp_path: Path) -> None:
    rows = [Row(1, amount=2000_00), Row(2, amount=2000_00, orders=5), Row(3, orders=5)]
    labels = read(
        tmp_path, "event_id,scenario", "event-1,size", "event-2,pace", "event-3,pace", "event-3,other"
    )
    report = tried([pack], rows, labels=labels)
    size, pace, other = (of_scenario(report, name) for name in ("size", "pace", "other"))
    assert (size.events.bad, size.events.found, size.events.hits) == (1, 1, 2)
    assert (pace.events.bad, pace.events.found, pace.events.precision) == (2, 2, 1.0)
    assert (other.events.bad, other.events.found, other.events.precision) == (1, 0, None)
    assert quality(report).precision == 1.0  # overall a bad event is bad, whatever found it


def test_incidents_are_pairs_of_group_and_scenario(pack: Pack, tmp_path: Path) -> None:
    rows = [
        Row(1, group="G1", amount=100_00),  # the labelled event itself is not hit
        Row(2, group="G1", amount=2000_00),  # but another of its incident is
        Row(3, group="G2", amount=2000_00),
        Row(4, group="G3"),
    ]
    labels = read(tmp_path, "event_id,group,scenario", "event-1,G1,size", "event-4,G3,size", "gone,G9,size")
    report = tried([pack], rows, labels=labels)
    incidents = report.tested.quality and report.tested.quality.incidents
    assert incidents
    assert (incidents.bad, incidents.found, incidents.hits) == (2, 1, 2)
    assert labelled(report).incidents == 2
    assert quality(report).found == 0
    assert of_scenario(report, "pace").incidents == Quality(
        bad=0, found=0, missed=0, hits=0, legitimate=0, precision=None, recall=None, f1=None
    )


def test_labels_of_events_that_were_not_evaluated_count_nowhere_and_are_told(
    pack: Pack, tmp_path: Path
) -> None:
    labels = read(tmp_path, "event_id", "event-1", "event-1", *(f"gone-{n}" for n in range(7)))
    report = tried([pack], [Row(1, amount=2000_00)], labels=labels)
    told = labelled(report)
    assert (told.bad, told.unknown, told.repeated) == (1, 7, 1)
    assert told.unknown_examples == [f"gone-{n}" for n in range(5)]
    assert quality(report).recall == 1.0
    assert [note["en"].split()[0] for note in report.notes] == ["7", "1"]


def test_labels_in_the_stream_count(pack: Pack) -> None:
    rows = [
        Row(1, amount=2000_00),
        Row(2, amount=2000_00),
        Row(3, label=("event-1", "fraud"), minutes=9),
        Row(4, label=("event-2", "legitimate"), minutes=9),
        Row(5, label=("event-2", "fraud"), minutes=8),  # came later, but was known earlier
        Row(6, label=("event-2", "odd")),
    ]
    report = tried([pack], rows)
    told = labelled(report)
    assert (told.bad, told.legitimate, told.unreadable) == (1, 1, 1)
    large = quality(report, "large")
    assert (large.found, large.hits, large.legitimate, large.precision) == (1, 2, 1, 0.5)


def test_labels_count_that_come_after_the_period(pack: Pack) -> None:
    rows = [Row(1, amount=2000_00), Row(2, label=("event-1", "dispute"), minutes=900)]
    assert labelled(tried([pack], rows, until=rows[1].at)).bad == 1


def test_the_file_counts_more_than_the_stream(pack: Pack, tmp_path: Path) -> None:
    labels = read(tmp_path, "event_id,label", "event-1,bad_debt")
    rows = [Row(1, amount=2000_00), Row(2, label=("event-1", "legitimate"))]
    told = labelled(tried([pack], rows, labels=labels))
    assert (told.bad, told.legitimate, told.contradicted) == (1, 0, 1)


def test_without_labels_there_is_no_quality(pack: Pack) -> None:
    report = tried([pack], [Row(1, amount=2000_00)])
    assert report.labels is None
    assert report.tested.quality is None
    assert report.tested.rules[0].quality is None


def test_the_other_version_is_held_against_the_same_labels(pack: Pack, tmp_path: Path) -> None:
    labels = read(tmp_path, "event_id", "event-1")
    report = tried([pack, pack], [Row(1, amount=2000_00)], labels=labels)
    assert report.against is not None
    assert report.against.quality == report.tested.quality
