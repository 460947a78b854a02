"""Bytes ⇄ envelope: the strict decoder, its limits, and what it says when a frame breaks the contract."""

import json
import math
from typing import Any, NoReturn

import msgspec

MAX_FRAME_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_RAW_BYTES = 8 * 1024 * 1024
"""Of a raw text frame that is sent to the UI."""
MAX_CHECKED_CHARS = 1024 * 1024
"""A longer text is not checked against the contract: it would take too long."""


NEEDS_STRICT_PARSER = object()
"""What is to be read the long way."""


class BadFrame(ValueError):
    """A frame that breaks the contract.

    ``reason`` says what is wrong in a person's words; ``where`` is the place (``line 1 column 5``,
    ``data.typing``), or empty; ``event`` is the event's name as far as it could be read.
    """

    def __init__(self, reason: str, where: str = "", event: str = "") -> None:
        # It may quote the frame, and a lone surrogate cannot be written to any log.
        self.reason, self.where, self.event = (
            text.encode(errors="replace").decode() for text in (reason, where, event)
        )
        super().__init__(f"{self.where}: {self.reason}" if where else self.reason)


class Envelope(msgspec.Struct, frozen=True):
    """``{"event": …, "data": …}`` (guide §2). ``data`` is a JSON value or a struct of ``events``."""

    event: str
    data: Any

    def encode(self) -> bytes:
        """Return the compact UTF-8 JSON text that goes on the wire."""
        return msgspec.json.encode(self)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadFrame("the same key appears twice", twice)
    return fields


def _no_constant(name: str) -> NoReturn:
    raise BadFrame(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadFrame(f"the number {digits[:24]} is too large")
    return number


_parser = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


def check_tree(value: Any) -> None:
    """Refuse what Python's JSON takes and no frame may carry: deep nesting and lone surrogates.

    Raises ``BadFrame`` with the place.
    """
    try:
        text = msgspec.json.encode(value)
    except (TypeError, UnicodeEncodeError, RecursionError):
        _walk(value)
    else:
        if _brackets(text) > MAX_DEPTH:  # texts may hold them too
            _walk(value)


def _brackets(text: bytes) -> int:
    return text.count(b"{") + text.count(b"[")


def _walk(value: Any) -> None:
    level: list[tuple[str, Any]] = [("", value)]
    for depth in range(MAX_DEPTH + 1):
        if depth == MAX_DEPTH and any(isinstance(node, dict | list) for _, node in level):
            raise BadFrame(f"nested deeper than {MAX_DEPTH} levels")
        inner: list[tuple[str, Any]] = []
        for where, node in level:
            if isinstance(node, str):
                _check_text(node, where)
            elif isinstance(node, dict):
                for key in node:
                    _check_text(key, where)
                inner += [(f"{where}.{key}" if where else key, child) for key, child in node.items()]
            elif isinstance(node, list):
                inner += [(f"{where}[{i}]", child) for i, child in enumerate(node)]
        if not inner:
            return
        level = inner


def _check_text(text: str, where: str) -> None:
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise BadFrame("half of a surrogate pair is no character", where)


def parse_json(text: str) -> Any:
    """Parse strict JSON: no duplicate keys, NaN, infinities, lone surrogates or deep nesting.

    Raises ``BadFrame``, and nothing else.
    """
    value = _plain(text)
    return _strict(text) if value is NEEDS_STRICT_PARSER else value


def _plain(text: str) -> Any:
    """Parse JSON that simple counting proves to be valid; return ``NEEDS_STRICT_PARSER`` for everything else.

    Without escapes there are no surrogates, and a key that stands twice leaves fewer quotation marks than came in.
    What is large would keep every other thread waiting.
    """
    if "\\" in text or len(text) > MAX_FRAME_BYTES:
        return NEEDS_STRICT_PARSER
    try:
        value = msgspec.json.decode(text)
        again = msgspec.json.encode(value)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return NEEDS_STRICT_PARSER
    return value if again.count(b'"') == text.count('"') and _brackets(again) <= MAX_DEPTH else NEEDS_STRICT_PARSER


def _strict(text: str) -> Any:
    try:
        value = _parser.decode(text)
    except BadFrame:
        raise
    except json.JSONDecodeError as error:
        if not text.strip():
            raise BadFrame("the frame is empty") from None
        raise BadFrame(f"not JSON: {error.msg}", f"line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise BadFrame(f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:  # an integer of thousands of digits
        raise BadFrame(f"not a usable number: {error}") from None
    _walk(value)
    return value


def decode(frame: str | bytes) -> Envelope:
    """Decode one frame. Bytes mean a binary frame, which the protocol does not know.

    Raises ``BadFrame``, and nothing else.
    """
    if not isinstance(frame, str):
        raise BadFrame("a binary frame; events are JSON in text frames")
    value = parse_json(frame)
    if not isinstance(value, dict):
        raise BadFrame(f'not an object: expected {{"event", "data"}}, got {_kind(value)}')
    name = value.get("event")
    if name is None:
        raise BadFrame("missing", "event")
    if not isinstance(name, str):
        raise BadFrame(f"expected a string, got {_kind(name)}", "event")
    if not name:
        raise BadFrame("is empty", "event")
    if "data" not in value:
        raise BadFrame("missing", "data", name)
    if not isinstance(value["data"], dict):
        raise BadFrame(f"expected an object, got {_kind(value['data'])}", "data", name)
    return Envelope(name, value["data"])


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return kinds.get(type(value), "an object")
