"""The page: whole by itself, in both languages, and safe with whatever events are called."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from backtest.labels import Label, LabelFile
from backtest.page import page
from backtest.report import Backtest
from rules.pack import Pack
from tests.backtest.making import PACK, Row, pack_of, tried

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}"


class Read(HTMLParser):
    """What stands in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, name: str) -> list[str]:
        """Values of an attribute."""
        return [value for found, value in self.attributes if found == name]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    """Two versions and labels, so that every part of the page is there."""
    folder = tmp_path_factory.mktemp("packs")
    pack = pack_of(folder)
    other = pack_of(
        folder, PACK.replace("version: 1", "version: 2").replace("amount >= 1000", "amount >= 3000")
    )
    rows = [
        Row(
            number,
            amount=number * 1000_00,
            orders=number,
            minutes=number * 1000,
            group=f"{HOSTILE}{number % 3}",
        )
        for number in range(8)
    ]
    labels = LabelFile(
        {"event-2": Label(bad=True, line=2, incidents=[(HOSTILE + "2", HOSTILE)])}, 0, True, True
    )
    report = tried([other, pack], rows, labels=labels)
    hostile = msgspec.json.encode(report).replace(b"event-3", msgspec.json.encode(HOSTILE)[1:-1])
    return msgspec.json.decode(hostile, type=Backtest)


@pytest.fixture(scope="module")
def text(report: Backtest) -> str:
    return page(report).decode()


def test_hostile_names_stay_words(text: str) -> None:
    read = Read(text)
    assert "script" not in read.tags
    assert "img" not in read.tags
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    assert any(HOSTILE in words for words in read.words)
    assert "{{ 7 * 7 }}" in text


def test_nothing_is_fetched(text: str) -> None:
    read = Read(text)
    assert not {"link", "iframe", "script", "img"} & set(read.tags)
    assert all(target.startswith("#") for target in read.of("href"))
    assert not read.of("src")
    assert "@import" not in text
    assert "url(" not in text
    assert "default-src 'none'" in "".join(read.of("content"))


def test_anchors_are_unique_and_lead_somewhere(text: str) -> None:
    read = Read(text)
    names = read.of("id")
    assert len(set(names)) == len(names)
    assert {target.removeprefix("#") for target in read.of("href")} <= set(names)


def test_both_languages_are_there(text: str) -> None:
    for words in ("规则重叠", "Overlap of rules", "减少命中示例", "Examples of lost hits", "大额", "Large"):
        assert words in text
    assert Read(text).of("lang").count("zh") == Read(text).of("lang").count("en") + 1  # and the page's own


def test_every_example_names_its_decision(text: str, report: Backtest) -> None:
    for rule in report.tested.rules:
        for one in rule.examples:
            assert f"fenghuo decision show {one.decision_id}" in text


def test_a_report_without_labels_and_comparison_is_a_page_too(tmp_path: Path) -> None:
    plain = page(tried([pack_of(tmp_path)], [Row(1)])).decode()
    assert "None" not in Read(plain).words
    assert "差异" not in plain


def test_a_page_of_nothing_but_approvals_has_charts(tmp_path: Path) -> None:
    rows = [replace(Row(number), minutes=number * 2000) for number in range(3)]
    assert page(tried([pack_of(tmp_path)], rows)).decode().count('<svg class="chart"') == 2


def test_the_same_report_is_the_same_page(report: Backtest) -> None:
    assert page(report) == page(report)


def test_packs_of_the_page_are_those_of_the_report(text: str, report: Backtest, tmp_path: Path) -> None:
    pack: Pack = pack_of(tmp_path)
    assert pack.content_hash in text
    assert report.tested.sha256 in text
