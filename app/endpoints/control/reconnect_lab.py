"""Control API operations of the reconnect lab: start a run, return its progress, its result as SVG, and stop it.
The lab closes the connections of one browser, refuses its next attempts to reconnect, and judges their delays;
``sources.reconnect_lab`` does that.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus

from aiohttp import web

from app.endpoints.control import reconnect_lab_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.endpoints.control.refusals import mode_of
from app.hub.lab_run import LabRun
from app.protocol.errors import NotFound
from app.protocol.reconnect_lab import LabOptions
from app.protocol.reconnect_plot import lab_picture

NOT_FOUND = (HTTPStatus.NOT_FOUND,)
SVG = "image/svg+xml"


class ReconnectLabOperations(Operations):
    """The operations under ``/v1/reconnects/lab``."""

    @operation("POST", "/v1/reconnects/lab", scope=Scope.AGENT, body=shapes.LabBody, answer=shapes.LabInfo,
               errors=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def start_lab(self, call: Call) -> shapes.LabInfo:
        """Close the clients of a browser, refuse its next attempts, and judge their delays. Returns at once."""
        body: shapes.LabBody = call.body
        options = LabOptions(mode_of(body.mode), body.attempts, body.within, body.client, body.code)
        return shapes.lab_info(self._service.reconnect_lab.start(options, call.origin))

    @operation("GET", "/v1/reconnects/lab", scope=Scope.AGENT, query=shapes.LabQuery, answer=shapes.LabInfo,
               errors=NOT_FOUND)  # fmt: skip
    async def show_lab(self, call: Call) -> shapes.LabInfo:
        """Return the current run or the last one. It can wait for a change."""
        run = self._lab_run()
        if call.query.seen is not None and not run.ended:
            with suppress(TimeoutError):
                await asyncio.wait_for(run.wait_for_change(call.query.seen), call.query.wait)
        return shapes.lab_info(run)

    @operation("GET", "/v1/reconnects/lab/picture", scope=Scope.AGENT, answer=str, answer_media=SVG,
               errors=NOT_FOUND)  # fmt: skip
    async def draw_lab(self, _: Call) -> web.Response:
        """Draw the attempts against the guide's delays, with the browser's share shaded, as SVG."""
        return web.Response(body=lab_picture(self._lab_run().report).encode(), content_type=SVG, charset="utf-8")

    @operation("DELETE", "/v1/reconnects/lab", scope=Scope.AGENT, answer=shapes.LabInfo, errors=NOT_FOUND)
    async def stop_lab(self, _: Call) -> shapes.LabInfo:
        """Stop the current run, and accept connections again."""
        run = self._lab_run()
        await self._service.reconnect_lab.stop()
        return shapes.lab_info(run)

    def _lab_run(self) -> LabRun:
        run = self._service.reconnect_lab.run
        if run is None:
            raise NotFound("The reconnect lab has not run yet.")
        return run
