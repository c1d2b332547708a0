"""The page of events: their fields, their types and the topics that carry them."""

from typing import get_type_hints

from events.event import MONEY_EVENTS, Event, EventType, topic_of
from fenghuo.reference import docstring
from fenghuo.reference.markdown import code, page, sentence, table
from wire.kafka_topics import ALERTS, DEAD_LETTERS, DECISIONS, WITHDRAWALS


def text() -> str:
    """The whole page."""
    return page(
        "Events",
        "One JSON object per Kafka message, or per line of a `.jsonl` file. The key of a message is `group`, "
        "so that the events of one customer stay in their order. [The schema](../schemas/event.json) says "
        "the same for machines; [Inputs](../inputs.md) shows how other exports become events.",
        "## Fields",
        table(("field", "", "meaning"), _fields()),
        "## Types",
        table(("type", "topic", "`amount`"), _types()),
        "## Topics that Fenghuo writes",
        table(("topic", "key", "content"), _outputs()),
    )


def _fields() -> list[tuple[str, str, str]]:
    told = docstring.fields(Event)
    names = get_type_hints(Event)
    required = set(Event.__struct_fields__[: len(Event.__struct_fields__) - len(Event.__struct_defaults__)])
    return [(code(name), "required" if name in required else "", sentence(told[name])) for name in names]


def _types() -> list[tuple[str, str, str]]:
    return [
        (code(kind.value), code(topic_of(kind.value)), "required" if kind in MONEY_EVENTS else "")
        for kind in EventType
    ]


def _outputs() -> list[tuple[str, str, str]]:
    return [
        (code(DECISIONS), "group", "[a decision](../schemas/decision.json) on every accepted event"),
        (code(ALERTS), "group", "[a hit](../schemas/hit.json) for each scenario of a decision that hit"),
        (
            code(WITHDRAWALS),
            "group",
            "[what takes back the hit of a missed deadline](../schemas/withdrawal.json), it may come first",
        ),
        (
            code(DEAD_LETTERS),
            "",
            "the original bytes of what is no event; headers `reason`, `field`, `source`, `offset`",
        ),
    ]
