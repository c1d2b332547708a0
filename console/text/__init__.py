"""The console's own sentences, one JSON catalogue per language."""

import json
from dataclasses import dataclass
from pathlib import Path

from console.errors import SettingError
from rules.decision import Text

LANGUAGES = ("zh", "en")
DEFAULT = "zh"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language; called with a key it gives the sentence."""

    language: str
    texts: dict[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The sentence under `key` with `{name}` places filled from `values`."""
        try:
            return self.texts[key].format(**values)
        except KeyError as error:
            raise SettingError(f"console/text/{self.language}.json: `{key}` needs {error}; add it") from error

    def name(self, kind: str, name: str) -> str:
        """The display name of a `kind` of thing (queue, playbook, …), or `name` where none is known."""
        return self.texts.get(f"{kind}.{name}", name)

    def pick(self, text: Text) -> str:
        """This language's sentence of a text that came with an alert, else the first there is."""
        return text.get(self.language) or text.get(DEFAULT) or next(iter(text.values()), "")


def catalogues() -> dict[str, Catalogue]:
    """Every catalogue by language."""
    folder = Path(__file__).parent
    return {
        language: Catalogue(language, json.loads((folder / f"{language}.json").read_text(encoding="utf-8")))
        for language in LANGUAGES
    }


def negotiate(cookie: str | None, accept: str | None) -> str:
    """The language of a reader: what the cookie says, else the best of Accept-Language, else Chinese.

    >>> negotiate(None, "fr, en-GB;q=0.8, zh;q=0.5"), negotiate("zh", "en"), negotiate(None, None)
    ('en', 'zh', 'zh')
    """
    if cookie in LANGUAGES:
        return cookie
    best, best_weight = DEFAULT, 0.0
    for part in (accept or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
