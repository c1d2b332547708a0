"""A client of the console's API, by which commands act under the checks that hold for everybody."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from events.errors import FenghuoError
from fenghuo.ending import RunError
from fenghuo.settings import Settings, variable

_SECONDS = 30.0
_SERVER_ERROR = 500


class ConsoleRefusedError(FenghuoError):
    """Raised when the console refuses: wrong name or password, no right, or nothing that can be done."""


class ConsoleClient:
    """Somebody's session with the console; made by `signed_in`."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **query: str) -> Any:
        """The JSON at a path of the API."""
        return self._ask("GET", path, params=query).json()

    def text(self, path: str) -> str:
        """The text of a path of the API."""
        return self._ask("GET", path).text

    def post(
        self,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        content: str | None = None,
        **query: str,
    ) -> Any:
        """Send JSON, or a text, to a path of the API; gives its JSON."""
        if content is None:
            return self._ask("POST", path, json=body or {}, params=query).json()
        return self._ask("POST", path, content=content.encode(), params=query).json()

    def sign_in(self, user: str, password: str) -> None:
        """Begin a session.

        Raises:
            ConsoleRefusedError: the name or password is wrong.
            RunError: the console can't be reached.
        """
        self._take_token()
        form = {"name": user, "password": password}
        if not self._send("POST", "/sign-in", data=form).is_redirect:
            raise ConsoleRefusedError(
                f"the console does not let `{user[:64]}` in: name or password is wrong, or was too often; "
                f"correct `{variable('user')}` and `{variable('password')}`"
            )
        self._take_token()

    def _take_token(self) -> None:
        self._client.headers["x-token"] = self._ask("GET", "/api/session").json()["token"]

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        answer = self._send(method, path, **given)
        if not answer.is_success:
            raise ConsoleRefusedError(_message(answer))
        return answer

    def _send(self, method: str, path: str, **given: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **given)
        except httpx.HTTPError as error:
            raise RunError(
                f"the console at {self._client.base_url} can't be reached: "
                f"{str(error) or type(error).__name__}; start it, or correct `{variable('console_url')}`"
            ) from error
        if answer.status_code >= _SERVER_ERROR:
            raise RunError(f"the console failed: {_message(answer)}; see its log")
        return answer


@contextmanager
def signed_in(settings: Settings, password: str) -> Iterator[ConsoleClient]:
    """A session of the settings' user.

    Raises:
        FenghuoError: no user is set, the console can't be reached or does not let the user in.
    """
    if settings.user is None:
        raise ConsoleRefusedError(f"nobody is named; give `--user` or set `{variable('user')}`")
    try:
        client = httpx.Client(base_url=settings.console_url, timeout=_SECONDS, trust_env=False)
    except (httpx.InvalidURL, ValueError) as error:
        raise ConsoleRefusedError(
            f"`{variable('console_url')}`: got `{settings.console_url}`: {error}; correct it"
        ) from error
    with client:
        console = ConsoleClient(client)
        console.sign_in(settings.user, password)
        yield console


def _message(answer: httpx.Response) -> str:
    """What the console's error says, on one line."""
    try:
        error = answer.json()["error"]
        incident = f" (incident {error['incident']})" if "incident" in error else ""
        return " ".join(str(error["message"]).split()) + incident
    except (ValueError, KeyError, TypeError):
        return (
            f"{answer.status_code} {answer.reason_phrase}; is `{variable('console_url')}` a Fenghuo console?"
        )
