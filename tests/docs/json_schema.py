"""A small judge of JSON Schema, written from the specification: exactly the keywords that the schemas use."""

import re
from datetime import datetime
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_NOTES = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "then"})


def complaints(schema: dict[str, Any] | bool, value: Any, root: dict[str, Any] | None = None) -> list[str]:
    """What is wrong with `value`; nothing where it is valid.

    Raises:
        KeyError: the schema uses a keyword that is not known here.
    """
    if isinstance(schema, bool):
        return [] if schema else [f"{value!r} is not allowed"]
    root = root if root is not None else schema
    found: list[str] = []
    for keyword, rule in schema.items():
        if keyword not in _NOTES:
            found += _KEYWORDS[keyword](schema, rule, value, root)
    return found


def _ref(_: Any, rule: str, value: Any, root: dict[str, Any]) -> list[str]:
    return complaints(root["$defs"][rule.removeprefix("#/$defs/")], value, root)


def _type(_: Any, rule: str | list[str], value: Any, __: Any) -> list[str]:
    names = [rule] if isinstance(rule, str) else rule
    fits = any(
        isinstance(value, _TYPES[name]) and not (isinstance(value, bool) and name != "boolean")
        for name in names
    )
    return [] if fits else [f"{value!r} is not {' or '.join(names)}"]


def _any_of(_: Any, rule: list[Any], value: Any, root: dict[str, Any]) -> list[str]:
    tried = [complaints(one, value, root) for one in rule]
    return [] if any(not one for one in tried) else [f"{value!r} fits none of {len(rule)} choices"]


def _enum(_: Any, rule: list[Any], value: Any, __: Any) -> list[str]:
    return [] if value in rule else [f"{value!r} is not among {rule}"]


def _properties(_: Any, rule: dict[str, Any], value: Any, root: dict[str, Any]) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [
        f"{name}: {complaint}"
        for name, one in rule.items()
        if name in value
        for complaint in complaints(one, value[name], root)
    ]


def _additional(schema: Any, rule: dict[str, Any], value: Any, root: dict[str, Any]) -> list[str]:
    if not isinstance(value, dict):
        return []
    others = value.keys() - schema.get("properties", {}).keys()
    return [f"{name}: {c}" for name in others for c in complaints(rule, value[name], root)]


def _required(_: Any, rule: list[str], value: Any, __: Any) -> list[str]:
    return [f"{name} is missing" for name in rule if isinstance(value, dict) and name not in value]


def _items(_: Any, rule: dict[str, Any], value: Any, root: dict[str, Any]) -> list[str]:
    return [c for one in value for c in complaints(rule, one, root)] if isinstance(value, list) else []


def _if(schema: Any, rule: dict[str, Any], value: Any, root: dict[str, Any]) -> list[str]:
    return [] if complaints(rule, value, root) else complaints(schema["then"], value, root)


def _format(_: Any, rule: str, value: Any, __: Any) -> list[str]:
    assert rule == "date-time"
    if not isinstance(value, str):
        return []
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return [f"{value!r} is no time"]
    return [] if moment.tzinfo is not None else [f"{value!r} has no offset"]


def _pattern(_: Any, rule: str, value: Any, __: Any) -> list[str]:
    return [] if not isinstance(value, str) or re.search(rule, value) else [f"{value!r} is not {rule}"]


def _limit(word: str, least: bool) -> Any:
    def judge(_: Any, rule: float, value: Any, __: Any) -> list[str]:
        if word == "value":
            size = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        else:
            size = len(value) if isinstance(value, str) else None
        outside = size is not None and (size < rule if least else size > rule)
        return [f"{word} {size} is beyond {rule}"] if outside else []

    return judge


_KEYWORDS: dict[str, Any] = {
    "$ref": _ref,
    "type": _type,
    "anyOf": _any_of,
    "enum": _enum,
    "properties": _properties,
    "additionalProperties": _additional,
    "required": _required,
    "items": _items,
    "if": _if,
    "format": _format,
    "pattern": _pattern,
    "minItems": lambda _, rule, value, __: (
        [f"fewer than {rule}"] if isinstance(value, list) and len(value) < rule else []
    ),
    "minimum": _limit("value", least=True),
    "maximum": _limit("value", least=False),
    "minLength": _limit("length", least=True),
    "maxLength": _limit("length", least=False),
}
