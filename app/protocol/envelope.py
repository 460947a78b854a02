"""Encode and decode envelopes, the JSON objects ``{"event": NAME, "data": {…}}`` that frames contain.
``decode`` parses a frame; ``parse_json`` parses other JSON, such as files, with the same strict rules;
``check_tree`` checks a value from another parser. Each raises ``BadFrame`` with the reason and, if known, the
location. ``fast_decoder`` handles common client frames without this module.
"""

import json
import math
from typing import Any, NoReturn

import msgspec

MAX_FRAME_BYTES = 64 * 1024
"""The largest frame that a client may send."""
MAX_DEPTH = 32
"""The deepest nesting of objects and arrays."""
MAX_STATE_DEPTH = MAX_DEPTH + 8
"""The deepest nesting in JSON that may contain a chat state, in which fields of frames are a few levels deeper."""
MAX_RAW_BYTES = 8 * 1024 * 1024
"""The largest raw frame that is sent to the UI."""
MAX_CHECKED_CHARS = 1024 * 1024
"""A longer text is not checked against the contract, because that takes too long."""

_MAX_PATH = 160
"""A longer path in an error is shortened."""
_LONE_SURROGATE = "contains a lone surrogate, which is not valid Unicode"

_Path = tuple["_Path", str | int] | None
"""The path of a container in a value: that of its parent, and its key there. A text would repeat long keys."""

NEEDS_STRICT_PARSER = object()
"""Returned by ``_parse_fast`` for JSON that ``_parse_strict`` has to parse."""


class BadFrame(ValueError):
    """A text that is not valid JSON, or a frame that violates the contract.

    ``reason`` is an error message for users; ``where`` is the location (``line 1 column 5`` or ``data.typing``) or
    empty; ``event`` is the event's name, or empty if it could not be decoded.
    """

    def __init__(self, reason: str, where: str = "", event: str = "") -> None:
        # The texts may quote the frame, and a lone surrogate cannot be written to a log.
        self.reason, self.where, self.event = (
            text.encode(errors="replace").decode() for text in (reason, where, event)
        )
        super().__init__(f"{self.where}: {self.reason}" if where else self.reason)


class Envelope(msgspec.Struct, frozen=True):
    """An event: ``{"event": …, "data": …}`` (guide §2). ``data`` is a JSON value or a struct from ``events``."""

    event: str
    data: Any

    def encode(self) -> bytes:
        """Return the event as compact JSON in UTF-8."""
        return msgspec.json.encode(self)


def _check_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise BadFrame("duplicate key", name)
            seen.add(name)
    return fields


def _reject_constant(name: str) -> NoReturn:
    raise BadFrame(f"{name} is not valid JSON")


def _parse_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadFrame(f"the number {digits[:24]} is too large")
    return number


_parser = json.JSONDecoder(
    object_pairs_hook=_check_unique_keys, parse_constant=_reject_constant, parse_float=_parse_float
)


def check_tree(value: Any) -> None:
    """Check a JSON value for deep nesting and lone surrogates, which Python's ``json`` accepts.

    Raises ``BadFrame`` with the location.
    """
    try:
        text = msgspec.json.encode(value)
    except (TypeError, UnicodeEncodeError, RecursionError):
        _check_nodes(value)
    else:
        if _count_brackets(text) > MAX_DEPTH:  # an upper bound of the depth; strings may contain brackets too
            _check_nodes(value)


def _count_brackets(text: bytes) -> int:
    return text.count(b"{") + text.count(b"[")


def _check_nodes(value: Any, max_depth: int = MAX_DEPTH) -> None:
    """Check every node of a JSON value, level by level, without recursion."""
    if isinstance(value, str) and _has_lone_surrogate(value):
        raise BadFrame(_LONE_SURROGATE)
    level: list[tuple[_Path, Any]] = [(None, value)] if isinstance(value, dict | list) else []
    for _ in range(max_depth):
        inner: list[tuple[_Path, Any]] = []
        for path, node in level:
            members = node.items() if isinstance(node, dict) else enumerate(node)
            for key, child in members:
                if isinstance(key, str) and _has_lone_surrogate(key):
                    raise BadFrame(_LONE_SURROGATE, _path_text(path))
                if isinstance(child, dict | list):
                    inner.append(((path, key), child))
                elif isinstance(child, str) and _has_lone_surrogate(child):
                    raise BadFrame(_LONE_SURROGATE, _path_text((path, key)))
        level = inner
    if level:
        raise BadFrame(f"nested deeper than {max_depth} levels")


