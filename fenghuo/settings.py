"""The settings: every knob of Fenghuo, from `FENGHUO_*` variables or one TOML file."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    BeforeValidator,
    DirectoryPath,
    Field,
    FilePath,
    PrivateAttr,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from events.errors import FenghuoError
from fenghuo.setting_values import (
    bootstrap_servers,
    database_url_of,
    length_of,
    lowered,
    none_of,
    parse_speed,
    paths_of,
    redis_url_of,
)

PREFIX = "FENGHUO_"
CONFIG = "FENGHUO_CONFIG"
DEFAULT_FILE = Path("fenghuo.toml")
MASK = "********"
SECRET_LENGTH = 16


class SettingsError(FenghuoError):
    """Raised when a setting can't be used: which variable or key, what was got, what to do."""


class LogLevel(StrEnum):
    """The least severe log event that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log events are written."""

    CONSOLE = "console"
    JSON = "json"


class Source(StrEnum):
    """Where the value of a setting comes from; an option beats a variable, a variable beats the file."""

    OPTION = "option"
    ENV = "env"
    FILE = "file"
    DEFAULT = "default"


class Origin(NamedTuple):
    """The source of a setting and its place there: `--shards`, `FENGHUO_SHARDS`, `fenghuo.toml:shards`."""

    source: Source
    place: str


Port = Annotated[int, Field(ge=0, le=65535)]


_SHIPPED_PACKS = tuple(
    Path(str(files("rules"))) / "packs" / name for name in ("trade-core.yaml", "service-standards.yaml")
)


