"""Names in a condition, before anything is known of them."""

from sqlglot import exp

from rules.language.parse import parse


def names_in(text: str) -> list[str]:
    """The plain names that a text mentions, in order, each once.

    Raises:
        LanguageError: the text is no expression.
    """
    columns = (
        node
        for node in parse(text).tree.walk()
        if isinstance(node, exp.Column) and not node.args.get("table")
    )
    return list(dict.fromkeys(column.name for column in columns))
