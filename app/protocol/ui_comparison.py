"""Compare the state that a UI reported with the expected state, or test single values of it by path.

The state is the content of the UI's stores; ``ui_stores`` computes what is expected. An expected value that is not
known for certain matches any value. Stores and members of a store that have no expected value are ignored.

A path names a value: ``chatStore.messages.alice[-1].text``. The stores may be abbreviated to ``chat``, ``contact``
and ``ui``, and contacts may be selected by name: ``contact.contacts[alice].unreadCount``. A name with special
characters is quoted: ``chat.messages["a.b"]``.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from app.protocol.conditions import parse_value
from app.protocol.did_you_mean import suggestion
from app.protocol.ui_paths import PATH, STORES, item, locate, member, name_of, parsed, step_in, value_in
from app.protocol.ui_stores import JAVASCRIPT_SPACE, UNKNOWN, Guess, UiStores, as_number, trimmed

MAX_HINTED = 20
"""A similar name is searched for this many unknown ones."""


_SPACE = re.compile(f"[{JAVASCRIPT_SPACE}]+")


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
    path = found[0] if (found := PATH.match(text)) else ""
    if not path or text[len(path) : len(path) + 1] != "=":
        raise InvalidCondition(
            f"Invalid condition {text[:80]!r}. Write it as PATH=VALUE, for example chat.messages.alice[-1].text=hi."
        )
    value = text[len(path) + 1 :]
    path = path.strip()
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    if STORES.get(first, first) not in STORES.values():
        raise InvalidCondition(f"Unknown store {first!r}. A path begins with chat, contact or ui.")
    return Condition(path, parse_value(value))


def value_at(state: Any, path: str) -> Any:
    """Return the value at a path, or None if there is none. Negative indexes count from the end."""
    steps = locate(state, path)
    return None if steps is None else value_in(state, steps)


def is_equal_at(path: str, expected: Any, reported: Any, *, partial: bool = False) -> bool:
    """Return whether two states have the same value at a path that ``differences`` returned."""
    if _is_guessed(expected, path):
        return True
    return next(_differences(path, value_at(expected, path), value_at(reported, path), partial), None) is None


def _is_guessed(state: Any, path: str) -> bool:
    """Return whether a path leads into a ``Guess`` or ``UNKNOWN``."""
    for step in parsed(path):
        if (found := step_in(state, step)) is None:
            break
        state = state[found]
    return state is UNKNOWN or isinstance(state, Guess)


def differences(expected: Any, reported: Any, *, partial: bool = False) -> Iterator[Difference]:
    """Yield the values that differ, in the order of the expected state. ``UNKNOWN`` matches every value.

    Other stores and other members of a store are ignored: a UI keeps more in them than the guide describes.

    ``partial``: the reported state has only some values, such as those on the screen. The others are not
    compared, contacts may be in any order, and values are equal if they look alike: an empty text, false, 0 and
    null, and texts that differ in white space only.
    """
    for store, parts in expected.items():
        other = reported.get(store) if isinstance(reported, Mapping) else None
        values = other if isinstance(other, Mapping) else {}
        for name, value in parts.items():
            if name in values or not partial:
                yield from _differences(f"{store}.{name}", value, values.get(name), partial)


def why_not_comparable(state: Mapping[str, Any], *, partial: bool = False) -> str:
    """Return why a comparison with the stores of a reported state says nothing; an empty text if it says something.

    A state without a store, or a partial one with none of the names that can be compared, has mistyped names: a
    partial one would always be equal.
    """
    stores = STORES.values()
    if not any(isinstance(state.get(store), Mapping) for store in stores):
        names = [STORES.get(name, name) for name in state]
        return f"The state must have an object chatStore, contactStore or uiStore{_hint(names, stores) or '.'}"
    reported = [f"{store}.{name}" for store in stores for name in _parts(state, store)]
    expected = UiStores().to_json()
    known = [
        f"{store}.{name}" for store in stores for name in expected[store] if expected[store][name] is not UNKNOWN
    ]
    if partial and not set(reported).intersection(known):
        hint = _hint(reported, known) or "."
        return f"The partial state has no value that can be compared. Known are {', '.join(known)}{hint}"
    return ""


def _parts(state: Mapping[str, Any], store: str) -> Iterable[str]:
    parts = state.get(store)
    return parts if isinstance(parts, Mapping) else ()


def _hint(names: Iterable[str], known: Iterable[str]) -> str:
    return next(filter(None, (suggestion(name, known) for name in islice(names, MAX_HINTED))), "")


def _differences(path: str, expected: Any, reported: Any, partial: bool = False) -> Iterator[Difference]:
    if expected is UNKNOWN or isinstance(expected, Guess):
        return
    if isinstance(expected, Mapping) and isinstance(reported, Mapping):
        for key in reported if partial else {**expected, **reported}:
            yield from _differences(member(path, key), expected.get(key), reported.get(key), partial)
    elif isinstance(expected, list) and isinstance(reported, list):
        pairs = _pairs_by_name if partial and path.endswith(".contacts") else _pairs_by_index
        for index, ours, theirs in pairs(expected, reported):
            yield from _differences(item(path, index), ours, theirs, partial)
    elif (
        not _equal(expected, reported)
        and not (partial and _looks_equal(expected, reported))
        and not _is_empty_chat(path, expected, reported)
    ):
        yield Difference(path, as_plain(expected), as_plain(reported))


def _pairs_by_index(expected: list[Any], reported: list[Any]) -> Iterator[tuple[str | int, Any, Any]]:
    """Yield an index and the items there. Of a contact that both lists have there, the index is its name."""
    for index in range(max(len(expected), len(reported))):
        ours, theirs = (each[index] if index < len(each) else None for each in (expected, reported))
        name = name_of(ours)
        yield name if name and name == name_of(theirs) else index, ours, theirs


def _pairs_by_name(expected: list[Any], reported: list[Any]) -> Iterator[tuple[str | int, Any, Any]]:
    ours, theirs = ({name_of(one): one for one in reversed(each)} for each in (expected, reported))
    for name in dict.fromkeys(name_of(each) for each in [*expected, *reported]):
        yield name, ours.get(name), theirs.get(name)


def _is_empty_chat(path: str, one: Any, other: Any) -> bool:
    """Return whether a path is that of a chat, and both values have no messages: an empty list, or no list.

    The guide's own code (§6.3) creates an empty list if an event changes a message of an unknown chat.
    """
    if not all(each is None or each == [] for each in (one, other)):
        return False
    steps = [*parsed(path)]
    return len(steps) == 3 and steps[0] in ("chat", STORES["chat"]) and steps[1] == "messages"


def _looks_equal(one: Any, other: Any) -> bool:
    """Return whether two values look alike on the screen: both empty, or texts that differ in white space."""
    if isinstance(one, str) and isinstance(other, str):
        return _SPACE.split(trimmed(one)) == _SPACE.split(trimmed(other))
    return all(
        value is None or (isinstance(value, str | bool | int | float) and not value) for value in (one, other)
    )


def _equal(one: Any, other: Any) -> bool:
    """Compare as JavaScript does: true is not 1, and numbers are floats. Infinity is reported as null."""
    one, other = _as_reported(one), _as_reported(other)
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _as_reported(value: Any) -> Any:
    number = as_number(value)
    if number is None:
        return value
    return number if math.isfinite(number) else None


def as_plain(value: Any) -> Any:
    """Return a value as plain JSON, with None in the place of ``UNKNOWN`` and of numbers that are infinite."""
    if isinstance(value, Guess):
        return as_plain(value.value)
    if value is UNKNOWN:
        return None
    if isinstance(value, Mapping):
        return {key: as_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(each) for each in value]
    return None if isinstance(value, float) and math.isinf(value) else value
