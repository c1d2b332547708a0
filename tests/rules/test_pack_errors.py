"""Every error of a pack names file, line, what is wrong and the cure; the golden file shows them all."""

from pathlib import Path

import pytest

from rules.errors import PackError
from rules.pack import load_pack
from tests.rules.golden import check_golden
from tests.rules.making import SMALL

SUM = "events: [order.placed], by: customer, window: 72h}\n  orders"  # of the first feature
COUNT = "aggregate: count, events: [order.placed], by: customer, window: 72h"
WHEN = "when: amount >= 2000"
MEAN = '"ordered_72h / orders_72h"'
DEADLINE = """deadlines:
  slow:
    after: order.placed
    expect: order.confirmed
    by: order
    within: 10m
    tier: low
    outcome: review
    queue: service
rules:
"""

CHANGES: list[tuple[str, str, str]] = [
    ("no file at all", SMALL, ""),
    ("unknown key at the top", "version: 3", "verson: 3"),
    ("missing key at the top", "timezone: Asia/Shanghai\n", ""),
    ("version is no number", "version: 3", "version: three"),
    ("version is zero", "version: 3", "version: 0"),
    ("pack name", "pack: small", "pack: Small Pack"),
    ("unknown timezone", "Asia/Shanghai", "Asia/Shanghia"),
    ("timezone outside the database", "Asia/Shanghai", "../../etc/passwd"),
    ("duration without unit", "window: 72h}", "window: 72}"),
    ("duration of nothing", "window: 72h}", "window: 0h}"),
    ("duration too long", "window: 72h}", "window: 99999d}"),
    ("unknown aggregate", "aggregate: sum", "aggregate: summ"),
    ("unknown event type", SUM, SUM.replace("placed", "plced")),
    ("unknown entity", "by: customer", "by: costumer"),
    ("unknown field", "field: amount", "field: amout"),
    ("field of another kind", "field: amount", "field: region"),
    ("field on count", "aggregate: count", "aggregate: count, field: amount"),
    ("no field on sum", "field: amount, ", ""),
    ("no window", ", window: 72h}\n  orders", "}\n  orders"),
    ("delay on days", COUNT, COUNT.replace("count", "days_since_last").replace("window: 72h", "delay: 1d")),
    ("events is no list", SUM, SUM.replace("[order.placed]", "order.placed")),
    ("no events", SUM, SUM.replace("[order.placed]", "[]")),
    ("feature twice", "  orders_72h: {", "  ordered_72h: {"),
    ("feature shadows a field", "  orders_72h: {", "  amount: {"),
    ("feature shadows the language", "  orders_72h: {", "  hour: {"),
    ("feature is no identifier", "  orders_72h: {", "  orders-72h: {"),
    ("feature is a word of SQL", "  orders_72h: {", "  case: {"),
    ("where reads a feature", SUM, SUM.replace("72h}", "72h, where: orders_72h > 1}")),
    ("where reads the profile", SUM, SUM.replace("72h}", "72h, where: profile.rating = 'red'}")),
    ("where is no condition", SUM, SUM.replace("72h}", "72h, where: amount}")),
    ("expression and aggregate", MEAN, "ordered_72h, aggregate: sum"),
    ("expression is a truth", MEAN, "ordered_72h > 1"),
    ("expression reads itself", MEAN, "mean_72h + 1"),
    ("expressions in a circle", MEAN, "b + 1}\n  b: {expression: a_b + 1}\n  a_b: {expression: mean_72h"),
    ("expression reads anomaly", MEAN, "anomaly"),
    ("expression with an error", MEAN, '"ordered_72h + orders_72h"'),
    ("rule without tier", "    tier: medium\n", ""),
    ("unknown key in a rule", "    queue: desk\n", "    queue: desk\n    playbok: x\n"),
    ("key twice in a rule", "    queue: desk\n", "    queue: desk\n    queue: other\n"),
    ("rule twice", "  much:\n", "  large:\n"),
    ("rule name", "  much:\n", "  Much Too Much:\n"),
    ("unknown tier", "tier: medium", "tier: meduim"),
    ("unknown outcome", "outcome: review", "outcome: block"),
    ("unknown mode", "    queue: desk\n", "    queue: desk\n    mode: actve\n"),
    ("unknown type in on", "on: [order.placed]\n", "on: [order.place]\n"),
    ("on is empty", "on: [order.placed]\n", "on: []\n"),
    ("title lacks a language", "{zh: 大额, en: Large}", "{zh: 大额}"),
    ("title is empty", "{zh: 大额, en: Large}", "{zh: 大额, en: }"),
    ("title in an unknown language", "{zh: 大额, en: Large}", "{zh: 大额, en: Large, de: Groß}"),
    ("reason is one text", '{zh: "订单 {amount} 元", en: "Order of CNY {amount}"}', '"{amount}"'),
    ("unknown placeholder", "Order of CNY {amount}", "Order of CNY {amont}"),
    ("placeholder that is not read", "Order of CNY {amount}", "Rated {profile.rating}"),
    ("placeholder with a format", "Order of CNY {amount}", "Order of CNY {amount:.2f}"),
    ("brace alone", "Order of CNY {amount}", "Order of CNY {amount"),
    ("scenario", "scenario: large\n", "scenario: Large Orders\n"),
    ("when is a list", WHEN, "when: [amount >= 2000]"),
    ("when is nothing", WHEN, "when:"),
    ("error in a plain condition", WHEN, "when: amout >= 2000"),
    ("error in a plain condition of two lines", WHEN, f"{WHEN}\n      AND regon = 'x'"),
    ("error in a folded condition", WHEN, "when: >-\n      amount >= 2000\n      AND regon = 'x'"),
    ("error in a literal condition", WHEN, "when: |\n      amount >= 2000\n\n      AND regon = 'x'"),
    ("error in a quoted condition", WHEN, "when: 'region = ''x'' OR\n      regon = ''y'''"),
    ("unknown list", WHEN, "when: LISTED(region, 'places')"),
    ("list is empty", "rules:\n", "lists: {places: []}\nrules:\n"),
    ("list holds lists", "rules:\n", "lists: {places: [[a]]}\nrules:\n"),
    ("rules is a list", "rules:\n  large:", "rules:\n- large:"),
    ("deadline", "rules:\n", DEADLINE.replace("confirmed", "confirmd")),
    ("deadline without unit", "rules:\n", DEADLINE.replace("10m", "10")),
    ("lateness", "rules:\n", "lateness: soon\nrules:\n"),
    ("broken YAML", "    tier: medium\n", "    tier: [medium\n"),
    ("tab", "    tier: medium\n", "\ttier: medium\n"),
    ("alias", "tier: medium", "tier: *medium"),
    ("alias with its anchor", "tier: medium\n    outcome: review", "tier: &t medium\n    outcome: *t"),
    ("tag", "tier: medium", "tier: !!python/name:os.system medium"),
    ("NUL", "tier: medium", "tier: med\0ium"),
    ("deep", "tier: medium", "tier: " + "[" * 2_000 + "]" * 2_000),
]  # fmt: skip


