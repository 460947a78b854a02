"""Control API operations on the whole chat state: return it, replace it, reset it to that of the first start."""

from typing import Any

from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.protocol.backend import MAX_STATE_BYTES


class StateOperations(Operations):
    """Save, load and reset the chat state."""

    @operation("GET", "/v1/state", scope=Scope.AGENT, answer=dict[str, Any])
    async def save_state(self, _: Call) -> dict[str, Any]:
        """Return the whole chat state: personas, messages and read marks."""
        return await self._service.chat.store.snapshot()

    @operation("PUT", "/v1/state", scope=Scope.AGENT, body=dict[str, Any], limit=MAX_STATE_BYTES)
    async def load_state(self, call: Call) -> None:
        """Replace the whole chat state. After an error, nothing has changed."""
        await self._service.chat.restore(call.body)

    @operation("POST", "/v1/state/reset", scope=Scope.AGENT)
    async def reset_state(self, _: Call) -> None:
        """Reset the chat state to the personas and messages of the first start."""
        await self._service.chat.reset()
