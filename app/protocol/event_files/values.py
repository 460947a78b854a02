"""Parse and evaluate values of an event file: the fields of an effect or of a forwarded event, and its recipient.
A value is a JSON Pointer to a part of the event's ``data``, a constant, or the sending user, which is the one that
the client acts as. Only an event from the UI has a sending user.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from app.protocol.event_files.problems import short

MISSING = object()
"""The result of a pointer to a field that the data does not have."""
HOW = 'Write a JSON Pointer such as "/msg_id", {"value": …} or {"sender": true}'

_POINTER = re.compile(r"(/([^/~]|~[01])*)*")


class Pointer(NamedTuple):
    """A JSON Pointer (RFC 6901) into ``data``; an empty text stands for all of it."""

    text: str

    @property
    def steps(self) -> list[str]:
        """The names on the way to the value."""
        return [each.replace("~1", "/").replace("~0", "~") for each in self.text.split("/")[1:]]


class Constant(NamedTuple):
    """A fixed JSON value."""

    value: Any


class Sender(NamedTuple):
    """The user that the sending client acts as."""


Value = Pointer | Constant | Sender
Values = Pointer | dict[str, Value]
"""The fields of an object: all taken from one place in ``data``, or each from its own."""


def parse_value(raw: Any) -> Value:
    """Return a value of an event file. Raises ``ValueError`` with a sentence."""
    match raw:
        case str() if _POINTER.fullmatch(raw):
            return Pointer(raw)
        case str():
            raise ValueError(f"{short(repr(raw))} is not a JSON Pointer. {HOW}")
        case {"value": value, **rest} if not rest:
            return Constant(value)
        case {"sender": True, **rest} if not rest:
            return Sender()
    raise ValueError(f"is not a value. {HOW}")


def evaluate(value: Value, data: Any, sender: str) -> Any:
    """Return what a value stands for in an event; ``MISSING`` if the data lacks it."""
    match value:
        case Constant():
            return value.value
        case Sender():
            return sender
    for step in value.steps:
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and step.isdecimal() and len(step) < 10 and int(step) < len(data):
            data = data[int(step)]
        else:
            return MISSING
    return data


def evaluate_all(values: Values, data: Any, sender: str) -> dict[str, Any]:
    """Return the fields that values stand for. Fields that the data lacks are left out."""
    if isinstance(values, Pointer):
        found = evaluate(values, data, sender)
        return dict(found) if isinstance(found, Mapping) else {}
    evaluated = {name: evaluate(each, data, sender) for name, each in values.items()}
    return {name: each for name, each in evaluated.items() if each is not MISSING}
