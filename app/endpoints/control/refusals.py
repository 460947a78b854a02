"""Control API operations that refuse connections to the event server on purpose, list what is armed, and accept
connections again.
"""

from http import HTTPStatus

from app.endpoints.control import refusal_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.protocol.errors import Invalid
from app.protocol.refusals import RefusalMode, parse_mode


class RefusalOperations(Operations):
    """The operations ``refuse``, ``accept`` and ``refusals`` of the event server."""

    @operation("GET", "/v1/server/refusals", scope=Scope.AGENT, answer=list[shapes.RefusalInfo])
    async def refusals(self, _: Call) -> list[shapes.RefusalInfo]:
        """List the connections that will be refused on purpose, in the order in which they are."""
        return self._armed()

    @operation("POST", "/v1/server/refuse", scope=Scope.AGENT, body=shapes.RefuseBody,
               answer=list[shapes.RefusalInfo], errors=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def refuse_connections(self, call: Call) -> list[shapes.RefusalInfo]:
        """Refuse the next connections of clients on purpose, or all for some seconds. Connected clients stay."""
        body: shapes.RefuseBody = call.body
        self._service.refusals.arm(mode_of(body.mode), body.count, body.for_s, origin=call.origin)
        return self._armed()

    @operation("POST", "/v1/server/accept", scope=Scope.AGENT, answer=list[shapes.RefusalInfo])
    async def accept_connections(self, _: Call) -> list[shapes.RefusalInfo]:
        """Accept all connections again, and cut those that get no answer. The answer is an empty list."""
        self._service.refusals.disarm_all()
        return self._armed()

    def _armed(self) -> list[shapes.RefusalInfo]:
        return shapes.refusals_info(self._service.refusals, self._service.hub.clock.mono())


def mode_of(text: str) -> RefusalMode:
    """Return the mode of a notation. Raises ``Invalid``."""
    try:
        return parse_mode(text)
    except ValueError as error:
        raise Invalid(str(error)) from None