def error_of(path: Path) -> PackError:
    with pytest.raises(PackError) as caught:
        load_pack(path)
    return caught.value


def test_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parts = []
    for title, old, new in CHANGES:
        assert old in SMALL, title
        Path("pack.yaml").write_text(SMALL.replace(old, new, 1))
        error = error_of(Path("pack.yaml"))
        assert "\n" not in str(error)
        detail = f"\n{error.detail}" if error.detail else ""
        parts.append(f"# {title}\n{error}{detail}\n")
    check_golden("pack_errors.txt", "\n".join(parts))


def test_all_errors_of_a_pack_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(SMALL.replace("tier: medium", "tier: mild").replace("outcome: hold", "outcome: stop"))
    error = error_of(path)
    assert [one.line for one in (error, *error.others)] == [14, 25]
    assert "mild" in str(error)
    assert "stop" in str(error.others[0])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert str(error_of(tmp_path / "none.yaml")).endswith(
        "none.yaml: cannot be read: No such file or directory; check the path"
    )
    assert "Is a directory" in str(error_of(tmp_path))
    path = tmp_path / "gbk.yaml"
    path.write_bytes("pack: small\nversion: 1\n# 中文".encode("gbk"))
    assert str(error_of(path)).endswith("gbk.yaml:3: this is not UTF-8; save the file as UTF-8")
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    assert "the limit is 1,048,576" in str(error_of(path))
