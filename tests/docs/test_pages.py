"""What the pages say exists: links, commands, settings, metrics, files and make targets."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from fenghuo.cli import app
from fenghuo.commands.doctor import READ_ELSEWHERE
from fenghuo.reference import metrics
from fenghuo.settings import CONFIG, Settings, variable
from store.postgres.changes import CHANNEL
from tests.docs.reading import REPOSITORY, anchors, inline, links, name, pages, shell_lines

GENERATED_USAGE = REPOSITORY / "docs" / "reference" / "commands.md"
VARIABLES = {CONFIG, *READ_ELSEWHERE, *map(variable, Settings.model_fields)}
PAGES = [pytest.param(page, id=name(page)) for page in pages()]

_VARIABLE = re.compile(r"\bFENGHUO_[A-Z][A-Z_]*[A-Z]\b")
_METRIC = re.compile(r"\bfenghuo_[a-z_]*[a-z]\b")
_SAMPLE_SUFFIX = re.compile(r"_(bucket|sum|count)$")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)+/?")
_ASSIGNMENT = re.compile(r"([A-Z_]+)=(.*)")
_FOREIGN = re.compile(
    r"(?<![\w.:/])/(?:home|root|Users|tmp|mnt|opt|srv|work|workspace)/|"
    r"pythonhosted|pypi\.|npmjs|index-url|extra-index|localhost:\d{4}/simple",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"`{target}` does not exist"
        assert file.is_relative_to(REPOSITORY), f"`{target}` leads out of the repository"
        if anchor:
            assert anchor in anchors(file), f"`{target}`: no such heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        targets = [target.partition("#")[0] for target in links(page)]
        waiting += [(page.parent / target).resolve() for target in targets if target]
    assert [name(page) for page in pages() if page not in seen] == []


@pytest.mark.parametrize("page", PAGES)
def test_shown_command_lines_can_be_run(page: Path) -> None:
    if page == GENERATED_USAGE:
        return
    for line in shell_lines(page):
        program, *words = shlex.split(line, comments=True)
        if program == "make":
            check_make(words)
        else:
            command, rest = find(words)
            assert isinstance(command, TyperCommand), f"`{line}`: no such command"
            with command.make_context(line, rest):
                pass


@pytest.mark.parametrize("page", PAGES)
def test_commands_named_in_the_text_exist(page: Path) -> None:
    for code in inline(page):
        words = code.split()
        if words[:1] == ["make"] and len(words) > 1:
            check_make(words[1:])
        if words[:1] != ["fenghuo"] or len(words) == 1 or "…" in code:
            continue
        command, rest = find(words[1:])
        assert isinstance(command, TyperCommand) or not rest, f"`{code}`: no such command"
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, f"`{code}`: no such option"


def find(words: list[str]) -> tuple[TyperCommand | TyperGroup, list[str]]:
    """The command that the first words call, and the words after them."""
    command = typer.main.get_command(app)
    rest = list(words)
    while isinstance(command, TyperGroup) and rest and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    assert isinstance(command, TyperCommand | TyperGroup)
    return command, rest


def check_make(words: list[str]) -> None:
    """Each word is a target of the Makefile or gives a value to a setting."""
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for word in words:
        if assignment := _ASSIGNMENT.fullmatch(word):
            assert assignment[1] in VARIABLES
        else:
            assert word in targets, f"`make {word}`: no such target"


@pytest.mark.parametrize("page", PAGES)
def test_variables_that_are_named_exist(page: Path) -> None:
    assert set(_VARIABLE.findall(page.read_text("utf-8"))) <= VARIABLES


@pytest.mark.parametrize("page", PAGES)
def test_metrics_that_are_named_exist(page: Path) -> None:
    known = metrics.names() | {CHANNEL}
    named = {_SAMPLE_SUFFIX.sub("", found) for found in _METRIC.findall(page.read_text("utf-8"))}
    assert named <= known


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: Path) -> None:
    tops = {path.name for path in REPOSITORY.iterdir() if path.is_dir()} - {"var"}
    for code in inline(page):
        if _PATH.fullmatch(code) and code.split("/")[0] in tops:
            assert (REPOSITORY / code).exists(), f"`{code}` does not exist"


@pytest.mark.parametrize("page", PAGES)
def test_nothing_of_one_machine_or_of_a_package_index_shows(page: Path) -> None:
    text = page.read_text("utf-8")
    assert _FOREIGN.findall(text) == []
    assert str(REPOSITORY) not in text


def test_the_readme_names_the_two_commands_and_shows_the_console() -> None:
    readme = REPOSITORY / "README.md"
    assert {"make run", "make test"} <= {*shell_lines(readme), *inline(readme)}
    images = [target for target in links(readme) if target.endswith(".png")]
    assert images
    for image in images:
        assert (REPOSITORY / image).read_bytes().startswith(b"\x89PNG")
    assert re.search(r"[\u4e00-\u9fff]{20}", readme.read_text("utf-8")), "a paragraph in Chinese"


def test_every_decision_record_is_in_the_index() -> None:
    folder = REPOSITORY / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("0*.md"))
    assert [target for target in links(folder / "README.md") if target[0] == "0"] == records
    assert [int(record[:4]) for record in records] == list(range(1, len(records) + 1))


def test_every_library_has_its_reason() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["embedded"],
        *project["dependency-groups"]["dev"],
    ]
    names = sorted(re.split(r"[^A-Za-z0-9_.-]", one)[0].lower() for one in wanted)
    text = (REPOSITORY / "docs" / "decisions" / "0002-libraries.md").read_text("utf-8")
    listed = re.findall(r"^\| ([a-z0-9-]+) \| \d", text, re.MULTILINE)
    assert sorted(listed) == names
