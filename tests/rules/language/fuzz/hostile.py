"""Hostile texts: conditions that are cut, stretched and mixed with what other languages would run."""

import re
from collections.abc import Callable
from random import Random

_FRAGMENTS = (
    "; DROP TABLE orders", ";", "--", "-- x\n", "/*", "*/", "/* x */", "'", '"', "''", '""', "`", "\x00",
    "\x07", "\x1b[31m", "(SELECT 1)", "SELECT 1", "EXISTS (SELECT 1)", "UNION ALL SELECT 1",
    "IN (SELECT region FROM fen)", "OVER ()", "SUM(count) OVER ()", "COUNT(*)", "MAX(days)",
    "row_number() OVER (ORDER BY days)", "::INTEGER", "::text::bool", "CAST(count AS VARCHAR)",
    "TRY_CAST(region AS INT)", "x -> x + 1", "list_transform([1], x -> x)", "lambda: 0",
    "__import__('os').system('true')", "eval('1')", "exec('1')", "open('x')", "os.system('true')",
    "getattr(count, 'x')", "count.__class__", "__class__", "__builtins__", "region.__init__", "{{ 7*7 }}",
    "${count}", "%(count)s", "#{count}", "{'a': 1}", "[1, 2]", "[count]", "count[0]", "count[1:2]",
    "struct_pack(a := 1)", ":= 1", "a := 1", "$1", "?", "@x", ":x", "read_csv('/x')", "read_text('/x')",
    "pg_sleep(9)", "current_user", "version()", "now()", "random()", "getvariable('x')", "COLUMNS(*)", "*",
    "count.*", "rowid", "UNNEST([1])", "CASE", "WHEN", "THEN", "ELSE", "END", "END END", "NOT", "NOT NOT",
    "AND", "OR", "XOR", "IS", "IS NOT", "IS TRUE", "IS NOT FALSE", "IS DISTINCT FROM NULL", "ISNULL",
    "NOTNULL", "NOT NULL", "NULL", "LIKE", "ILIKE", "SIMILAR TO 'a'", "GLOB 'a*'", "~ 'a'", "ESCAPE '!'",
    "BETWEEN",
    "BETWEEN SYMMETRIC", "IN", "IN ()", "NOT IN", "ANY", "= ANY ([1])", "ALL", "SOME", "COLLATE NOCASE",
    "AT TIME ZONE 'UTC'", "INTERVAL 1 DAY", "DATE '2026-01-01'", "TIMESTAMP 'x'", "1e308", "1e309",
    "1e999999999", "-1e-400", "99999999999999999999", "9223372036854775807", "-9223372036854775808",
    "9223372036854775808", "0x10", "0b1", "1_000", "1__0", "1.", ".5", "1.e5", "1e", "1..2", "00", "1.5.5",
    "0.0000000001", "1e-9", "١٢", "１２", "²", "½", "∞", "NaN", "Infinity", "'NaN'", "E'\\n'", "e'a'",
    "x'ff'", "X'1'", "b'1'", "N'a'", "U&'\\0041'", "r'a'", "$$a$$", "$x$a$x$", "'a' 'b'", "'a' || 'b'",
    "||", "&&", "&", "|", "^", "**", "%", "//", "<<", ">>", "!", "!=", "==", "<=>", "<>", "= =", "> =", "≥",
    "≠", "＞", "＝", "（", "）", "，", "；", "’", "‘x’", "“x”", "\u200b", "\u200f", "\u202e", "\ufeff",
    "\u2028", "\xa0", "\u3000", "\r", "\x0b", "\x0c", "\t", "\n", "\ud800", "\U0010ffff", "é", "é",
    "cоunt", "соunt", "ⅽount", "regiοn", "count", "days", "edge", "huge", "region", "channel", "amount",
    "attributes.urgent", "attributes.weight", "attributes", "attributes.", "attributes.x.y",
    "attributes['weight']", "profile.rating", "profile", "hour", "anomaly", "group", '"order"', '"count"',
    '"COUNT"', "Count", "COUNT", "TRUE", "true", "FALSE", "LISTED(region, 'places')",
    "LISTED(region, 'nowhere')", "LISTED()", "LISTED(LISTED(region, 'places'))", "listed(region, 'places')",
    "ABS()", "ABS(count, 1)", "ROUND(days, days)", "ROUND(days, 99)", "ROUND(count, -9)", "COALESCE()",
    "COALESCE(count)", "LEAST(count)", "GREATEST()", "NULLIF(count)", "IFNULL(count, 0)", "NVL(count, 0)",
    "IF(TRUE, 1, 0)", "IIF(TRUE, 1, 0)", "CEIL(days)", "TRUNC(days)", "SQRT(days)", "POW(days, 2)",
    "ROUND_EVEN(days, 1)", "LOWER(region)", "LENGTH(region)", "region.lower()", "DECODE(count, 1, 2)",
    "CASE count WHEN 1 THEN 2 END", "count > 1", "(count)", "((count))", "count IS NULL", "AS x", "AS",
    "FROM fen", "WHERE", "GROUP BY 1", "ORDER BY 1", "LIMIT 1", "DISTINCT count", "PRAGMA x", "ATTACH 'x'",
    "COPY", "SET x = 1", "INSERT INTO x", "CREATE MACRO f() AS 1", "PIVOT", "QUALIFY", "TRY(count)",
    "count!", "!count", "~count", "+count", "- -count", "--count", "+-+count", "@count",
    "count IS OF (INT)", "VALUES (1)",
)  # fmt: skip
_NAMES = (
    "count",
    "days",
    "edge",
    "huge",
    "region",
    "channel",
    "amount",
    "attributes.urgent",
    "attributes.vip",
)
_WORDS = re.compile(r"\w+|\s+|'(?:[^']|'')*'|\"[^\"]*\"|.", re.DOTALL)
_CHARACTERS = "()'\"`,.;:-+*/%<>=!&|^~?@#$\\[]{} \n\t\0azAZ09_中é\u202e\u200b\ud800ａ"


