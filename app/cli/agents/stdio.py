"""Serve MCP on standard input and output, and answer lines that are not valid JSON-RPC with an error.

The SDK ignores such lines, so an agent would wait for its answer in vain, for example if a text contains a lone
surrogate.
"""

import json
import sys
from typing import Any

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import ErrorData, JSONRPCError
from pydantic import ValidationError
from typing_extensions import override

from app.system.terminal import reader_has_ended

PARSE_ERROR = -32700
"""The code of JSON-RPC for a message that is not valid JSON."""
NOT_VALID = "The message is not valid JSON-RPC. Texts must not contain half of a surrogate pair."


class StdioServer(MCPServer[Any]):
    """An MCP server that also answers lines that are not valid JSON-RPC."""

    @override
    async def run_stdio_async(self) -> None:
        try:
            await self._serve()
        except* OSError as errors:
            _, others = errors.split(_has_agent_ended)
            if others:
                raise others from None

    async def _serve(self) -> None:
        server = getattr(self, "_lowlevel_server", None)  # another version of the SDK may not have it
        if server is None:
            await super().run_stdio_async()
            return
        async with stdio_server() as (received, answers):
            valid, messages = anyio.create_memory_object_stream[SessionMessage | Exception](0)

            async def pass_on() -> None:
                async with valid:
                    async for each in received:
                        if isinstance(each, Exception):
                            await answers.send(SessionMessage(refusal(each)))
                        else:
                            await valid.send(each)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(pass_on)
                await server.run(messages, answers, server.create_initialization_options())
                tasks.cancel_scope.cancel()


def _has_agent_ended(error: BaseException) -> bool:
    """Return whether an error says that the agent has closed the output."""
    return isinstance(error, ConnectionResetError) or reader_has_ended(sys.stdout, error)


def refusal(error: Exception) -> JSONRPCError:
    """Return the answer to a line that the SDK could not read. It has the id of the message if that can be read."""
    line = error.errors()[0].get("input") if isinstance(error, ValidationError) else None
    try:
        number = json.loads(line)["id"] if isinstance(line, str | bytes) else None
    except (ValueError, RecursionError, KeyError, TypeError):
        number = None
    is_id = type(number) is int or (isinstance(number, str) and number.isprintable())
    data = ErrorData(code=PARSE_ERROR, message=NOT_VALID)
    return JSONRPCError(jsonrpc="2.0", id=number if is_id else None, error=data)
