"""The operation that waits for a client event."""

from app.endpoints.control import expectation_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.hub.expectation import Expectation, why_impossible
from app.hub.row_codec import to_json
from app.protocol.errors import Invalid
from app.protocol.json_path import BadPath, check_path


class ExpectationOperations(Operations):
    """What the *Expect* row of *Events* can do."""

    @operation("POST", "/v1/expectations", scope=Scope.AGENT, body=shapes.ExpectationBody, answer=shapes.Expected)
    async def expect(self, call: Call) -> shapes.Expected:
        """Wait until a client sends what is expected; answers as soon as it did, or when the time is over."""
        body: shapes.ExpectationBody = call.body
        try:
            for path in body.where:
                check_path(path)
        except BadPath as bad:
            raise Invalid(f"{bad}.") from None
        expected = Expectation(body.event, body.sender, body.where)
        if body.strict and (doubt := why_impossible(expected, self._service.catalog)):
            raise Invalid(f"{doubt}.")
        met = await self._service.expect(expected, body.within, body.after)
        others = [to_json(row) for row in met.received_instead]
        return shapes.Expected(
            met=met.row is not None,
            after_s=round(met.after_s, 6),
            row=to_json(met.row) if met.row else None,
            received_instead=others,
            instead=others,
        )
