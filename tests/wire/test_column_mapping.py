"""Column mapping files: one line of error with file and line for each bad one."""

from pathlib import Path

import pytest

from tests.wire.golden import check_golden
from wire.column_mapping import read_mapping
from wire.errors import TableError

SAMPLES = Path(__file__).parents[2] / "samples" / "column-mappings"

GOOD = """\
timezone: Asia/Shanghai
events:
  - fields:
      event_id: {template: "SO-{order id}"}
      type: {const: order.placed}
      occurred_at: {column: created, format: "%d.%m.%Y %H:%M"}
      subsidiary: {const: SH01}
      customer: {column: 客户}
      amount: {column: total, type: decimal}
    attributes:
      lines: {column: n_lines, type: integer}
"""


def changed(old: str, new: str) -> str:
    """The good mapping with a part replaced."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


BAD_FILES: dict[str, str | bytes] = {
    "nothing in it": "",
    "list": "- a\n",
    "tab": "events:\n\t- fields\n",
    "bracket not closed": "events: [",
    "two documents": GOOD + "---\n" + GOOD,
    "NUL": GOOD + "# \0\n",
    "GBK": GOOD.encode("gbk"),
    "UTF-16": GOOD.encode("utf-16"),
    "impossible date": changed("Asia/Shanghai", "2025-13-01"),
    "number of 5,000 digits": changed("type: decimal", "digits: " + "9" * 5_000),
    "tag of Python": "!!python/object/apply:os.system ['true']\n",
    "anchor of nothing": "events: *x\n",
    "2,000 brackets": "[" * 2_000,
    "list in itself": "events: &a\n  - *a\n",
    "half a character": changed("const: SH01", r'const: "\ud800"'),
    "no events": "events: []\n",
    "unknown key": GOOD + "delimiter: ;\n",
    "unknown key of an event": GOOD + "    atributes: {}\n",
    "unknown key of a cell": changed("column: total, type", "column: total, typ"),
    "key twice": changed("    attributes:", "      amount: {column: net}\n    attributes:"),
    "section twice": GOOD + "    attributes: {}\n",
    "unknown timezone": changed("Asia/Shanghai", "Asia/Beijing"),
    "timezone that is a path": changed("Asia/Shanghai", "../../etc/passwd"),
    "timezone that is a folder": changed("Asia/Shanghai", "Asia"),
    "timezone that is a number": changed("Asia/Shanghai", "8"),
    "unknown order": GOOD + "order_by: amount\n",
    "when without a list": changed("  - fields", "  - when: {column: state}\n    fields"),
    "when with a number": changed("  - fields", "  - when: {column: state, in: [1]}\n    fields"),
    "when with nothing": changed("  - fields", "  - when: {column: state, in: []}\n    fields"),
    "required field missing": changed("      customer: {column: 客户}\n", ""),
    "unknown field": changed("amount:", "amout:"),
    "attributes as a field": changed("amount:", "attributes:"),
    "name of an attribute is a number": changed("lines:", "1:"),
    "cell is a text": changed("{column: 客户}", "客户"),
    "cell is nothing": changed("{column: 客户}", ""),
    "cell without a source": changed("{column: 客户}", "{type: text}"),
    "cell with two sources": changed("{column: 客户}", "{column: 客户, const: C1}"),
    "empty column": changed("{column: 客户}", '{column: ""}'),
    "constant list": changed("{const: SH01}", "{const: [SH01]}"),
    "constant nothing": changed("{const: SH01}", "{const: null}"),
    "unknown type of a cell": changed("type: decimal", "type: money"),
    "negative digits": changed("type: decimal", "type: decimal, digits: -2"),
    "digits beyond reason": changed("type: decimal", "type: decimal, digits: 99999999"),
    "unknown event type": changed("order.placed", "order.placd"),
    "template without a place": changed("SO-{order id}", "SO"),
    "template with half a place": changed("SO-{order id}", "SO-{order id"),
    "template with a brace too many": changed("SO-{order id}", "SO-{{order id}}"),
    "unknown directive": changed("%d.%m.%Y %H:%M", "%d.%m.%Q"),
    "directive twice": changed("%d.%m.%Y %H:%M", "%Y%Y"),
    "directive of C only": changed("%d.%m.%Y %H:%M", "%-d.%m.%Y"),
}


def test_every_bad_mapping_is_one_line_with_file_and_line(tmp_path: Path) -> None:
    told = []
    for name, content in BAD_FILES.items():
        path = tmp_path / "erp.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(TableError) as caught:
            read_mapping(path)
        told.append(f"{name} | {str(caught.value).replace(f'{tmp_path}/', '')}")
        assert "\n" not in told[-1]
    check_golden("mapping_errors.txt", "\n".join(told) + "\n")


def test_a_mapping_that_is_not_there_names_the_option(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(TableError, match=r"can't be read: .*; correct --mapping"):
            read_mapping(path)


def test_a_mapping_tells_every_column_that_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "erp.yaml"
    path.write_text("\ufeff" + changed("  - fields", "  - when: {column: state, in: [sent]}\n    fields"))
    mapping = read_mapping(path)
    assert mapping.columns() == {"order id", "created", "客户", "total", "n_lines", "state"}
    assert mapping.timezone == "Asia/Shanghai"


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_mappings_of_the_samples_are_good(path: Path) -> None:
    assert read_mapping(path).events
