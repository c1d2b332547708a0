"""`fenghuo rules test`: whether the rules of a pack say what their stories expect."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fenghuo.settings import Settings
from fenghuo.stage import Fault, Stage, open_stage
from rules.deadline import Deadline
from rules.errors import PackError
from rules.pack import Pack, load_pack
from rules.rule import EVALUATED, Mode, Rule
from rules.story import Expected, Story
from rules.story_reader import read_story, stories_in

FOLDERS = (Path("stories"), Path("tests/scenarios"))
"""Where the stories of a pack lie unless they are named, in a folder with its name: beside it, or here."""

_HEADS = {Expected.NOT_EVALUABLE: "not evaluable", Expected.IN_TIME: "in time"}


def beside(path: Path, name: str) -> Path:
    """The folder of stories beside a pack."""
    return path.parent / FOLDERS[0] / name


@dataclass
class Tried:
    """What came of the stories of one rule or deadline.

    Args:
        name: of the rule or deadline.
        shown: how many cases expect each result.
        faults: what came out otherwise, each with its file.
        lacking: what has no case although it should.
    """

    name: str
    shown: dict[Expected, int] = field(default_factory=dict)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.faults and not self.lacking


def try_pack(settings: Settings, path: Path, stories: Sequence[Path]) -> list[Tried]:
    """Play all stories of a pack, those of drafts and paused rules too.

    Raises:
        PackError: the pack or a story cannot be read.
        StoryError: an event of a story breaks the contract of events.
    """
    pack = load_pack(path)
    folders = (beside(path, pack.name), FOLDERS[1] / pack.name)
    folder = next((one for one in folders if one.is_dir()), None)
    if not stories and folder is None:
        raise PackError(
            str(path),
            None,
            f"no stories: there is neither a folder `{folders[0]}` nor `{folders[1]}`; name files or folders "
            "of stories",
        )
    rehearsed = _rehearsed(pack)
    read = [read_story(one, rehearsed) for one in stories_in(stories or [folder] if folder else stories)]
    with open_stage(settings, rehearsed) as stage:
        return tried(pack, read, stage)


def _rehearsed(pack: Pack) -> Pack:
    """The pack with its drafts and paused rules in the shadow, where they can be tried."""

    def mode(one: Rule | Deadline) -> Mode:
        return Mode.SHADOW if one.mode in (Mode.DRAFT, Mode.PAUSED) else one.mode

    return replace(
        pack,
        rules=tuple(replace(rule, mode=mode(rule)) for rule in pack.rules),
        deadlines=tuple(replace(deadline, mode=mode(deadline)) for deadline in pack.deadlines),
    )


def tried(pack: Pack, stories: Iterable[Story], stage: Stage) -> list[Tried]:
    """What came of stories, for each evaluated rule and deadline of the pack and what they try besides."""
    everything: tuple[Rule | Deadline, ...] = (*pack.rules, *pack.deadlines)
    subjects = [one for one in everything if one.mode in EVALUATED]
    of: dict[str, list[Story]] = {one.name: [] for one in subjects}
    for story in stories:
        of.setdefault(story.subject.name, []).append(story)
    return [_tried(name, found, stage) for name, found in of.items()]


def _tried(name: str, stories: list[Story], stage: Stage) -> Tried:
    done = Tried(name)
    if not stories:
        done.lacking.append("no story")
    for story in stories:
        done.lacking += [f"no case that expects {one}" for one in story.missing]
        done.lacking += _contradictions(story, stage)
        for case in story.cases:
            done.shown[case.expect] = done.shown.get(case.expect, 0) + 1
            done.faults += [(story.file, fault) for fault in stage.play(story, case)]
    return done


def _contradictions(story: Story, stage: Stage) -> list[str]:
    """A rule that is said to be always evaluable says something of events stripped of what they may lack."""
    if story.always_evaluable is None or isinstance(story.subject, Deadline):
        return []
    away = " while the windows are away (`degraded: true`)" if story.subject.needs_windows else ""
    return [
        f"`always_evaluable`, but it is not evaluable for `{kind}` with no more than it must have{away}"
        for kind in stage.unknown_of(story, story.subject)
    ]


def report(tests: Sequence[Tried], out: Console, errors: Console) -> None:
    """Print what came of all stories."""
    columns = [one for one in Expected if any(one in tried.shown for tried in tests)]
    table = Table("规则 rule", *(_HEADS.get(one, one) for one in columns), "结果 result", box=box.SIMPLE_HEAD)
    table.columns[0].no_wrap = True
    for one in tests:
        verdict = Text("ok", "green") if one.passed else Text("failed", "bold red")
        table.add_row(one.name, *(str(one.shown.get(column, "")) for column in columns), verdict)
    out.print(table)
    for one in tests:
        for what in one.lacking:
            errors.print(Text(f"{one.name}: {what}", "bold red"))
        for file, fault in one.faults:
            errors.print(Text(f"{file}:{fault.line}: {one.name}: {fault.case}", "bold red"))
            errors.print(Text(f"    expected {fault.expected}\n    got      {fault.got}"))
    good = sum(one.passed for one in tests)
    cases = sum(sum(one.shown.values()) for one in tests)
    out.print(f"{good} of {len(tests)} rules and deadlines as expected, {cases} cases", highlight=False)


class _Failed(Struct, frozen=True):
    file: str
    line: int
    case: str
    expected: str
    got: str


class _Told(Struct, frozen=True):
    name: str
    passed: bool
    cases: dict[Expected, int]
    lacking: list[str]
    failed: list[_Failed]


def as_json(tests: Iterable[Tried]) -> str:
    """What came of all stories as a JSON list: for each rule and deadline its cases and what is wrong."""
    told = [
        _Told(
            one.name,
            one.passed,
            one.shown,
            one.lacking,
            [_Failed(file, fault.line, fault.case, fault.expected, fault.got) for file, fault in one.faults],
        )
        for one in tests
    ]
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()
