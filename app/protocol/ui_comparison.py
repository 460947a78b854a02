"""Compare the state that a UI reported with the expected state, or test single values of it by path.

The state is the content of the UI's stores; ``ui_stores`` computes what is expected. A path names a value:
``chatStore.messages.alice[-1].text``. The stores may be abbreviated to ``chat``, ``contact`` and ``ui``, and
contacts may be selected by name: ``contact.contacts[alice].unreadCount``. A name with special characters is
quoted: ``chat.messages["a.b"]``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app.protocol.ui_stores import UNKNOWN

STORES = {"chat": "chatStore", "contact": "contactStore", "ui": "uiStore"}
_PLAIN = r"[^.\[\]=\"]+"
_QUOTED = r"\"(?:[^\"\\]|\\.)*\""
_STEP = re.compile(rf"({_PLAIN})|\[(-?[0-9]{{1,6}})\]|\[({_QUOTED})\]|\[({_PLAIN})\]")
_PATH = re.compile(rf"{_PLAIN}(?:\[(?:{_QUOTED}|{_PLAIN})\]|\.{_PLAIN})*")


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
    path = found[0] if (found := _PATH.match(text)) else ""
    if not path or text[len(path) : len(path) + 1] != "=":
        raise InvalidCondition(
            f"Invalid condition {text[:80]!r}. Write it as PATH=VALUE, for example chat.messages.alice[-1].text=hi."
        )
    value = text[len(path) + 1 :]
    path = path.strip()
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
    for number, step in enumerate(_steps(path)):
        value = _inner(value, STORES.get(str(step), step) if number == 0 else step)
    return value


def is_equal_at(path: str, expected: Any, reported: Any, *, partial: bool = False) -> bool:
    """Return whether two states have the same value at a path that ``differences`` returned."""
    return next(_differences(path, value_at(expected, path), value_at(reported, path), partial), None) is None


def _steps(path: str) -> Iterator[str | int]:
    for plain, index, quoted, name in _STEP.findall(path):
        yield int(index) if index else _unquoted(quoted) if quoted else plain or name


def _unquoted(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return quoted


def _inner(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(str(step))
    if not isinstance(value, list | tuple):
        return None
    if isinstance(step, int):
        return value[step] if -len(value) <= step < len(value) else None
    return next((each for each in value if _name(each) == step), None)


def _member(path: str, name: str) -> str:
    return f"{path}.{name}" if re.fullmatch(_PLAIN, name) else f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def _item(path: str, index: str | int) -> str:
    if isinstance(index, int) or (re.fullmatch(_PLAIN, index) and not re.fullmatch(r"-?[0-9]{1,6}", index)):
        return f"{path}[{index}]"
    return f"{path}[{json.dumps(index, ensure_ascii=False)}]"


def differences(expected: Any, reported: Any, *, partial: bool = False) -> Iterator[Difference]:
    """Yield the values that differ, in the order of the expected state. ``UNKNOWN`` matches every value.

    Other stores and other members of a store are ignored: a UI keeps more in them than the guide describes.

    ``partial``: the reported state is what somebody read off the screen. Values that it does not contain are not
    compared, contacts may be in any order, and an empty text, false, 0 and null are equal, since they look alike.
    """
    for store, parts in expected.items():
        other = reported.get(store) if isinstance(reported, Mapping) else None
        values = other if isinstance(other, Mapping) else {}
        for name, value in parts.items():
            if name in values or not partial:
                yield from _differences(f"{store}.{name}", value, values.get(name), partial)


def _differences(path: str, expected: Any, reported: Any, partial: bool = False) -> Iterator[Difference]:
    if expected is UNKNOWN:
        return
    if isinstance(expected, Mapping) and isinstance(reported, Mapping):
        for key in reported if partial else {**expected, **reported}:
            yield from _differences(_member(path, key), expected.get(key), reported.get(key), partial)
    elif isinstance(expected, list) and isinstance(reported, list):
        pairs = _pairs_by_name if partial and path.endswith(".contacts") else _pairs_by_index
        for index, ours, theirs in pairs(expected, reported):
            yield from _differences(_item(path, index), ours, theirs, partial)
    elif not _equal(expected, reported) and not (partial and _looks_empty(expected) and _looks_empty(reported)):
        yield Difference(path, as_plain(expected), as_plain(reported))


def _pairs_by_index(expected: list[Any], reported: list[Any]) -> Iterator[tuple[str | int, Any, Any]]:
    """Yield an index and the items there. Of a contact that both lists have there, the index is its name."""
    for index in range(max(len(expected), len(reported))):
        ours, theirs = (each[index] if index < len(each) else None for each in (expected, reported))
        name = _name(ours)
        yield name if name and name == _name(theirs) else index, ours, theirs


def _pairs_by_name(expected: list[Any], reported: list[Any]) -> Iterator[tuple[str | int, Any, Any]]:
    ours, theirs = ({_name(item): item for item in reversed(each)} for each in (expected, reported))
    for name in dict.fromkeys(_name(item) for item in [*expected, *reported]):
        yield name, ours.get(name), theirs.get(name)


def _name(contact: Any) -> str:
    name = contact.get("username") if isinstance(contact, Mapping) else None
    return name if isinstance(name, str) else ""


def _looks_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | bool | int | float) and not value)


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
