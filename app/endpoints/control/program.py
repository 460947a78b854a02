"""Control API operations that pause, resume, stop or start the event server, show the window or the fire bar, quit
the program, and return the OpenAPI document.

The fire bar is a small window with buttons that fire events. Starting also retries other servers that failed.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from app.endpoints.control.openapi import document
from app.endpoints.control.operations import Call, Operations, Scope, operation, operations_of
from app.endpoints.control.status import current_status
from app.endpoints.control.status_shapes import Status
from app.protocol.errors import Conflict

NO_WINDOW = "This companion has no window: it was started by `companion serve`."


class ProgramOperations(Operations):
    """Pause, stop and start the event server; open the window; quit."""

    @operation("POST", "/v1/server/pause", scope=Scope.AGENT, answer=Status)
    async def pause_server(self, _: Call) -> Status:
        """Keep clients connected but send them nothing."""
        self._service.pause(True)
        return current_status(self._service)

    @operation("POST", "/v1/server/resume", scope=Scope.AGENT, answer=Status)
    async def resume_server(self, _: Call) -> Status:
        """Resume sending to clients."""
        self._service.pause(False)
        return current_status(self._service)

    @operation("POST", "/v1/server/stop", scope=Scope.AGENT, answer=Status)
    async def stop_server(self, _: Call) -> Status:
        """Close the event port and the connections of all clients. The companion keeps running."""
        stopping = self._service.tasks.spawn(self._service.stop(), "stop the event server")
        await asyncio.shield(stopping)  # an agent's call is cancelled if its token is revoked
        return current_status(self._service)

    @operation("POST", "/v1/server/start", scope=Scope.AGENT, answer=Status, errors=(HTTPStatus.CONFLICT,))
    async def start_server(self, _: Call) -> Status:
        """Open the event port, and retry the other servers that could not start."""
        for each in self._service.services:
            if each.error and each.name != "events":
                await self._service.start_service(each.name)
        if not await self._service.start():
            raise Conflict(self._service.services["events"].error)
        return current_status(self._service)

    @operation("POST", "/v1/window/open", scope=Scope.AGENT, errors=(HTTPStatus.CONFLICT,))
    async def open_window(self, _: Call) -> None:
        """Bring the window to the front."""
        if self._service.raise_window is None:
            raise Conflict(NO_WINDOW)
        self._service.raise_window()

    @operation("POST", "/v1/fire-bar/open", scope=Scope.AGENT, errors=(HTTPStatus.CONFLICT,))
    async def open_fire_bar(self, _: Call) -> None:
        """Show the fire bar, without activating it."""
        if self._service.show_fire_bar is None:
            raise Conflict(NO_WINDOW)
        self._service.show_fire_bar()

    @operation("POST", "/v1/quit", scope=Scope.AGENT, errors=(HTTPStatus.CONFLICT,))
    async def quit(self, _: Call) -> None:
        """Quit the program without asking the user. All connections and ports are closed."""
        if self._service.quit_program is None:
            raise Conflict("This companion is part of another program. Quit that program instead.")
        self._service.quit_program()

    @operation("GET", "/v1/openapi.json", scope=Scope.AGENT, answer=dict[str, Any])
    async def openapi(self, _: Call) -> dict[str, Any]:
        """Return the OpenAPI document of this API."""
        return document(operations_of(type(self)), self._service.control.url)
