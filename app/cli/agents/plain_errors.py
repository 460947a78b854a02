"""Middleware of the MCP server: errors of tools are sentences, and unknown arguments are errors."""

import inspect
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from mcp.types import CallToolResult, TextContent

from app.protocol.did_you_mean import suggestion

CALL = "tools/call"
_PREFIX = re.compile(r"Error executing tool \w+: ")
_INVALID = re.compile(r"\d+ validation errors? for \w+\n")
_FIELD = re.compile(r"^(?P<field>\S[^\n]*)\n  (?P<reason>[^\n\[]*) \[type=", re.MULTILINE)


def middleware(tools: Mapping[str, Callable[..., Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return the middleware for tools by name."""
    names = {name: [*inspect.signature(tool).parameters] for name, tool in tools.items()}

    async def handle(context: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        if context.method != CALL:
            return await call_next(context)
        if wrong := _unknown_argument(context.params, names):
            return CallToolResult(content=[TextContent(type="text", text=wrong)], is_error=True)
        return _in_words(await call_next(context))

    return handle


def _unknown_argument(params: Any, names: Mapping[str, list[str]]) -> str:
    """Return a sentence about the first argument that the tool does not have; empty if there is none."""
    tool = params.get("name") if isinstance(params, Mapping) else None
    known = names.get(tool) if isinstance(tool, str) else None
    arguments = params.get("arguments") if known is not None else None
    if known is None or not isinstance(arguments, Mapping):
        return ""
    unknown = next((str(each) for each in arguments if each not in known), "")
    if not unknown:
        return ""
    hint = suggestion(unknown, known) or "."
    return f"{tool} has no argument {unknown[:80]!r}{hint} It has: {', '.join(known) or 'none'}."


def _in_words(result: Any) -> Any:
    """Change the texts of a result that is an error. The SDK passes it as the JSON that the client receives."""
    if isinstance(result, dict) and result.get("isError"):
        content = [
            {**each, "text": sentence(each["text"])} if "text" in each else each for each in result["content"]
        ]
        return {**result, "content": content}
    return result


def sentence(text: str) -> str:
    """Return an error of the SDK as one sentence per wrong argument."""
    text = _PREFIX.sub("", text, count=1)
    if not _INVALID.match(text):
        return text
    wrong = dict.fromkeys(f"{found['field']}: {found['reason']}." for found in _FIELD.finditer(text))
    return " ".join(wrong) or text
