"""`fenghuo rules new`: a rule pack to begin with, and a story that tries it."""

import re
from pathlib import Path

from events.errors import FenghuoError
from fenghuo.commands.rules_test import beside

_PACK = """\
# {name}: what these rules are for. Amounts in conditions are in yuan.
# yaml-language-server: $schema={schema}
pack: {name}
version: 1
timezone: Asia/Shanghai

features:
  orders_24h: {{aggregate: count, events: [order.placed], by: customer, window: 24h}}
  ordered_24h: {{aggregate: sum, field: amount, events: [order.placed], by: customer, window: 24h}}

rules:
  large-day:
    title: {{zh: 单日大额下单, en: Large orders within a day}}
    scenario: large-day
    on: [order.placed]
    when: orders_24h >= 3 AND ordered_24h > 1000000
    tier: medium
    outcome: review
    queue: risk-desk
    mode: active
    reason:
      zh: "客户 24 小时内下单 {{orders_24h}} 笔，合计 {{ordered_24h}} 元，超过 1,000,000 元。"
      en: "{{orders_24h}} orders within 24 hours sum to CNY {{ordered_24h}}, more than CNY 1,000,000."
"""

_STORY = """\
# What the rule must say of some events; amounts in yuan, times from the start of the story.
rule: large-day
given: {amount: 400000}
cases:
  - {title: the third order, expect: hit, observed: {orders_24h: 3}, events: [{}, {at: 5h}, {at: 23h}]}
  - {title: the first has left the window, expect: no_hit, events: [{}, {at: 5h}, {at: 24h}]}
  - {title: windows away, degraded: true, expect: not_evaluable, events: [{}, {at: 5h}, {at: 23h}]}
"""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class NewPackError(FenghuoError):
    """Raised when a new pack can't be written."""


def new(path: Path, schema: Path) -> list[Path]:
    """Write a pack with one rule, named after the file, and its story.

    Args:
        path: the YAML file to write.
        schema: JSON Schema that editors check it by.

    Returns:
        the files that were written.

    Raises:
        NewPackError: the name is none of a pack, or a file is there already.
    """
    name = path.stem
    if path.suffix != ".yaml" or not _NAME.fullmatch(name):
        raise NewPackError(
            f"{path}: a pack is named after its file; use lower-case letters, digits, hyphens and `.yaml`"
        )
    story = beside(path, name) / "large-day.yaml"
    for one in (path, story):
        if one.exists():
            raise NewPackError(f"{one} is there already; choose another name")
    for one, text in ((path, _PACK.format(name=name, schema=schema)), (story, _STORY)):
        try:
            one.parent.mkdir(parents=True, exist_ok=True)
            one.write_text(text, "utf-8")
        except OSError as error:
            raise NewPackError(f"{one} can't be written: {error.strerror}") from error
    return [path, story]
