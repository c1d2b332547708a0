"""`fenghuo model train`: fit the anomaly model on the features of a replay."""

import csv
import fnmatch
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console

from events.clock import wall_clock
from events.columns import Kind
from events.errors import FenghuoError
from events.event import EventType
from fenghuo.commands.replay import replay
from fenghuo.settings import Settings
from models.history import decided_rows
from models.manifest import Pack as PackOrigin
from models.model import Model
from models.registry import save
from models.training import train_from_decisions
from rules.union import load_packs
from wire.column_mapping import read_mapping
from wire.input_files import InputFiles
from wire.replay_sink import DECISIONS


class TrainingError(FenghuoError):
    """Raised when labels can't be read, or a feature is not there."""


@dataclass(frozen=True)
class Training:
    """How a model is trained.

    Args:
        labels: CSV with a column `event_id` of events known to be bad, besides those that `label.reported`
            events name; the model must not learn them as normal.
        event_types: types of the events to learn from and to score.
        features: patterns of the features to read (`*_72h`); none: all of the pack.
        seed: of the random choices.
        trees: number of trees.
        samples: rows that each tree sees.
    """

    labels: Path | None = None
    event_types: tuple[str, ...] = (EventType.ORDER_PLACED.value,)
    features: tuple[str, ...] = ()
    seed: int = 0
    trees: int = 100
    samples: int = 256


class _Known(Struct):
    """What is needed of an event beside its decision."""

    event_id: str
    type: str
    attributes: dict[str, msgspec.Raw] | None = None


def train(settings: Settings, training: Training, out: Path, console: Console) -> Model:
    """Replay `settings.events` without a model, train on what was decided, and save to the folder `out`.

    Raises:
        FenghuoError: an input is wrong, the replay failed, or there is nothing to learn from.
    """
    pack = load_packs(settings.pack)
    kinds = _chosen(pack.kinds, training.features)
    types, bad = _known(settings)
    if training.labels is not None:
        bad |= _labelled(training.labels)
    with tempfile.TemporaryDirectory(prefix="fenghuo-train-") as folder:
        replay(settings, Path(folder), console)
        with (Path(folder) / DECISIONS).open("rb") as lines:
            model = train_from_decisions(
                decided_rows(lines, types),
                kinds,
                PackOrigin(pack.id, pack.content_hash),
                created_at=wall_clock(),
                event_types=training.event_types,
                bad=bad,
                seed=training.seed,
                trees=training.trees,
                samples=training.samples,
            )
    save(model, out)
    return model


def _chosen(kinds: Mapping[str, Kind], patterns: tuple[str, ...]) -> dict[str, Kind]:
    for pattern in patterns:
        if not fnmatch.filter(kinds, pattern):
            near = get_close_matches(pattern, kinds, n=1)
            cure = f"did you mean `{near[0]}`?" if near else f"there are `{'`, `'.join(kinds)}`"
            raise TrainingError(f"--feature `{pattern}` fits no feature of the pack; {cure}")
    return {
        name: kind
        for name, kind in kinds.items()
        if not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }


def _known(settings: Settings) -> tuple[dict[str, str], set[str]]:
    """Event type by event id, and the events that labels call bad."""
    mapping = read_mapping(settings.mapping) if settings.mapping is not None else None
    decoder = msgspec.json.Decoder(_Known)
    types: dict[str, str] = {}
    bad: set[str] = set()
    for line in InputFiles(list(settings.events or ()), mapping).lines():
        try:
            event = decoder.decode(line.raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue  # the replay puts it among the dead letters
        types[event.event_id] = event.type
        if event.type == EventType.LABEL_REPORTED.value and event.attributes:
            label = event.attributes.get("label", msgspec.Raw(b"null"))
            target = event.attributes.get("target", msgspec.Raw(b"null"))
            if bytes(label) != b'"legitimate"' and bytes(target).startswith(b'"'):
                bad.add(msgspec.json.decode(target))
    return types, bad


def _labelled(path: Path) -> set[str]:
    return set(_event_ids(path))


def _event_ids(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if "event_id" not in (rows.fieldnames or ()):
                raise TrainingError(
                    f"{path}:1: column `event_id` is missing; it names the events to leave out"
                )
            for row in rows:
                yield row["event_id"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{path}: can't be read as CSV: {error}") from error
