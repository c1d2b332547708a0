"""JSON Schemas of everything that Fenghuo reads and writes, from the types that do it."""

import json
from typing import Any

import msgspec
from msgspec import Struct

from alerts.alert import AlertRecord
from alerts.hit import Hit
from alerts.overdue import Withdrawal
from backtest.report import Backtest
from events.event import MONEY_EVENTS, Event, EventType
from fenghuo.reference import docstring
from rules.decision import Decision
from wire.messages import DeadLetterLine

# Of `features` the types say only that they are an object: their names are the pack's.
_FEATURES = {
    "description": "Every feature of the pack by name, null where it can't be known; money in fen.",
    "type": "object",
    "additionalProperties": {"type": ["number", "null"]},
}
TYPES: dict[str, type[Struct]] = {
    "event": Event,
    "decision": Decision,
    "hit": Hit,
    "withdrawal": Withdrawal,
    "alert": AlertRecord,
    "dead-letter": DeadLetterLine,
    "backtest": Backtest,
}
"""Type by the name of its schema."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one of `TYPES`."""
    kind = TYPES[name]
    _, components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    for part in _structs(kind):
        _describe(components[part.__name__], part)
    root = components.pop(kind.__name__)
    if "features" in root["properties"]:
        root["properties"]["features"] = _FEATURES
    if kind is Event:
        root["description"] += (
            " Fields of other names are ignored; what else is known belongs to `attributes`."
        )
        root["if"] = {"properties": {"type": {"enum": [t for t in EventType if t in MONEY_EVENTS]}}}
        root["then"] = {"required": ["amount"], "properties": {"amount": {"type": "integer"}}}
    head = {"$schema": _DIALECT, "$id": f"urn:fenghuo:schema:{name}:1", "title": name}
    defs = {"$defs": components} if components else {}
    return head | {key: value for key, value in root.items() if key != "title"} | defs


def text(name: str) -> str:
    """The schema as the content of its file."""
    return json.dumps(schema(name), ensure_ascii=False, indent=2) + "\n"


def _describe(component: dict[str, Any], kind: type) -> None:
    component["description"] = docstring.summary(kind)
    told = docstring.fields(kind)
    for field, rules in component.get("properties", {}).items():
        if field in told:
            # Beside a reference the description stands as well: 2020-12 allows siblings of `$ref`.
            component["properties"][field] = {"description": told[field], **rules}


def _structs(kind: type[Struct]) -> list[type[Struct]]:
    """The type and those that it is made of."""
    found: list[type[Struct]] = []
    waiting: list[Any] = [msgspec.inspect.type_info(kind)]
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in found:
                continue
            found.append(info.cls)
            waiting += [field.type for field in info.fields]
        elif isinstance(info, msgspec.inspect.UnionType):
            waiting += info.types
        elif isinstance(info, msgspec.inspect.ListType):
            waiting.append(info.item_type)
    return found