class Hostile:
    """Makes texts that want to be trouble.

    Args:
        random: what it draws with.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self._twists: tuple[Callable[[str], str], ...] = (
            self.cut, self.drop, self.double, self.swap, self.insert, self.insert, self.replace,
            self.replace, self.scratch, self.wrap, self.repeat, self.look_alike, self.join,
            self.other_name, self.other_case,
        )  # fmt: skip

    def text(self, honest: str) -> str:
        """A hostile text, mostly made from an honest one."""
        if self.random.random() < 0.1:
            return self.rubble()
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            honest = self.random.choice(self._twists)(honest)
        return honest

    def rubble(self) -> str:
        """Fragments and characters without any order."""
        if self.random.random() < 0.5:
            return " ".join(self.random.choices(_FRAGMENTS, k=self.random.randint(0, 6)))
        return "".join(self.random.choices(_CHARACTERS, k=self.random.randint(0, 40)))

    def cut(self, text: str) -> str:
        """A part of it."""
        a, b = sorted(self.random.randint(0, len(text)) for _ in range(2))
        return text[:a] if self.random.random() < 0.5 else text[a:b]

    def _words(self, text: str) -> list[str]:
        return _WORDS.findall(text) or [""]

    def drop(self, text: str) -> str:
        """One word less."""
        words = self._words(text)
        words.pop(self.random.randrange(len(words)))
        return "".join(words)

    def double(self, text: str) -> str:
        """One word twice."""
        words = self._words(text)
        place = self.random.randrange(len(words))
        words.insert(place, words[place] + self.random.choice(("", " ")))
        return "".join(words)

    def swap(self, text: str) -> str:
        """Two words change places."""
        words = self._words(text)
        a, b = (self.random.randrange(len(words)) for _ in range(2))
        words[a], words[b] = words[b], words[a]
        return "".join(words)

    def insert(self, text: str) -> str:
        """A fragment between two words."""
        words = self._words(text)
        words.insert(self.random.randint(0, len(words)), f" {self.random.choice(_FRAGMENTS)} ")
        return "".join(words)

    def replace(self, text: str) -> str:
        """A fragment in the place of a word."""
        words = self._words(text)
        words[self.random.randrange(len(words))] = self.random.choice(_FRAGMENTS)
        return "".join(words)

    def scratch(self, text: str) -> str:
        """Some characters become others."""
        characters = list(text)
        for _ in range(self.random.randint(1, 3)):
            place = self.random.randint(0, len(characters))
            characters[place : place + self.random.randint(0, 1)] = self.random.choice(_CHARACTERS)
        return "".join(characters)

    def wrap(self, text: str) -> str:
        """Deep in parentheses, NOT, functions or CASE."""
        times = self.random.choice((1, 2, 5, 19, 20, 21, 70, 400))
        left, right = self.random.choice(
            (
                ("(", ")"),
                ("NOT ", ""),
                ("NOT (", ")"),
                ("ABS(", ")"),
                ("- ", ""),
                ("-(", ")"),
                ("+", ""),
                ("COALESCE(", ", 1)"),
            )
        )
        return left * times + text + right * self.random.choice((times, times, times - 1))

    def repeat(self, text: str) -> str:
        """A long chain of itself."""
        link = self.random.choice((" AND ", " OR ", " + ", " = ", ", ", " ", "-", " * "))
        return link.join([text] * self.random.choice((2, 3, 5, 30, 200)))

    def look_alike(self, text: str) -> str:
        """A letter or sign becomes one that looks alike."""
        pairs = {
            "o": "о",
            "a": "а",
            "e": "е",
            "c": "с",
            "=": "＝",
            ">": "＞",
            "'": "’",
            "(": "（",
            " ": "\u00a0",
            ".": "．",
        }
        usable = [character for character in pairs if character in text]
        if not usable:
            return text + "\u200b"
        chosen = self.random.choice(usable)
        return text.replace(chosen, pairs[chosen], self.random.choice((1, -1)))

    def join(self, text: str) -> str:
        """An operator and something else behind it."""
        operator = self.random.choice(
            (
                "AND",
                "OR",
                "=",
                "<",
                ">=",
                "+",
                "-",
                "*",
                "/",
                "IS",
                "IN",
                "LIKE",
                "BETWEEN",
                "%",
                "||",
                "",
                ",",
            )
        )
        return f"{text} {operator} {self.random.choice(_FRAGMENTS)}"

    def other_name(self, text: str) -> str:
        """A name becomes another one."""
        for name in self.random.sample(_NAMES, len(_NAMES)):
            if name in text:
                return text.replace(name, self.random.choice(_NAMES), 1)
        return text

    def other_case(self, text: str) -> str:
        """Letters in another case."""
        return self.random.choice((text.upper(), text.lower(), text.swapcase(), text.title()))
