"""Serve MCP on standard input and output, until the input closes or a signal asks the process to end.

Lines that are not valid JSON-RPC are answered with an error. The SDK ignores such lines, so an agent would wait for
its answer in vain, for example if a text contains a lone surrogate. Its reader of the input cannot be interrupted.
"""

import asyncio
import json
import os
import sys
from typing import Any, cast

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import ErrorData, JSONRPCError
from pydantic import ValidationError
from typing_extensions import override

from app.cli.agents.threads import in_thread
from app.system.process_signals import on_stop
from app.system.terminal import reader_has_ended

PARSE_ERROR = -32700
"""The code of JSON-RPC for a message that is not valid JSON."""
NOT_VALID = "The message is not valid JSON-RPC. Texts must not contain half of a surrogate pair."


class Input:
    """The lines of standard input, as an asynchronous iterator. It ends with the input, or with ``end``.

    Each line is read in a daemon thread, which may wait for the next line although the process ends.
    """

    def __init__(self) -> None:
        self._file = os.fdopen(sys.stdin.fileno(), "rb", closefd=False)  # with a lock of its own
        self._end: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    @property
    def has_been_ended(self) -> bool:
        """Whether ``end`` was called."""
        return self._end.done()

    def end(self) -> None:
        """End the iteration."""
        if not self._end.done():
            self._end.set_result(b"")

    def __aiter__(self) -> "Input":
        return self

    async def __anext__(self) -> str:
        reading = asyncio.wrap_future(in_thread(self._file.readline))
        try:
            done, _ = await asyncio.wait((self._end, reading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
        line: bytes = (self._end if self._end in done else reading).result()
        if not line:
            raise StopAsyncIteration
        return line.decode(errors="replace")


class StdioServer(MCPServer[Any]):
    """An MCP server that also answers lines that are not valid JSON-RPC."""

    interrupted = False
    """Whether a signal has ended it."""

    @override
    async def run_stdio_async(self) -> None:
        sys.unraisablehook = _report_unraisable
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
        lines = Input()
        on_stop(asyncio.get_running_loop(), lines.end)
        async with stdio_server(stdin=cast(anyio.AsyncFile[str], lines)) as (received, answers):
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
        self.interrupted = lines.has_been_ended


def _report_unraisable(found: "sys.UnraisableHookArgs") -> None:
    """Report an error that nothing can catch, except of a stream of the SDK that cannot write its rest at its end.

    Since version 3.13, Python reports these.
    """
    if found.exc_value is None or not _has_agent_ended(found.exc_value):
        sys.__unraisablehook__(found)


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
