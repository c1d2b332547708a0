"""The web server of the console: uvicorn that also ends live streams when it is told to stop."""

import socket

import uvicorn
from fastapi import FastAPI

from console.errors import SettingError
from console.events import Changes


class ConsoleServer(uvicorn.Server):
    """Runs the application of `create_app`; it stops at once, however many browsers are listening.

    uvicorn waits for running responses before it tells the application to stop, and a live stream never ends
    by itself: so the streams are ended first.

    Args:
        port: 0 takes a free one.
    """

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        if not isinstance(app.state.changes, Changes):
            raise SettingError("`app` was not made by `create_app`; make it so")
        self._changes = app.state.changes

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop as uvicorn does."""
        self._changes.close()
        await super().shutdown(sockets)
