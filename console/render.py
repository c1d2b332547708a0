"""Pages from templates, in the language of the reader."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from console.sessions import token
from console.text import LANGUAGES, catalogues, negotiate
from console.wording import Wording
from events.clock import Clock
from rules.decision import Text

LANGUAGE_COOKIE = "fenghuo_language"


class Renderer:
    """Renders the templates of this package.

    Args:
        clock: the present, for ages.
        banner: a sentence above every page, by language.
    """

    def __init__(self, clock: Clock, banner: Text | None) -> None:
        self._catalogues = catalogues()
        self._clock = clock
        self._banner = banner
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """The page of `template` filled with `values`."""
        wording = self.wording(request)
        html = self._templates.get_template(template).render(
            t=wording.texts,
            w=wording,
            language=wording.texts.language,
            languages=LANGUAGES,
            banner=wording.pick(self._banner) if self._banner else None,
            user=getattr(request.state, "user", None),
            token=token(request),
            here=_here(request),
            **values,
        )
        return HTMLResponse(html, status_code=status)

    def wording(self, request: Request) -> Wording:
        """The words for the reader who sent `request`."""
        language = negotiate(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language"))
        return Wording(self._catalogues[language], self._clock())


def _here(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
