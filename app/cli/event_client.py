"""The WebSocket client of ``companion listen``: connects and reconnects as the chat UI does.
It sends given texts after each connect, and passes each valid event that it receives to the subscribed handlers.

See the chat UI's WebSocket guide, §1 and §6.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.protocol import State

from app import __version__
from app.protocol.constants import WS_MAX_RECONNECT_ATTEMPTS, WS_URL, reconnect_delay_ms

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.0
USER_AGENT = f"companion-listen/{__version__}"

OnEvent = Callable[[dict[str, Any]], object]


class EventClient:
    """A client that runs from ``connect()`` to ``disconnect()``, or until all reconnect attempts have failed.

    ``on_status`` gets the messages that the UI would write to its console. ``sleep`` takes seconds. The texts of
    ``greeting`` are sent unchanged after each connect.
    """

    def __init__(
        self,
        url: str = WS_URL,
        *,
        on_status: Callable[[str], object] = log.info,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        greeting: Sequence[str] = (),
        keys: tuple[str, str] = ("event", "data"),
    ) -> None:
        """``keys`` are the keys of the envelope in frames."""
        self._keys = keys
        self._url = url
        self._on_status = on_status
        self._sleep = sleep
        self._greeting = greeting
        self._handlers: list[OnEvent] = []
        self._socket: ClientConnection | None = None
        self._running: asyncio.Task[bool] | None = None
        self._wanted = False
        self.reconnect_attempts = 0
        self.connections = 0
        """Number of successful connections so far."""

    @property
    def connected(self) -> bool:
        """Whether the socket is open."""
        return self._socket is not None and self._socket.state is State.OPEN

    def subscribe(self, handler: OnEvent) -> Callable[[], None]:
        """Call ``handler`` with every event. Return a function that unsubscribes it and may be called twice."""
        self._handlers.append(handler)

        def unsubscribe() -> None:
            if handler in self._handlers:
                self._handlers.remove(handler)

        return unsubscribe

    async def send(self, event: str, data: dict[str, Any]) -> bool:
        """Send an event. Return False, and drop the event, if there is no open socket."""
        if self._socket is None or not self.connected:
            return False
        try:
            await self._socket.send(
                json.dumps(dict(zip(self._keys, (event, data), strict=True)), ensure_ascii=False)
            )
        except ConnectionClosed:
            return False
        return True

    async def connect(self) -> bool:
        """Connect, and reconnect after every loss. Return False if ``WS_MAX_RECONNECT_ATTEMPTS`` in a row fail.

        Raises ``InvalidURI`` if the URL is not a WebSocket address.
        """
        self._wanted = True
        self.reconnect_attempts = 0
        # A separate task, so that disconnect() can cancel a handshake or a delay.
        self._running = asyncio.get_running_loop().create_task(self._keep_connected())
        try:
            return await self._running
        except asyncio.CancelledError:
            if self._wanted:
                raise
            return True

    async def disconnect(self) -> None:
        """Close the socket or cancel the attempt to connect, and do not reconnect."""
        self._wanted = False
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _keep_connected(self) -> bool:
        while True:
            await self._connect_once()
            if self.reconnect_attempts >= WS_MAX_RECONNECT_ATTEMPTS:
                self._on_status("max reconnect attempts reached")
                return False
            self.reconnect_attempts += 1
            delay = reconnect_delay_ms(self.reconnect_attempts)
            self._on_status(f"reconnecting in {delay} ms (attempt {self.reconnect_attempts})")
            await self._sleep(delay / 1000)

    async def _connect_once(self) -> None:
        try:
            opening = connect(
                self._url,
                compression=None,
                proxy=None,
                max_size=None,
                close_timeout=CLOSE_TIMEOUT_S,
                user_agent_header=USER_AGENT,
            )
            self._socket = await opening
        except InvalidURI:
            raise
        except (OSError, WebSocketException) as error:
            self._on_status(f"cannot connect to {self._url}: {_reason(error)}")
            return
        except ValueError as error:  # the port is not a number
            raise InvalidURI(self._url, str(error)) from None
        try:
            async with self._socket:
                self.reconnect_attempts = 0
                self.connections += 1
                self._on_status(f"connected to {self._url}")
                try:
                    for text in self._greeting:
                        # The original bytes of the command line, even if they are not valid UTF-8.
                        await self._socket.send(text.encode(errors="surrogateescape"), text=True)
                    async for frame in self._socket:
                        self._dispatch(frame)
                except asyncio.CancelledError:
                    await (
                        self._socket.close()
                    )  # with code 1000; leaving the context by an exception would send 1011
                    raise
            self._on_status(_closed(self._socket))
        except ConnectionClosed as closed:
            self._on_status(f"connection lost: {closed}")
        finally:
            self._socket = None

    def _dispatch(self, frame: str | bytes) -> None:
        try:
            event = json.loads(frame)
        except (ValueError, RecursionError) as error:
            self._on_status(f"skipped a frame that is not JSON: {error}")
            return
        name, data = self._keys
        if not isinstance(event, dict) or not isinstance(event.get(name), str):
            self._on_status("skipped a frame without an event name")
            return
        if self._keys != ("event", "data"):
            event = {"event": event[name], "data": event.get(data)}
        for handler in tuple(self._handlers):
            handler(event)


def _closed(socket: ClientConnection) -> str:
    reason = f": {socket.close_reason}" if socket.close_reason else ""
    return f"connection closed by the server with {socket.close_code}{reason}"


def _reason(error: BaseException) -> str:
    if isinstance(error, InvalidStatus):
        said = (error.response.body or b"").decode("utf-8", "replace").strip()
        return f"{error}: {said}" if said else str(error)
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or type(error).__name__
