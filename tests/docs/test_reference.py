"""The generated pages are current and name everything that there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from prometheus_client import CollectorRegistry

from events.event import EventType, topic_of
from fenghuo.cli import app
from fenghuo.commands.docs import FOLDERS, pages, stale_docs, write_docs
from fenghuo.settings import Settings, variable
from rules.pack import load_pack
from telemetry import metrics
from tests.docs.reading import REPOSITORY
from wire.kafka_topics import OUTPUTS

REFERENCE = REPOSITORY / FOLDERS[0]


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text("utf-8")


def row(text: str, first: str) -> str:
    """The row of a table that begins with this cell."""
    (found,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return found


def test_the_generated_files_are_current() -> None:
    assert stale_docs(REPOSITORY) == [], "run `make docs`"


def test_what_differs_is_missing_or_is_left_over_is_stale_until_it_is_written(tmp_path: Path) -> None:
    everything = sorted(pages())
    assert stale_docs(tmp_path) == everything
    assert write_docs(tmp_path) == everything
    assert stale_docs(tmp_path) == []
    edited, removed = everything[0], everything[1]
    left_over = FOLDERS[1] / "gone.json"
    (tmp_path / edited).write_text((tmp_path / edited).read_text("utf-8") + " ", "utf-8")
    (tmp_path / removed).unlink()
    (tmp_path / left_over).write_text("{}")
    assert stale_docs(tmp_path) == sorted([edited, removed, left_over])
    assert write_docs(tmp_path) == sorted([edited, removed, left_over])
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")} == set(everything)


def test_neither_variables_nor_the_working_directory_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pages()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fenghuo.toml").write_text("workers = 2\n")
    monkeypatch.setenv("FENGHUO_SHARDS", "99")
    monkeypatch.setenv("FENGHUO_DATA_DIR", str(tmp_path))
    assert pages() == before
    assert not any(str(REPOSITORY) in text for text in before.values())


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_there_with_its_meaning(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    assert description in row(page("settings"), f"`{variable(name)}`")


def declared_metrics() -> Iterator[tuple[str, str]]:
    """Every metric as a scrape shows it, with its help."""
    for name, kind in vars(metrics).items():
        if name.endswith("Metrics") and isinstance(kind, type):
            registry = CollectorRegistry()
            kind(registry)
            for family in registry.collect():
                suffix = "_total" if family.type == "counter" else ""
                yield family.name + suffix, family.documentation


@pytest.mark.parametrize(("name", "meaning"), list(declared_metrics()))
def test_every_metric_is_there_with_its_meaning(name: str, meaning: str) -> None:
    assert meaning.replace("|", "\\|") in row(page("metrics"), f"`{name}`")


def test_labels_of_metrics_are_there() -> None:
    assert "`rule`, `result`" in row(page("metrics"), "`fenghuo_rule_results_total`")


def registered(group: typer.Typer, path: str) -> Iterator[tuple[str, str]]:
    """Every command that was registered, with its help."""
    for command in group.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        yield f"{path} {name}", (command.callback.__doc__ or "").strip().splitlines()[0]
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from registered(inner.typer_instance, f"{path} {inner.name}")


@pytest.mark.parametrize(("path", "meaning"), list(registered(app, "fenghuo")))
def test_every_command_is_there(path: str, meaning: str) -> None:
    _, _, rest = page("commands").partition(f"## `{path}`\n")
    assert rest.lstrip().startswith(meaning)


def test_options_name_the_setting_that_counts_where_they_are_left_out() -> None:
    replay, _, rest = page("commands").partition("## `fenghuo demo`")
    assert "| `--workers WORKERS` | `FENGHUO_WORKERS` |" in replay
    simulate = rest.partition("## `fenghuo simulate`")[2].partition("\n## ")[0]
    assert "| `--mappings MAPPINGS` |  |" in simulate  # writes tables, so the setting does not matter


@pytest.mark.parametrize("kind", EventType)
def test_every_event_type_is_there_with_its_topic(kind: EventType) -> None:
    assert f"`{topic_of(kind.value)}`" in row(page("events"), f"`{kind.value}`")


@pytest.mark.parametrize("topic", OUTPUTS)
def test_every_topic_that_is_written_is_there(topic: str) -> None:
    assert row(page("events"), f"`{topic}`")


def test_every_rule_and_feature_is_there() -> None:
    pack = load_pack(REPOSITORY / "rules" / "packs" / "trade-core.yaml")
    text = page("rules").partition("## trade-core\n")[2].partition("\n## ")[0]
    for rule in pack.rules:
        line = row(text, f"[`{rule.name}`](#{rule.name})")
        for cell in (rule.title["zh"], rule.title["en"], rule.tier, rule.outcome, rule.queue):
            assert f"| {cell} |" in line
        section = text.partition(f"### {rule.name}\n")[2].partition("\n### ")[0]
        assert " ".join(rule.when.text.split()) in section
        assert rule.scenario in section
    for feature in pack.feature_names:
        assert row(text, f"`{feature}`")
