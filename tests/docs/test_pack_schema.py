"""The schema of rule packs says what the reader says, as far as a schema can."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fenghuo.reference.pack_schema import pack_schema
from rules.errors import PackError
from rules.pack import load_pack
from tests.docs.json_schema import complaints
from tests.rules.making import SMALL
from tests.rules.waits import DEADLINES


def content(text: str) -> Any:
    """The pack as an editor sees it: `on` is a name to YAML 1.2, and a truth to 1.1."""

    def named(node: Any) -> Any:
        if isinstance(node, dict):
            return {"on" if key is True else key: named(value) for key, value in node.items()}
        return [named(one) for one in node] if isinstance(node, list) else node

    return named(yaml.safe_load(text))


PACKS = sorted((Path(__file__).parents[2] / "rules" / "packs").glob("*.yaml"))


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_the_shipped_packs_fit(path: Path) -> None:
    assert complaints(pack_schema(), content(path.read_text("utf-8"))) == []


WRONG = {
    "a key of a rule": ("outcome: review", "outcom: review"),
    "a tier": ("tier: medium", "tier: middle"),
    "an aggregate": ("aggregate: sum", "aggregate: total"),
    "an event type": ("events: [order.placed]", "events: [order.place]"),
    "a window": ("window: 72h", "window: 3 days"),
    "an entity": ("by: customer", "by: consumer"),
    "a version": ("version: 3", "version: 0"),
    "a missing name": ("pack: small\n", ""),
    "an entity of deadlines": ("by: order", "by: counterparty"),
    "a time of deadlines": ("within: 10m", "within: soon"),
}


@pytest.mark.parametrize(("good", "bad"), WRONG.values(), ids=WRONG)
def test_what_the_schema_refuses_the_reader_refuses(tmp_path: Path, good: str, bad: str) -> None:
    text = SMALL + DEADLINES
    assert complaints(pack_schema(), content(text)) == []
    assert good in text
    wrong = text.replace(good, bad, 1)
    assert complaints(pack_schema(), content(wrong))
    path = tmp_path / "pack.yaml"
    path.write_text(wrong, "utf-8")
    with pytest.raises(PackError):
        load_pack(path)
