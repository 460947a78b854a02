"""The control API operation ``POST /v1/expectations``: wait until a client sends a given event or makes a given
REST call, optionally with certain values, or until a timeout. With ``after``, earlier rows of the log count too.
The response says whether it arrived, and what else arrived from clients.
"""

from app.endpoints.control import expectation_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.hub.expectation import Expectation, why_impossible
from app.protocol.errors import Invalid
from app.protocol.json_path import BadPath, check_path


class ExpectationOperations(Operations):
    """The operation ``POST /v1/expectations``. The window's *Then expect* row waits in the same way."""

    @operation("POST", "/v1/expectations", scope=Scope.AGENT, body=shapes.ExpectationBody, answer=shapes.Expected)
    async def expect(self, call: Call) -> shapes.Expected:
        """Wait until a client sends the expected event or makes the expected REST call, or until the timeout."""
        body: shapes.ExpectationBody = call.body
        try:
            for path in body.where:
                check_path(path)
        except BadPath as bad:
            raise Invalid(f"{bad}.") from None
        expected = Expectation(body.event, body.sender, body.where)
        if body.strict and (reason := why_impossible(expected, self._service.catalog)):
            raise Invalid(f"{reason}.")
        if body.strict and (reason := self._service.why_no_call(expected.event)):
            earlier = body.after is not None and (await self._service.expect(expected, 0.0, body.after)).row
            if not earlier:
                raise Invalid(f"{reason}.")
        result = await self._service.expect(expected, body.within, body.after)
        answer = shapes.expected(result)
        if not (answer.met or answer.received_instead):
            answer.why_no_client = self._service.why_no_client(body.within)
        return answer
