"""`fenghuo model show`: what a model is and what it was trained on, once it was found sound."""

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from fenghuo.printing import columns, say
from fenghuo.registry import artefacts_of
from fenghuo.settings import Settings
from models.manifest import MANIFEST
from models.registry import load
from models.views import summary


def show(settings: Settings, model: str, out: Console, *, as_json: bool) -> None:
    """Print a model of the registry, or one in a directory.

    Raises:
        ModelError: there is none, or it is not sound.
    """
    folder = Path(model)
    if not folder.is_dir():
        folder = artefacts_of(settings).fetch(model, fresh=True)
    load(folder)
    raw = (folder / MANIFEST).read_bytes()
    if as_json:
        out.print(raw.decode(), highlight=False, markup=False, soft_wrap=True)
        return
    manifest: dict[str, Any] = msgspec.json.decode(raw)
    said = summary(manifest)
    facts = columns("", "")
    facts.show_header = False
    for name, value in (
        ("模型 model", str(manifest["id"])),
        ("算法 algorithm", said.algorithm),
        ("训练期间 trained on", f"{said.first} – {said.last}"),
        ("事件 rows", f"{said.rows:,}"),
        ("规则包 pack", said.pack),
        ("评分事件 scores", ", ".join(said.event_types)),
        ("特征 features", ", ".join(said.features)),
        *([("告警预算 budget", f"{said.per_day} a day, from {said.level} on")] if said.per_day else []),
        *((f"指标 {name}", f"{value:.6g}") for name, value in sorted(said.metrics.items())),
        *((f"库 {name}", version) for name, version in sorted(manifest.get("versions", {}).items())),
        *((f"文件 {name}", digest) for name, digest in sorted(manifest["files"].items())),
    ):
        facts.add_row(name, value)
    out.print(facts)
    say(out, "found sound: files, trees and id are what the manifest says")
