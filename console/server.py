"""The web server of the console: uvicorn that also ends live streams when it is told to stop."""

import socket

import uvicorn
from fastapi import FastAPI

from console.errors import SettingError
from console.events import Changes


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; connections wait in it until a server takes them. Port 0 takes a free one.

    Raises:
        SettingError: the address is not this machine's, or another program has the port.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        # The protocol is named because asyncio turns Nagle's delay off only where it is: 40 ms a response.
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1024)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise SettingError(
            f"console: can't listen on `{host}:{port}`: {error.strerror}; choose another address or port"
        ) from error
    return listener


class ConsoleServer(uvicorn.Server):
    """Runs the application of `create_app`; it stops at once, however many browsers are listening.

    uvicorn waits for running responses before it tells the application to stop, and a live stream never ends
    by itself: so the streams are ended first.

    Args:
        listener: made by `listen`; closed when the server stops.
    """

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5
            )
        )
        if not isinstance(app.state.changes, Changes):
            raise SettingError("`app` was not made by `create_app`; make it so")
        self._changes = app.state.changes
        self._listener = listener

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on the listener until `should_exit` is set or a signal says so."""
        await super().serve([self._listener, *(sockets or [])])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop as uvicorn does."""
        self._changes.close()
        await super().shutdown(sockets)
