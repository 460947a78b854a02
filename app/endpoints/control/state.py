"""Control API operations on the chat state (simulated users, messages, read marks): return, replace or reset it.
A reset restores the users and messages of the first start. Peers, which are friends with a companion of their own,
are not returned, and are kept when the state is replaced or reset; messages that wait to be sent to them are lost.
"""

from typing import Any

from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.protocol.backend import MAX_STATE_BYTES
from app.protocol.envelope import MAX_STATE_DEPTH


class StateOperations(Operations):
    """Save, load and reset the chat state."""

    @operation("GET", "/v1/state", scope=Scope.AGENT, answer=dict[str, Any])
    async def save_state(self, _: Call) -> dict[str, Any]:
        """Return the whole chat state: personas, messages and read marks."""
        return await self._service.chat.store.snapshot()

    @operation("PUT", "/v1/state", scope=Scope.AGENT, body=dict[str, Any], limit=MAX_STATE_BYTES,
               max_depth=MAX_STATE_DEPTH)  # fmt: skip
    async def load_state(self, call: Call) -> None:
        """Replace the whole chat state. After an error, nothing has changed."""
        await self._service.chat.restore(call.body)

    @operation("POST", "/v1/state/reset", scope=Scope.AGENT)
    async def reset_state(self, _: Call) -> None:
        """Reset the chat state to the personas and messages of the first start."""
        await self._service.chat.reset()
