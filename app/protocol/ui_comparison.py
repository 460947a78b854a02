"""Compare the state that a UI reported with the expected state, or test single values of it by path.

The state is the content of the UI's stores; ``ui_stores`` computes what is expected. A path names a value:
``chatStore.messages.alice[-1].text``. The stores may be abbreviated to ``chat``, ``contact`` and ``ui``, and
contacts may be selected by name: ``contact.contacts[alice].unreadCount``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app.protocol.ui_stores import UNKNOWN

STORES = {"chat": "chatStore", "contact": "contactStore", "ui": "uiStore"}
_STEP = re.compile(r"([^.\[\]=]+)|\[([^\[\]]+)\]")
_PATH = re.compile(r"[^.\[\]=]+(?:\[[^\[\]]+\]|\.[^.\[\]=]+)*")


class InvalidCondition(ValueError):
    """A condition that cannot be understood. The text says what is wrong."""


class Difference(NamedTuple):
    """A value that differs. Values are JSON; one that is missing is None."""

    path: str
    expected: Any
    reported: Any


class Condition(NamedTuple):
    """A value that the reported state must have at a path."""

    path: str
    value: Any

    def differences(self, state: Any) -> Iterator[Difference]:
        """Yield what differs at the path; nothing if ``state`` has this value. A missing value equals null."""
        return _differences(self.path, self.value, value_at(state, self.path))


def parse_condition(text: str) -> Condition:
    """Return a condition written as ``PATH=VALUE``. The value is JSON, or text. Raises ``InvalidCondition``."""
    path, equals, value = text.partition("=")
    path = path.strip()
    if not equals or not _PATH.fullmatch(path):
        raise InvalidCondition(
            f"Invalid condition {text[:80]!r}. Write it as PATH=VALUE, for example chat.messages.alice[-1].text=hi."
        )
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    if STORES.get(first, first) not in STORES.values():
        raise InvalidCondition(f"Unknown store {first!r}. A path begins with chat, contact or ui.")
    try:
        return Condition(path, json.loads(value))
    except (ValueError, RecursionError):
        return Condition(path, value)


def value_at(state: Any, path: str) -> Any:
    """Return the value at a path, or None if there is none. Negative indexes count from the end."""
    value = state
    for number, (name, index) in enumerate(_STEP.findall(path)):
        value = _step(value, STORES.get(name, name) if number == 0 else name or index, bool(index))
    return value


def _step(value: Any, step: str, bracketed: bool) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if not isinstance(value, list | tuple):
        return None
    if bracketed and re.fullmatch(r"-?\d{1,6}", step):
        index = int(step)
        return value[index] if -len(value) <= index < len(value) else None
    named = (each for each in value if isinstance(each, Mapping) and each.get("username") == step)
    return next(named, None)


def differences(expected: Any, reported: Any) -> Iterator[Difference]:
    """Yield the values that differ, in the order of the expected state. ``UNKNOWN`` matches every value.

    Other stores and other members of a store are ignored: a UI keeps more in them than the guide describes.
    """
    for store, parts in expected.items():
        other = reported.get(store) if isinstance(reported, Mapping) else None
        for name, value in parts.items():
            yield from _differences(
                f"{store}.{name}", value, other.get(name) if isinstance(other, Mapping) else None
            )


def _differences(path: str, expected: Any, reported: Any) -> Iterator[Difference]:
    if expected is UNKNOWN:
        return
    if isinstance(expected, Mapping) and isinstance(reported, Mapping):
        for key in [*expected, *(key for key in reported if key not in expected)]:
            yield from _differences(f"{path}.{key}", expected.get(key), reported.get(key))
    elif isinstance(expected, list) and isinstance(reported, list):
        for index in range(max(len(expected), len(reported))):
            ours, theirs = (each[index] if index < len(each) else None for each in (expected, reported))
            yield from _differences(f"{path}[{index}]", ours, theirs)
    elif not _equal(expected, reported):
        yield Difference(path, as_plain(expected), as_plain(reported))


def _equal(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def as_plain(value: Any) -> Any:
    """Return a value as plain JSON, with None in the place of ``UNKNOWN``."""
    if value is UNKNOWN:
        return None
    if isinstance(value, Mapping):
        return {key: as_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(each) for each in value]
    return value
