"""`fenghuo rules test`: the shipped packs against their stories, and what a wrong story is told."""

import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from fenghuo.cli import main
from fenghuo.commands.rules_test import try_pack
from fenghuo.settings import load_settings
from fenghuo.stage import Stage, open_stage
from rules.errors import PackError
from rules.pack import Pack, load_pack
from rules.story import Story
from rules.story_reader import read_story
from tests.rules.making import SMALL

REPOSITORY = Path(__file__).parents[3]
STORIES = REPOSITORY / "tests" / "scenarios"
PACKS = {path.stem: path for path in sorted((REPOSITORY / "rules" / "packs").glob("*.yaml"))}


def subjects(pack: Pack) -> list[str]:
    return [*(rule.name for rule in pack.rules), *(deadline.name for deadline in pack.deadlines)]


ALL = [(name, subject) for name, path in PACKS.items() for subject in subjects(load_pack(path))]


@pytest.fixture(scope="module")
def stages() -> Iterator[dict[str, tuple[Pack, Stage]]]:
    """A stage for each shipped pack."""
    packs = {name: load_pack(path) for name, path in PACKS.items()}
    settings = load_settings(model="none")
    with (
        open_stage(settings, packs["service-standards"]) as service,
        open_stage(settings, packs["trade-core"]) as trade,
    ):
        stages = {"service-standards": service, "trade-core": trade}
        assert stages.keys() == packs.keys()
        yield {name: (packs[name], stage) for name, stage in stages.items()}


@pytest.mark.parametrize(("name", "subject"), ALL, ids=[subject for _, subject in ALL])
def test_every_rule_says_what_its_story_expects(
    stages: dict[str, tuple[Pack, Stage]], name: str, subject: str
) -> None:
    pack, stage = stages[name]
    story = read_story(STORIES / name / f"{subject}.yaml", pack)
    assert story.subject.name == subject
    assert story.missing == ()
    for case in story.cases:
        assert stage.play(story, case) == [], case.title


def test_every_story_has_a_rule() -> None:
    assert sorted(ALL) == sorted((path.parent.name, path.stem) for path in STORIES.glob("*/*.yaml"))
    assert len(ALL) >= 34


PACK = SMALL


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "pack.yaml"
    path.write_text(PACK, "utf-8")
    return path


