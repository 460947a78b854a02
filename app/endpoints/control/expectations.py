"""The operation that waits until a client sends an event or makes a REST call, as ``companion expect`` does."""

from app.endpoints.control import expectation_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.hub.expectation import Expectation, why_impossible
from app.hub.row_codec import to_json
from app.protocol.errors import Invalid
from app.protocol.json_path import BadPath, check_path


class ExpectationOperations(Operations):
    """The operation ``POST /v1/expectations``. The window's *Then expect* row waits in the same way."""

    @operation("POST", "/v1/expectations", scope=Scope.AGENT, body=shapes.ExpectationBody, answer=shapes.Expected)
    async def expect(self, call: Call) -> shapes.Expected:
        """Wait until a client sends the expected event, or until the timeout."""
        body: shapes.ExpectationBody = call.body
        try:
            for path in body.where:
                check_path(path)
        except BadPath as bad:
            raise Invalid(f"{bad}.") from None
        expected = Expectation(body.event, body.sender, body.where)
        if body.strict and (reason := why_impossible(expected, self._service.catalog)):
            raise Invalid(f"{reason}.")
        result = await self._service.expect(expected, body.within, body.after)
        others = [to_json(row) for row in result.received_instead]
        return shapes.Expected(
            met=result.row is not None,
            after_s=round(result.after_s, 6),
            row=to_json(result.row) if result.row else None,
            received_instead=others,
            instead=others,
        )