def _path_text(path: _Path) -> str:
    steps: list[str | int] = []
    while path:
        path, step = path
        steps.insert(0, step)
    text = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in steps).removeprefix(".")
    return text if len(text) <= _MAX_PATH else f"{text[: _MAX_PATH - 1]}…"


def _has_lone_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


def are_same(one: Any, other: Any) -> bool:
    """Return whether JSON values are equal, also in their types: in Python, ``True == 1 == 1.0``."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def fits_in_line(body: Any) -> bool:
    """Return whether an object with this JSON value as a field is not nested deeper than ``MAX_DEPTH`` levels."""
    level = [body]
    for _ in range(MAX_DEPTH):
        level = [node for node in level if isinstance(node, dict | list)]
        if not level:
            return True
        level = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]
    return False


def parse_json(text: str, max_depth: int = MAX_DEPTH) -> Any:
    """Parse JSON without duplicate keys, NaN, infinities, lone surrogates or deep nesting.

    Raises ``BadFrame`` for any invalid text, and no other exception.
    """
    value = _parse_fast(text)
    return _parse_strict(text, max_depth) if value is NEEDS_STRICT_PARSER else value


def _parse_fast(text: str) -> Any:
    """Parse JSON with msgspec if it is simple; return ``NEEDS_STRICT_PARSER`` for everything else.

    msgspec accepts duplicate keys and drops all but one. The result is therefore encoded again: fewer quotation
    marks than in the text show a duplicate key. Escapes are excluded, because they may be quotation marks or lone
    surrogates, and large texts, because msgspec blocks all other threads while it parses.
    """
    if "\\" in text or len(text) > MAX_FRAME_BYTES:
        return NEEDS_STRICT_PARSER
    try:
        value = msgspec.json.decode(text)
        encoded = msgspec.json.encode(value)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return NEEDS_STRICT_PARSER
    return (
        value
        if encoded.count(b'"') == text.count('"') and _count_brackets(encoded) <= MAX_DEPTH
        else NEEDS_STRICT_PARSER
    )


def _parse_strict(text: str, max_depth: int = MAX_DEPTH) -> Any:
    try:
        value = _parser.decode(text)
    except BadFrame:
        raise
    except json.JSONDecodeError as error:
        if not text.strip():
            raise BadFrame("the frame is empty") from None
        raise BadFrame(
            f"invalid JSON: {error.msg.removesuffix(' starting at')}", f"line {error.lineno} column {error.colno}"
        ) from None
    except RecursionError:
        raise BadFrame(f"nested deeper than {max_depth} levels") from None
    except ValueError as error:  # an integer with thousands of digits
        raise BadFrame(f"invalid number: {error}") from None
    _check_nodes(value, max_depth)
    return value


def decode(frame: str | bytes) -> Envelope:
    """Decode a frame: ``str`` for a text frame, ``bytes`` for a binary frame, which is always invalid.

    Raises ``BadFrame`` for any invalid frame, and no other exception.
    """
    if not isinstance(frame, str):
        raise BadFrame("binary frame: send events as JSON in text frames")
    return to_envelope(parse_json(frame))


def to_envelope(value: Any, event_key: str = "event", data_key: str = "data") -> Envelope:
    """Convert the JSON value of a frame. The keys are those that the frame must have.

    Raises ``BadFrame`` if it is not an event, and no other exception.
    """
    if not isinstance(value, dict):
        raise BadFrame(f'not an object: expected {{"{event_key}", "{data_key}"}}, got {_kind(value)}')
    name = value.get(event_key)
    if name is None:
        raise BadFrame("missing", event_key)
    if not isinstance(name, str):
        raise BadFrame(f"expected a string, got {_kind(name)}", event_key)
    if not name:
        raise BadFrame("is empty", event_key)
    if data_key not in value:
        raise BadFrame("missing", data_key, name)
    if not isinstance(value[data_key], dict):
        raise BadFrame(f"expected an object, got {_kind(value[data_key])}", data_key, name)
    return Envelope(name, value[data_key])


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return kinds.get(type(value), "an object")
