"""The JSON Schema of rule packs, for editors; `fenghuo rules check` has the last word."""

import json
from collections.abc import Iterable
from typing import Any

from events.event import EventType
from rules.deadline_reader import OPTIONAL, REQUIRED
from rules.decision import Outcome, Tier
from rules.feature_label import FeatureUnit
from rules.rule import Mode
from windows.feature import Aggregate, Entity

Node = dict[str, Any]

_DURATION: Node = {"type": "string", "pattern": r"^\d{1,9}[smhd]$"}
_SLUG: Node = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"}
_CONDITION: Node = {"type": ["string", "boolean"], "description": "A condition in SQL; money in yuan."}


def _choice(values: Iterable[str], description: str = "") -> Node:
    node: Node = {"enum": list(values)}
    return node | ({"description": description} if description else {})


def _object(properties: Node, required: Iterable[str] = ()) -> Node:
    node: Node = {"type": "object", "properties": properties, "additionalProperties": False}
    return node | ({"required": list(required)} if required else {})


def _by_name(node: Node) -> Node:
    return {"type": "object", "additionalProperties": node}


def pack_schema() -> Node:
    """The schema of a pack file."""
    texts = _object({"zh": {"type": "string"}, "en": {"type": "string"}}, ("zh", "en"))
    events = {"type": "array", "items": _choice(EventType), "minItems": 1}
    label: Node = {"title": texts, "unit": _choice(FeatureUnit, "What the numbers are, for people.")}
    window = _object(
        {
            "aggregate": _choice(Aggregate),
            "field": {"type": "string", "description": "`amount`, a text field, or `attributes.x`."},
            "events": events,
            "by": _choice(Entity, "Whose events the window holds."),
            "window": _DURATION,
            "delay": _DURATION,
            "where": _CONDITION,
            **label,
        },
        ("aggregate", "events", "by"),
    )
    expression = _object({"expression": {"type": "string"}, **label}, ("expression",))
    breaker = _object(
        {
            "holds": {"type": "integer", "minimum": 1},
            "share": {"type": "string", "pattern": r"^\d{1,3}(\.\d+)?%$"},
            "least": {"type": "integer", "minimum": 1},
            "within": _DURATION,
        },
        ("within",),
    )
    leads_to: Node = {
        "title": texts,
        "scenario": _SLUG,
        "tier": _choice(Tier),
        "outcome": _choice(Outcome),
        "queue": _SLUG,
        "playbook": _SLUG,
        "mode": _choice(Mode),
        "reason": texts,
    }
    rule = _object(
        {"on": events, "when": _CONDITION, **leads_to, "breaker": breaker, "owner": _SLUG},
        ("title", "scenario", "on", "when", "tier", "outcome", "queue", "reason"),
    )
    ways: Node = {
        "after": _choice(EventType),
        "expect": {"anyOf": [_choice(EventType), events]},
        "by": _choice(one for one in Entity if one not in (Entity.COUNTERPARTY, Entity.CONSIGNEE)),
        "within": {"type": "string", "pattern": r"^\d{1,9}([smhd]|wd)$"},
        "grace": _DURATION,
        "where": _CONDITION,
        **leads_to,
    }
    deadline = _object({key: ways[key] for key in (*REQUIRED, *OPTIONAL)}, REQUIRED)
    named = {"type": "array", "items": {"type": ["string", "number"]}}
    root = _object(
        {
            "pack": _SLUG,
            "version": {"type": "integer", "minimum": 1},
            "timezone": {"type": "string", "description": "IANA name, for hour, weekday and workday."},
            "lateness": _DURATION,
            "lists": _by_name(named),
            "features": _by_name({"anyOf": [window, expression]}),
            "rules": _by_name(rule),
            "deadlines": _by_name(deadline),
            "breaker": breaker,
            "owner": _SLUG,
        },
        ("pack", "version", "timezone", "features", "rules"),
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:fenghuo:schema:rule-pack:1",
        "title": "rule-pack",
    } | root


def text() -> str:
    """The schema as the content of its file."""
    return json.dumps(pack_schema(), ensure_ascii=False, indent=2) + "\n"