def story(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "story.yaml"
    path.write_text(textwrap.dedent(text), "utf-8")
    return path


def run(*arguments: object) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["fenghuo", "rules", "test", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


GOOD = """\
    rule: large
    always_evaluable: an order without an amount breaks the contract of events
    cases:
      - {title: two thousand, expect: hit, events: [{amount: 2000}]}
      - {title: a fen below, expect: no_hit, events: [{amount: 1999.99}]}
"""


def test_what_differs_is_told_with_line_and_values(
    tmp_path: Path, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = GOOD.replace("amount: 1999.99", "amount: 2000.01")
    path = story(tmp_path, wrong)
    assert run(pack, path) == 1
    printed = capsys.readouterr()
    assert f"{path}:5: large: a fen below" in printed.err
    assert "expected no_hit" in printed.err
    assert "hit on event 1 (order.placed); amount = 2000.01" in printed.err


def test_a_rule_without_a_story_and_a_missing_kind_fail(tmp_path: Path, pack: Path) -> None:
    half = GOOD.rsplit("\n", 2)[0].replace("      - {title: a fen below", "")
    path = story(tmp_path, half.split("      - {title: a fen")[0])
    tests = {one.name: one for one in try_pack(load_settings(model="none"), pack, [path])}
    assert tests["large"].lacking == ["no case that expects no_hit"]
    others = [one for name, one in tests.items() if name != "large"]
    assert all(one.lacking == ["no story"] for one in others)


def test_an_observed_value_that_differs_is_told(tmp_path: Path, pack: Path) -> None:
    path = story(tmp_path, GOOD.replace("expect: hit,", "expect: hit, observed: {amount: 3},"))
    (first, *_) = try_pack(load_settings(model="none"), pack, [path])
    ((_, fault),) = first.faults
    assert (fault.expected, fault.got) == ("amount = 3", "2000")


NOT_ALWAYS = "`always_evaluable`, but it is not evaluable for `order.placed` with no more than it must have"


def test_a_rule_that_reads_windows_is_not_always_evaluable(tmp_path: Path) -> None:
    path = story(
        tmp_path,
        """\
        rule: frequent-orders
        always_evaluable: I think so
        cases:
          - {expect: hit, events: [{repeat: 16 every 1m}]}
          - {expect: no_hit, events: [{}]}
        """,
    )
    tests = {one.name: one for one in try_pack(load_settings(model="none"), PACKS["trade-core"], [path])}
    assert tests["frequent-orders"].lacking == [f"{NOT_ALWAYS} while the windows are away (`degraded: true`)"]


def test_a_rule_that_reads_what_may_be_missing_is_not_always_evaluable(tmp_path: Path, pack: Path) -> None:
    shaky = pack.with_name("shaky.yaml")
    shaky.write_text(PACK.replace("when: amount >= 2000", "when: amount >= 2000 AND region <> '1'"), "utf-8")
    safe = pack.with_name("safe.yaml")
    safe.write_text(
        PACK.replace("when: amount >= 2000", "when: amount >= 2000 AND COALESCE(region, '1') = '1'"), "utf-8"
    )
    path = story(tmp_path, GOOD)
    told = []
    for one in (shaky, safe):
        tests = {found.name: found for found in try_pack(load_settings(model="none"), one, [path])}
        told.append([what for what in tests["large"].lacking if "always_evaluable" in what])
    assert told == [
        [NOT_ALWAYS],
        [],
    ]


def test_a_draft_is_tried_and_needs_no_story(tmp_path: Path, pack: Path) -> None:
    text = PACK.replace("  large:\n", "  large:\n    mode: draft\n", 1)
    assert text != PACK
    pack.write_text(text, "utf-8")
    settings = load_settings(model="none")
    tests = {one.name: one for one in try_pack(settings, pack, [story(tmp_path, GOOD)])}
    assert tests["large"].passed
    assert tests["large"].shown == {"hit": 1, "no_hit": 1}
    (tmp_path / "none").mkdir()
    assert "large" not in {one.name for one in try_pack(settings, pack, [tmp_path / "none"])}


def test_results_as_json(tmp_path: Path, pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = story(tmp_path, GOOD.replace("amount: 1999.99", "amount: 2000.01"))
    assert run(pack, path, "--json") == 1
    (large,) = (one for one in json.loads(capsys.readouterr().out) if one["name"] == "large")
    assert (large["passed"], large["cases"], large["lacking"]) == (False, {"hit": 1, "no_hit": 1}, [])
    (failed,) = large["failed"]
    assert (failed["file"], failed["line"], failed["expected"]) == (str(path), 5, "no_hit")
    assert "amount = 2000.01" in failed["got"]


WRONG = {
    "no such rule": (
        GOOD.replace("rule: large", "rule: lagre"),
        1,
        "did you mean `large`",
    ),
    "two subjects": (GOOD + "    deadline: x\n", 1, "one `rule` or one `deadline`"),
    "a result of deadlines": (
        GOOD.replace("expect: hit", "expect: missed"),
        4,
        "use hit, no_hit, not_evaluable",
    ),
    "no result": (GOOD.replace("expect: hit", "expect: hits"), 4, "did you mean `hit`"),
    "parts of a fen": (GOOD.replace("2000}", "2000.001}"), 4, "parts of a fen"),
    "no amount": (GOOD.replace("2000}", "lots}"), 4, "a number was expected, got `lots`"),
    "a key": (
        GOOD.replace("{amount: 2000}", "{amuont: 2}"),
        4,
        "unknown key `amuont`; did you mean `amount`",
    ),
    "a repetition": (GOOD.replace("{amount: 2000}", "{repeat: 3 times}"), 4, "write `16 every 2m`"),
    "a type": (GOOD.replace("{amount: 2000}", "{type: order}"), 4, "unknown event type `order`"),
    "a time": (GOOD.replace("{amount: 2000}", "{at: tomorrow}"), 4, "is not a duration"),
    "a start": ("    start: noon\n" + GOOD, 1, "is not a local time"),
    "a flag": (GOOD.replace("expect: hit", "degraded: yes, expect: hit"), 4, "`true` or `false`"),
}


@pytest.mark.parametrize(("text", "line", "what"), WRONG.values(), ids=WRONG)
def test_a_wrong_story_is_told_with_file_line_and_cure(
    tmp_path: Path, pack: Path, capsys: pytest.CaptureFixture[str], text: str, line: int, what: str
) -> None:
    path = story(tmp_path, text)
    assert run(pack, path) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"{path}:{line}: ")
    assert what in printed


def test_an_event_that_breaks_the_contract_is_told(
    tmp_path: Path, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = GOOD.replace("{amount: 2000}", "{amount: 2000, order: " + "x" * 65 + "}")
    path = story(tmp_path, long)
    assert run(pack, path) != 0
    assert f"{path}:4: case `two thousand`: `order`" in capsys.readouterr().err


def test_without_stories_it_says_where_they_belong(
    tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(pack) == 2
    assert "nor `tests/scenarios/" in capsys.readouterr().err
    with pytest.raises(PackError, match="no such file or folder"):
        try_pack(load_settings(model="none"), pack, [tmp_path / "nothing"])


def test_a_story_reads_as_it_is_written(tmp_path: Path, pack: Path) -> None:
    read: Story = read_story(story(tmp_path, GOOD), load_pack(pack))
    (step,) = read.cases[0].steps
    assert step.message["amount"] == 200_000
    assert (step.message["type"], step.message["order"]) == ("order.placed", "SO-0")
