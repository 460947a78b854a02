"""Control API operations on saved sessions (scenarios and recordings): list, read, export, save, rename and
delete them. Built-in sessions cannot be changed, but one that is saved with the same name hides the built-in one.

``session_runs.py`` plays them.
"""

from http import HTTPStatus

from app.endpoints.control import session_shapes as shapes
from app.endpoints.control.export_shapes import ExportedFile, ExportQuery, exported_file
from app.endpoints.control.fixture_shapes import RenameBody
from app.endpoints.control.operations import TEXT, Call, Operations, Scope, operation
from app.protocol.export_kinds import Kind

SESSION_BYTES = 16 * 1024 * 1024
"""Limit of a session in a request."""
ERRORS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class SessionOperations(Operations):
    """The operations under ``/v1/sessions``. The room *Scenarios* can do the same."""

    @operation("GET", "/v1/sessions", scope=Scope.AGENT, answer=shapes.SessionList)
    async def list_sessions(self, _: Call) -> shapes.SessionList:
        """List the sessions. Their files are read again if they have changed."""
        library = self._service.saved_sessions
        await library.read()
        return shapes.SessionList(
            sessions=[shapes.session_info(each) for each in library.all],
            folder=str(library.folder) if library.folder else None,
            warnings=library.warnings,
        )

    @operation("GET", "/v1/sessions/{name}", scope=Scope.AGENT, answer=shapes.SessionText, errors=ERRORS)
    async def show_session(self, call: Call) -> shapes.SessionText:
        """Return a session with its text."""
        library = self._service.saved_sessions
        saved = await library.look_up(call.path["name"])
        text = await library.text(saved)
        return shapes.SessionText(
            name=saved.name, own=saved.own, notation=shapes.notation_of(saved.suffix), text=text
        )

    @operation("GET", "/v1/sessions/{name}/export", scope=Scope.AGENT, query=ExportQuery, answer=ExportedFile,
               errors=ERRORS)  # fmt: skip
    async def export_session(self, call: Call) -> ExportedFile:
        """Return a session as a test for Playwright or pytest, handlers for MSW, a bug report or another file."""
        kind = call.query.kind
        with call.needing_client():
            return exported_file(await self._service.export_actions.session(call.path["name"], Kind(kind)), kind)

    @operation("PUT", "/v1/sessions/{name}", scope=Scope.AGENT, query=shapes.NotationQuery, body=str, media=TEXT,
               limit=SESSION_BYTES, answer=shapes.SessionInfo, errors=ERRORS)  # fmt: skip
    async def save_session(self, call: Call) -> shapes.SessionInfo:
        """Save a session, replacing one with the same name."""
        suffix = shapes.SUFFIXES[call.query.notation]
        return shapes.session_info(await self._service.saved_sessions.save(call.path["name"], call.body, suffix))

    @operation("PATCH", "/v1/sessions/{name}", scope=Scope.AGENT, body=RenameBody, answer=shapes.SessionInfo,
               errors=ERRORS)  # fmt: skip
    async def rename_session(self, call: Call) -> shapes.SessionInfo:
        """Rename a session of your own."""
        return shapes.session_info(await self._service.saved_sessions.rename(call.path["name"], call.body.name))

    @operation("DELETE", "/v1/sessions/{name}", scope=Scope.AGENT, errors=ERRORS)
    async def delete_session(self, call: Call) -> None:
        """Delete a session of your own."""
        await self._service.saved_sessions.delete(call.path["name"])
