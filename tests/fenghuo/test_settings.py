"""Settings: where they come from, what they accept, what is said when one can't be used."""

import os
from pathlib import Path

import pytest

from fenghuo.settings import (
    LogLevel,
    Settings,
    SettingsError,
    Source,
    load_settings,
    masked_url,
    unknown_variables,
    variable,
)


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables of the machine, and an empty working directory."""
    for name in [name for name in os.environ if name.upper().startswith("FENGHUO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def message(**options: object) -> str:
    with pytest.raises(SettingsError) as error:
        load_settings(**options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_every_setting_has_a_type_a_description_and_a_default() -> None:
    for name, field in Settings.model_fields.items():
        assert field.annotation is not None, name
        assert field.description, name
        assert field.description.endswith("."), name
        assert not field.is_required(), name


def test_without_anything_set_all_is_embedded() -> None:
    settings = load_settings()
    assert (settings.redis_url, settings.database_url, settings.kafka, settings.model) == (
        None,
        None,
        None,
        None,
    )
    names = ["trade-core.yaml", "service-standards.yaml"]
    assert [pack.parts[-3:] for pack in settings.pack] == [("rules", "packs", name) for name in names]
    assert all(pack.is_absolute() for pack in settings.pack)
    assert settings.speed == 60.0
    assert {settings.source_of(name).source for name in Settings.model_fields} == {Source.DEFAULT}


def test_an_option_beats_a_variable_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("fenghuo.toml").write_text("shards = 2\nworkers = 2\nkafka_partitions = 2\n")
    monkeypatch.setenv("FENGHUO_WORKERS", "3")
    monkeypatch.setenv("FENGHUO_KAFKA_PARTITIONS", "3")
    settings = load_settings(kafka_partitions=5, shards=None)
    assert (settings.shards, settings.workers, settings.kafka_partitions) == (2, 3, 5)
    assert settings.source_of("shards") == (Source.FILE, "fenghuo.toml:shards")
    assert settings.source_of("workers") == (Source.ENV, "FENGHUO_WORKERS")
    assert settings.source_of("kafka_partitions") == (Source.OPTION, "--kafka-partitions")
    assert settings.source_of("speed") == (Source.DEFAULT, "")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_REDIS_URL", "")
    monkeypatch.setenv("FENGHUO_CONFIG", "")
    settings = load_settings()
    assert settings.redis_url is None
    assert settings.source_of("redis_url").source is Source.DEFAULT


def test_a_named_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "risk.toml"
    file.parent.mkdir()
    file.write_text('log_level = "WARNING"\n')
    monkeypatch.setenv("FENGHUO_CONFIG", str(file))
    settings = load_settings()
    assert settings.log_level is LogLevel.WARNING
    assert settings.source_of("log_level") == (Source.FILE, f"{file}:log_level")


def test_settings_are_frozen() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.shards = 3


@pytest.mark.parametrize(
    ("text", "speed"), [("60x", 60.0), ("1x", 1.0), ("0.5x", 0.5), ("3", 3.0), ("max", None)]
)
def test_speed(text: str, speed: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_SPEED", text)
    assert load_settings().speed == speed


def test_speed_in_a_file_may_be_a_number() -> None:
    Path("fenghuo.toml").write_text("speed = 10\n")
    settings = load_settings()
    assert (settings.speed, settings.shown("speed")) == (10.0, "10x")


@pytest.mark.parametrize("text", ["fast", "0x", "-1x", "x", "nanx", "infx"])
def test_speed_that_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_SPEED", text)
    assert message() == (
        f"`FENGHUO_SPEED`: got `{text}`, expected `max` or a factor such as `60x`; "
        "correct it, or leave it out for the default `60x`"
    )


def test_several_input_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, second = tmp_path / "一.jsonl", tmp_path / "two.csv"
    first.touch()
    second.touch()
    monkeypatch.setenv("FENGHUO_EVENTS", f"{first}{os.pathsep}{second}")
    assert load_settings().events == (first, second)
    monkeypatch.delenv("FENGHUO_EVENTS")
    Path("fenghuo.toml").write_text(f'events = ["{first}", "{second}"]\n', encoding="utf-8")
    assert load_settings().events == (first, second)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_database_url_gets_the_driver(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_DATABASE_URL", f"{scheme}://risk@db:5432/risk")
    assert load_settings().database_url == "postgresql+psycopg://risk@db:5432/risk"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "SHARDS",
            "many",
            "got `many`, expected a whole number; correct it, or leave it out for the default `8`",
        ),
        ("SHARDS", "0", "got `0`, expected at least 1; correct it, or leave it out for the default `8`"),
        (
            "CONSOLE_PORT",
            "70000",
            "got `70000`, expected at most 65535; correct it, or leave it out for the default",
        ),
        ("DEGRADE_AFTER", "soon", "got `soon`, expected a number; correct it"),
        ("DEGRADE_AFTER", "inf", "got `inf`, expected a finite number; correct it"),
        ("LOG_LEVEL", "loud", "got `loud`, expected 'debug', 'info', 'warning' or 'error'; correct it"),
        (
            "RATES",
            "rates.csv",
            "got `rates.csv`, no such file; correct it, or leave it out for the default `none`",
        ),
        ("MAPPINGS", "maps", "got `maps`, no such directory; correct it"),
        ("MODEL", "best", "got `best`, no such directory; correct it"),
        ("PACK", "rules.yaml", "got `rules.yaml`, no such file; correct it"),
        ("EVENTS", f"fenghuo{os.pathsep}b", "got `fenghuo`, no such file; correct it"),
        (
            "EVENTS",
            os.pathsep,
            "expected at least one file; correct it, or leave it out for the default `sample`",
        ),
        (
            "KAFKA",
            "broker",
            "got `broker`, expected bootstrap servers such as `host:9092,other:9092`; correct it",
        ),
        (
            "REDIS_URL",
            "localhost",
            "got `localhost`, expected a URL such as `redis://host:6379/0`; correct it",
        ),
        (
            "DATABASE_URL",
            "mysql://x/y",
            "got `mysql://x/y`, expected a URL such as `postgresql://user:password@",
        ),
    ],
)
def test_a_value_that_cannot_be_used(
    name: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FENGHUO_{name}", text)
    found = message()
    assert found.startswith(f"`FENGHUO_{name}`: ")
    assert said in found


def test_a_bad_value_in_the_file_names_file_and_key() -> None:
    Path("fenghuo.toml").write_text("redis_url = 6379\n")
    assert message().startswith("`fenghuo.toml:redis_url`: got `6379`, expected text; correct it")


def test_a_bad_option_is_named_as_on_the_command_line() -> None:
    assert message(kafka_partitions=0).startswith("`--kafka-partitions`: got `0`, expected at least 1; ")


@pytest.mark.parametrize(
    ("key", "cure"),
    [("redis_ulr", "did you mean `redis_url`?"), ("colour", "`fenghuo doctor` lists the settings")],
)
def test_an_unknown_key_in_the_file(key: str, cure: str) -> None:
    Path("fenghuo.toml").write_text(f'{key} = "x"\n')
    assert message() == f"`fenghuo.toml:{key}`: unknown setting; {cure}"


def test_a_file_that_is_no_toml() -> None:
    Path("fenghuo.toml").write_text("shards: 16\n")
    assert message().startswith("`fenghuo.toml`: not a TOML file: ")
    assert "line 1" in message()


def test_a_named_file_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_CONFIG", "nowhere.toml")
    assert message() == "`FENGHUO_CONFIG`: got `nowhere.toml`, no such file; correct it or unset it"


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_REDIS_URL", "redis://:hunter2@cache:6379/0")
    monkeypatch.setenv("FENGHUO_DATABASE_URL", "postgresql://risk:hunter2@db/risk")
    monkeypatch.setenv("FENGHUO_SESSION_SECRET", "hunter2hunter2hunter2")
    settings = load_settings()
    shown = [settings.shown(name) for name in Settings.model_fields]
    assert "hunter2" not in f"{settings} {settings!r} {shown}"
    assert settings.shown("redis_url") == "redis://:********@cache:6379/0"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FENGHUO_REDIS_URL", "http://:hunter2@cache"),
        ("FENGHUO_DATABASE_URL", "risk:hunter2@db/risk"),
        ("FENGHUO_DATABASE_URL", "postgresql:/risk:hun@ter2@db/risk"),
        ("FENGHUO_SESSION_SECRET", "hunter2"),
    ],
)
def test_an_error_does_not_show_the_secret(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, text)
    assert "ter2" not in message()


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("redis://risk:pa:ss@wo@rd@cache:6379/0", "redis://risk:********@cache:6379/0"),
        (
            "postgresql://db/risk?password=hunter2&sslmode=require",
            "postgresql://db/risk?password=********&sslmode=require",
        ),
    ],
)
def test_masked_url(url: str, masked: str) -> None:
    assert masked_url(url) == masked


def test_variables_that_name_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FENGHUO_REDIS_ULR", "FENGHUO_COLOUR_SCHEME_9", "FENGHUO_DATA", "FENGHUO_SHARDS"):
        monkeypatch.setenv(name, "1")
    assert unknown_variables(frozenset({"FENGHUO_DATA"})) == {
        "FENGHUO_COLOUR_SCHEME_9": None,
        "FENGHUO_REDIS_ULR": "FENGHUO_REDIS_URL",
    }


def test_a_slip_of_the_caller_is_no_settings_error() -> None:
    with pytest.raises(TypeError, match="`shard` is no setting"):
        load_settings(shard=1)


def test_variable_names() -> None:
    assert [variable(name) for name in ("redis_url", "kafka")] == ["FENGHUO_REDIS_URL", "FENGHUO_KAFKA"]


@pytest.mark.parametrize("text", ["1s", "90m", "72h", "7d", "3660d"])
def test_lengths_of_time(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_RETRAIN_EVERY", text)
    settings = load_settings()
    assert (settings.retrain_every, settings.retrain_period) == (text, "28d")


@pytest.mark.parametrize("text", ["7", "d", "-1d", "0d", "1.5d", "7 d", "1w", "3661d", "٣d", "never"])
@pytest.mark.parametrize(("name", "default"), [("EVERY", "never"), ("PERIOD", "28d")])
def test_what_is_no_length_of_time(
    text: str, name: str, default: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FENGHUO_RETRAIN_{name}", text)
    assert message() == (
        f"`FENGHUO_RETRAIN_{name}`: got `{text}`, expected a number with s, m, h or d, from `1s` to `3660d`; "
        f"correct it, or leave it out for the default `{default}`"
    )
