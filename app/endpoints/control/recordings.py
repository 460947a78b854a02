"""Control API operations on recordings of the traffic: begin and end one under a name, open one, or any recording
file, in a window, and make a bug report bundle (a ZIP archive with a recording and what belongs to it).
``GET /v1/recordings`` lists those that are being made, and the automatic ones of this run of the program and of the
run before, which can be downloaded. An ended recording with a name is a session: ``/v1/sessions`` lists it.
"""

from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from app.endpoints.control import recording_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, absolute, operation
from app.endpoints.control.program import NO_WINDOW
from app.hub.filter import parse
from app.protocol.errors import Conflict, Invalid
from app.protocol.file_names import BadName, valid_name

ERRORS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
LINES = "application/x-ndjson"
ZIP = "application/zip"


class RecordingOperations(Operations):
    """The operations under ``/v1/recordings``."""

    @operation("GET", "/v1/recordings", scope=Scope.AGENT, answer=shapes.RecordingList)
    async def list_recordings(self, _: Call) -> shapes.RecordingList:
        """List the recordings of this run and the one before, and those that are being made."""
        return shapes.RecordingList(
            runs=[shapes.run_recording(each) for each in await self._service.recording_actions.runs()],
            active=[shapes.active(each) for each in self._service.recordings.active],
            error=self._service.recordings.error,
        )

    @operation("POST", "/v1/recordings", scope=Scope.AGENT, body=shapes.RecordingBody, answer=shapes.ActiveInfo,
               errors=ERRORS)  # fmt: skip
    async def start_recording(self, call: Call) -> shapes.ActiveInfo:
        """Record everything from now on, as a session with this name."""
        body: shapes.RecordingBody = call.body
        try:
            name = valid_name(body.name, "session")
        except BadName as bad:
            raise Invalid(f"{bad}.") from None
        wanted = parse(body.filter, saved=self._service.settings.saved_filters) if body.filter else None
        if wanted and wanted.warnings:
            raise Invalid(f"{wanted.warnings[0]}.")
        return shapes.active(await self._service.recordings.start(name, wanted))

    @operation("POST", "/v1/recordings/stop", scope=Scope.AGENT, body=shapes.StopBody, answer=shapes.ActiveInfo,
               errors=ERRORS)  # fmt: skip
    async def stop_recording(self, call: Call) -> shapes.ActiveInfo:
        """End a recording. Its file is in the folder of your sessions."""
        ended = await self._service.recordings.stop(call.body.name)
        await self._service.saved_sessions.read()
        return shapes.active(ended)

    @operation("POST", "/v1/recordings/open", scope=Scope.AGENT, body=shapes.OpenBody, errors=ERRORS)
    async def open_recording(self, call: Call) -> None:
        """Open a recording in a window of its own, by its name."""
        await self._open(call.body.name)

    @operation("POST", "/v1/recordings/open-file", scope=Scope.FULL, body=shapes.OpenFileBody, errors=ERRORS)
    async def open_recording_file(self, call: Call) -> None:
        """Open any file that is a recording in a window of its own."""
        await self._open(absolute(call.body.file))

    async def _open(self, recording: str | Path) -> None:
        if self._service.show_recording is None:
            raise Conflict(NO_WINDOW)
        self._service.show_recording(await self._service.recording_actions.open(recording))

    @operation("GET", "/v1/recordings/{name}", scope=Scope.AGENT, answer=str, answer_media=LINES,
               errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def download_recording(self, call: Call) -> web.StreamResponse:
        """Return the recording of a run so far: this-run, this-run-earlier, run-before or run-before-earlier."""
        file = self._service.recording_actions.run_file(call.path["name"])
        response = web.FileResponse(file)
        response.content_type = LINES
        return response

    @operation("GET", "/v1/recordings/{name}/bundle", scope=Scope.AGENT, query=shapes.BundleQuery, answer=str,
               answer_media=ZIP, errors=(HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE))  # fmt: skip
    async def bundle_recording(self, call: Call) -> web.Response:
        """Return a bug report bundle of a recording: a ZIP archive, redacted by default.

        ``name`` is a recording of a run, or one of your own.
        """
        with call.needing_client():
            content = await self._service.recording_actions.bundle(call.path["name"], redact=call.query.redact)
        return web.Response(body=content, content_type=ZIP)
