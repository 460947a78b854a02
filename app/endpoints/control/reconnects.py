"""The control API operation ``GET /v1/reconnects``: return for each browser (Origin and user agent) when its pages
tried to reconnect, and whether each delay was as the guide, the UI's specification, requires.
"""

from http import HTTPStatus

from app.endpoints.control import reconnect_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation


class ReconnectOperations(Operations):
    """Return the measured reconnects. The room *Clients* shows the same."""

    @operation("GET", "/v1/reconnects", scope=Scope.AGENT, query=shapes.ReconnectsQuery,
               answer=list[shapes.ReconnectInfo], errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def reconnects(self, call: Call) -> list[shapes.ReconnectInfo]:
        """Compare the delays of reconnects with the guide's table, for each Origin and user agent."""
        client: int | None = call.query.client
        watch = self._service.reconnects
        found = watch.reports() if client is None else [watch.report(client)]
        return [shapes.reconnect_info(each) for each in found]
