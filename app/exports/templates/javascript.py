"""Functions that return values, comments and frames as source text of JavaScript or TypeScript, for exported tests.
``ADDRESSES`` is such text, too, for exports that stand in for the servers: regular expressions for the addresses to
which the UI connects, for the developer to adjust.
"""

import json
import re
from typing import Any

from app.exports.templates.steps import Send
from app.protocol.contract_documents.typescript_words import property_key, string_literal
from app.protocol.wire_names import WireNames

_REST_METHOD = re.compile(r"(GET|POST|PUT|PATCH|DELETE) /.*", re.DOTALL)
MAX_NESTING = 30
"""Values that are nested deeper are written as JSON in a string, which has no limit."""

EVENTS = r"/^wss?:\/\/(localhost|127\.0\.0\.1):8081\//"
REST = r"/^https?:\/\/(localhost|127\.0\.0\.1):8080\//"
"""The usual addresses of the event server and of the chat backend, as regular expressions of JavaScript."""

ADDRESSES = f"""\
// The addresses that your UI uses. Adjust them to yours.
const EVENTS = {EVENTS};
const REST = {REST};
"""


def text(value: str) -> str:
    """Return a string literal that may also be part of a script in an HTML page."""
    return string_literal(value).replace("</", "<\\/").replace("<!--", "\\u003c!--")


def value(content: Any) -> str:
    """Return a JSON value as an expression."""
    if nesting(content) > MAX_NESTING or _has_key(content, "__proto__"):
        return f"JSON.parse({text(json.dumps(content, ensure_ascii=False))})"
    return _value(content)


def _value(content: Any) -> str:
    if isinstance(content, str):
        return text(content)
    if isinstance(content, list | tuple):
        return f"[{', '.join(map(_value, content))}]"
    if isinstance(content, dict):
        fields = ", ".join(f"{key(name)}: {_value(each)}" for name, each in content.items())
        return f"{{ {fields} }}" if fields else "{}"
    return json.dumps(content)


def key(name: str) -> str:
    """Return a key of an object literal, which may also be part of a script in an HTML page."""
    return property_key(name).replace("</", "<\\/").replace("<!--", "\\u003c!--")


def frame(send: Send, names: WireNames) -> str:
    """Return a frame as an expression: an object for a valid event, otherwise its text."""
    return value({names.event: send.event, names.data: send.data}) if send.is_valid else text(send.frame)


def comment(words: str) -> str:
    """Return text for a comment of one line, which may also be part of a script in an HTML page."""
    visible = "".join(char if char.isprintable() else " " for char in words).strip()
    return visible.replace("</", "< /").replace("<!--", "< !--")


def is_rest_call(call: str) -> bool:
    """Return whether a name is a REST call by its form, such as ``POST /messages``."""
    return _REST_METHOD.fullmatch(call) is not None


def nesting(content: Any) -> int:
    """Return how deep a value is nested, without recursion."""
    depth, level = 0, [content]
    while level:
        depth += 1
        nested: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                nested += each.values()
            elif isinstance(each, list | tuple):
                nested += each
        level = nested
        if depth > MAX_NESTING:
            break
    return depth


def _has_key(content: Any, key: str) -> bool:
    if isinstance(content, dict):
        return key in content or any(_has_key(each, key) for each in content.values())
    return isinstance(content, list | tuple) and any(_has_key(each, key) for each in content)