class Settings(BaseSettings):
    """All settings; relative paths are seen from the working directory."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", validate_default=False
    )
    _origins: dict[str, Origin] = PrivateAttr(default_factory=dict)

    redis_url: Annotated[str, AfterValidator(redis_url_of)] | None = Field(
        None, description="Redis for windows and profiles; unset: the embedded Valkey.", repr=False
    )
    database_url: Annotated[str, AfterValidator(database_url_of)] | None = Field(
        None, description="PostgreSQL for alerts, cases and people; unset: the embedded one.", repr=False
    )
    kafka: Annotated[str, AfterValidator(bootstrap_servers)] | None = Field(
        None, description="Kafka bootstrap servers; unset: the embedded broker."
    )
    data_dir: Path = Field(
        Path("var"), description="Directory of embedded servers, recovery and generated secrets."
    )
    pack: Annotated[tuple[FilePath, ...], NoDecode, BeforeValidator(paths_of)] = Field(
        _SHIPPED_PACKS,
        description="The rule packs that judge together.",
    )
    model: Annotated[DirectoryPath | None, BeforeValidator(none_of)] = Field(
        None, description="Directory of the anomaly model, or `none`: no anomaly score."
    )
    registry: str | None = Field(
        None,
        min_length=1,
        description="Model registry: a directory or `s3://bucket/prefix`; unset: in the data directory.",
    )
    mappings: DirectoryPath | None = Field(
        None, description="Directory of CSV mapping tables: customer codes to groups, region names to codes."
    )
    rates: FilePath | None = Field(None, description="CSV of exchange rates to CNY: date, currency, rate.")
    degrade_after: float = Field(
        5.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds without Redis after which decisions are degraded.",
    )
    shards: int = Field(8, ge=1, le=1024, description="Shards that customers are spread over in Redis.")
    workers: int = Field(1, ge=1, le=256, description="Dataflow workers on this machine.")
    kafka_partitions: int = Field(4, ge=1, le=4096, description="Partitions of a topic that Fenghuo makes.")
    redis_loss_window: float = Field(
        2.0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="Seconds of writes that Redis may lose when it is killed: 2 with `appendfsync everysec`, "
        "0 with `always`.",
    )
    silence: float = Field(
        30.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds without a message after which a partition's deadlines follow the wall clock.",
    )
    quarantine_after: int = Field(
        3, ge=1, description="Batches in which a rule may fail before it is not run any more."
    )
    snapshot_interval: float = Field(
        5.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds between snapshots of the dataflow's recovery state.",
    )
    max_message_bytes: int = Field(
        1_048_576, ge=1024, description="Largest message that is read; a larger one is a dead letter."
    )
    events: Annotated[tuple[FilePath, ...] | None, NoDecode, BeforeValidator(paths_of)] = Field(
        None,
        description=f"Input files that the demo plays, with `{os.pathsep}` between them; unset: the sample.",
    )
    mapping: FilePath | None = Field(
        None,
        description="Column mapping file by which `FENGHUO_EVENTS` are read; unset: they are events already.",
    )
    speed: Annotated[float | None, BeforeValidator(parse_speed)] = Field(
        60.0, description="How fast files are played: `1x` as in life, `60x`, or `max`."
    )
    retrain_every: Annotated[str, AfterValidator(length_of)] | None = Field(
        None,
        description="Age of the newest model at which a candidate is trained, such as `7d`; unset: never.",
    )
    retrain_period: Annotated[str, AfterValidator(length_of)] = Field(
        "28d", description="Time before a retraining that it learns from."
    )
    console_host: str = Field("127.0.0.1", min_length=1, description="Address that the console listens on.")
    console_port: Port = Field(
        8080,
        description="Port of the console; 0: a free one. The demo takes the next free one when it is busy.",
    )
    metrics_host: str = Field("127.0.0.1", min_length=1, description="Address of `/metrics` of run and desk.")
    metrics_port: Port = Field(0, description="Port of `/metrics` of run and desk; 0: a free one.")
    session_secret: Annotated[SecretStr, Field(min_length=SECRET_LENGTH)] | None = Field(
        None, description="Key that signs sessions; unset: made once and kept in the data directory."
    )
    console_url: str = Field(
        "http://127.0.0.1:8080",
        min_length=1,
        description="Console that `rules` and `model` commands speak to.",
    )
    user: str | None = Field(None, description="Sign-in name of who works by these commands.")
    password: SecretStr | None = Field(
        None, description="Password of that user; unset: asked for.", repr=False
    )
    log_level: Annotated[LogLevel, BeforeValidator(lowered)] = Field(
        LogLevel.INFO, description="Least severe log event: debug, info, warning or error."
    )
    log_format: Annotated[LogFormat, BeforeValidator(lowered)] = Field(
        LogFormat.CONSOLE, description="Log for people (console) or machines (json)."
    )

    def source_of(self, name: str) -> Origin:
        """Where the value of the setting `name` comes from."""
        return self._origins.get(name, Origin(Source.DEFAULT, ""))

    def shown(self, name: str) -> str:
        """The value of the setting `name` as people may see it: secrets and passwords masked."""
        return _shown(name, getattr(self, name))


def load_settings(**options: Any) -> Settings:
    """Read the settings: `options` of a command line first, then variables, then the file, then defaults.

    Args:
        options: values by field name; None means not given.

    Raises:
        SettingsError: one of them can't be used, or the file holds a key that is no setting.
    """
    given = {name: value for name, value in options.items() if value is not None}
    path = _config_path()
    in_file = {} if path is None else _read(path)
    origins = {name: Origin(Source.FILE, f"{path}:{name}") for name in in_file}
    origins |= {name: Origin(Source.ENV, variable(name)) for name in Settings.model_fields if _in_env(name)}
    origins |= {name: Origin(Source.OPTION, f"--{name.replace('_', '-')}") for name in given}
    from_file = {name: value for name, value in in_file.items() if origins[name].source is Source.FILE}
    try:
        settings = Settings(**from_file, **given)
    except ValidationError as error:
        raise SettingsError(_explain(error, origins)) from None  # its text would show secrets
    settings._origins.update(origins)  # noqa: SLF001 - the loader completes what it makes
    return settings


def variable(name: str) -> str:
    """The environment variable of the setting `name`.

    >>> variable("redis_url")
    'FENGHUO_REDIS_URL'
    """
    return PREFIX + name.upper()


def unknown_variables(known_elsewhere: frozenset[str] = frozenset()) -> dict[str, str | None]:
    """`FENGHUO_*` variables that name no setting, each with the variable that was perhaps meant."""
    known = {CONFIG, *map(variable, Settings.model_fields)} | known_elsewhere
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    return {name: _nearest(name.removeprefix(PREFIX).lower(), variable) for name in unknown}


def masked_url(url: str) -> str:
    """`url` without the password in it.

    >>> masked_url("redis://:hunter2@cache:6379/0")
    'redis://:********@cache:6379/0'
    """
    hidden = re.sub(r"^([^/]*//)?([^:/@]*):(?!//).*@", rf"\1\2:{MASK}@", url)
    return re.sub(r"(password=)[^&]*", rf"\1{MASK}", hidden)


def _in_env(name: str) -> bool:
    return any(value and key.upper() == variable(name) for key, value in os.environ.items())


def _config_path() -> Path | None:
    named = os.environ.get(CONFIG)
    if not named:
        return DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    if not Path(named).is_file():
        raise SettingsError(f"`{CONFIG}`: got `{named}`, no such file; correct it or unset it")
    return Path(named)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"`{path}`: not a TOML file: {error}; correct it") from error
    except OSError as error:
        raise SettingsError(f"`{path}`: can't be read: {error.strerror}; make it readable") from error
    for key in values.keys() - Settings.model_fields.keys():
        near = _nearest(key, str)
        cure = f"did you mean `{near}`?" if near else "`fenghuo doctor` lists the settings"
        raise SettingsError(f"`{path}:{key}`: unknown setting; {cure}")
    return values


def _nearest(name: str, spelled: Callable[[str], str]) -> str | None:
    near = get_close_matches(name, Settings.model_fields, 1)
    return spelled(near[0]) if near else None


def _explain(failed: ValidationError, origins: Mapping[str, Origin]) -> str:
    error = failed.errors()[0]
    name = str(error["loc"][0])
    if name not in Settings.model_fields:
        raise TypeError(f"`{name}` is no setting")  # a slip of the caller, not of the user
    default = _shown(name, Settings.model_fields[name].default)
    expectation = _EXPECTATIONS.get(error["type"], error["msg"]).format(**error.get("ctx", {}))
    return (
        f"`{origins[name].place}`: got `{_shown(name, error['input'])}`, {expectation}; "
        f"correct it, or leave it out for the default `{default}`"
    )


_EXPECTATIONS = {
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "string_type": "expected text",
    "enum": "expected {expected}",
    "greater_than_equal": "expected at least {ge}",
    "less_than_equal": "expected at most {le}",
    "finite_number": "expected a finite number",
    "too_short": "expected at least {min_length} characters",
    "string_too_short": "expected at least {min_length} characters",
    "path_not_file": "no such file",
    "path_not_directory": "no such directory",
    "value_error": "{error}",
}
"""What to say for each type of error of pydantic; its own words for the rest."""


_UNSET = {
    "redis_url": "embedded",
    "database_url": "embedded",
    "kafka": "embedded",
    "events": "sample",
    "registry": "in data_dir",
    "retrain_every": "never",
    "session_secret": "generated",
    "password": "asked for",
    "speed": "max",
}
"""What None stands for, by setting."""


def _shown(name: str, value: object) -> str:
    if value is None:
        return _UNSET.get(name, "none")
    match name, value:
        case (("session_secret" | "password"), _):
            return MASK
        case "speed", float():
            return f"{value:g}x"
        case (("redis_url" | "database_url" | "registry"), str()):
            return masked_url(value)
        case _, tuple():
            return os.pathsep.join(str(path) for path in value)
        case _:
            return str(value)
