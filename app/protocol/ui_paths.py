"""Name values of the UI's stores: parse and write paths, and follow one value through the states of a page.

A path such as ``contactStore.contacts[alice].unreadCount`` is parsed to *steps*: keys and indexes. In other states,
the same contact or message may have another index. ``probe`` therefore follows contacts by name and messages by ID.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from app.protocol.ui_stores import UiStores

STORES = {"chat": "chatStore", "contact": "contactStore", "ui": "uiStore"}
"""Abbreviations of the stores."""
_PLAIN = r"[^.\[\]=\"]+"
_QUOTED = r"\"(?:[^\"\\]|\\.)*\""
_INDEX = r"(?:0|-?[1-9][0-9]{0,5})"
"""Only the usual form: contacts may have names such as 007."""
_STEP = re.compile(rf"({_PLAIN})|\[({_INDEX})\]|\[({_QUOTED})\]|\[({_PLAIN})\]")
PATH = re.compile(rf"{_PLAIN}(?:\[(?:{_QUOTED}|{_PLAIN})\]|\.{_PLAIN})*")

PREVIEW = ("lastMessage", "lastMessageTime", "unreadCount")
"""The members of a contact that its messages change."""

Steps = tuple[str | int, ...]
"""Keys and indexes from the top."""


def locate(state: Any, path: str) -> Steps | None:
    """Return the steps to the value at a path in the stores as JSON, or None if there is none.

    The stores may be abbreviated to ``chat``, ``contact`` and ``ui``. Negative indexes count from the end, and
    contacts may be selected by name.
    """
    if not PATH.fullmatch(path):
        return None
    steps: list[str | int] = []
    value = state
    for number, wanted in enumerate(parsed(path)):
        step = step_in(value, STORES.get(str(wanted), wanted) if number == 0 else wanted)
        if step is None:
            return None
        steps.append(step)
        value = value[step]
    return tuple(steps)


def parsed(path: str) -> Iterator[str | int]:
    """Yield the steps of a path as it is written: names, and indexes of lists."""
    for plain, index, quoted, name in _STEP.findall(path):
        yield int(index) if index else _unquoted(quoted) if quoted else plain or name


def _unquoted(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return quoted


def step_in(value: Any, wanted: str | int) -> str | int | None:
    """Return the key or index that one step of a path leads to in a value, or None if it leads nowhere."""
    if isinstance(value, Mapping):
        return str(wanted) if str(wanted) in value else None
    if not isinstance(value, list | tuple):
        return None
    if isinstance(wanted, int):
        return wanted % len(value) if -len(value) <= wanted < len(value) else None
    return next((index for index, each in enumerate(value) if name_of(each) == wanted), None)


def name_of(contact: Any) -> str:
    """Return the name of a contact as JSON; an empty text if it has none."""
    name = contact.get("username") if isinstance(contact, Mapping) else None
    return name if isinstance(name, str) else ""


def member(path: str, name: str) -> str:
    """Return the path of a member of an object."""
    return f"{path}.{name}" if re.fullmatch(_PLAIN, name) else f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def item(path: str, index: str | int) -> str:
    """Return the path of an item of a list. ``index`` may be the name of a contact."""
    if isinstance(index, int) or (re.fullmatch(_PLAIN, index) and not re.fullmatch(_INDEX, index)):
        return f"{path}[{index}]"
    return f"{path}[{json.dumps(index, ensure_ascii=False)}]"


def path_of(steps: Sequence[str | int], contacts: Sequence[Any] = ()) -> str:
    """Return steps as a path. ``contacts`` are the names of the contacts, which are written instead of indexes."""
    path = ""
    for number, step in enumerate(steps):
        if isinstance(step, str):
            path = member(path, step).removeprefix(".")
        elif number == 2 and steps[1] == "contacts" and _is_unique(contacts, step):
            path = item(path, contacts[step])
        else:
            path = item(path, step)
    return path


def _is_unique(names: Sequence[Any], index: int) -> bool:
    name = names[index] if index < len(names) else None
    return isinstance(name, str) and bool(name) and names.index(name) == index


class Probe(NamedTuple):
    """Follow one value through the states of a page.

    ``value`` returns it from a state, or None if the state does not have it; only for comparisons. ``anchor``
    returns an object that contains it and is replaced when it changes: if two states have the same object, the
    value has not changed in between. Or it returns a number that grows when the value changes, or None.
    """

    value: Callable[[UiStores], Any]
    anchor: Callable[[UiStores], object]


def probe(stores: UiStores, steps: Steps) -> Probe:
    """Return what follows the value at ``steps`` of ``stores`` through other states of the same page."""
    value = _value(stores, steps)
    match steps:
        case ("contactStore", "contacts", int(index), str(key), *_) if index < len(stores.contacts):
            name, is_preview = (
                stores.contacts[index].username,
                key in PREVIEW,
            )
            return Probe(value, lambda state: _anchor_of_contact(state, name, is_preview=is_preview))
        case ("chatStore", "messages", str(peer), int(index), *_) if index < len(stores.messages.get(peer, ())):
            msg_id = stores.messages[peer][index].get("msg_id")
            return Probe(value, lambda state: _of_message(peer, msg_id, (), state))
        case ("chatStore", "messages", str(peer)):
            return Probe(value, lambda state: state.messages.get(peer))
        case ("chatStore", "typingUsers", *_):
            return Probe(value, lambda state: state.typing)
        case ("chatStore", "hasMore", *_):
            return Probe(value, lambda state: state.has_more)
        case ("chatStore", "activeChat") | ("uiStore", *_):
            return Probe(value, lambda state: state.switches)
    return Probe(value, lambda _: None)


def _anchor_of_contact(state: UiStores, name: Any, *, is_preview: bool) -> object:
    found = [each for each in state.contacts if each.username == name]
    if len(found) != 1:
        return None
    return found[0] if is_preview else found[0].friend


def _value(stores: UiStores, steps: Steps) -> Callable[[UiStores], Any]:
    match steps:
        case ("contactStore", "contacts", int(index), *rest) if index < len(stores.contacts):
            name = stores.contacts[index].username
            number = sum(each.username == name for each in stores.contacts[:index])
            return partial(_of_contact, name, number, rest)
        case ("chatStore", "messages", str(peer), int(index), *rest) if index < len(stores.messages.get(peer, ())):
            return partial(_of_message, peer, stores.messages[peer][index].get("msg_id"), rest)
        case ("chatStore", "messages", str(peer)):
            return lambda state: state.messages.get(peer)
        case ("chatStore", "messages"):
            return lambda state: state.messages
        case ("chatStore",):
            return lambda state: (state.active_chat, state.messages, state.has_more, state.shown_typing)
        case ("contactStore",) | ("contactStore", "contacts"):
            return lambda state: state.contacts
        case ():
            return lambda state: state
    return partial(_of_small_part, steps)


def _of_contact(name: Any, number: int, rest: Sequence[str | int], state: UiStores) -> Any:
    found = [each for each in state.contacts if each.username == name]
    return value_in(found[number].to_json(), rest) if number < len(found) else None


def _of_message(peer: str, msg_id: Any, rest: Sequence[str | int], state: UiStores) -> Any:
    messages = state.messages.get(peer)
    return value_in(messages.with_id(msg_id), rest) if messages is not None else None


def _of_small_part(steps: Steps, state: UiStores) -> Any:
    parts: dict[str, Mapping[str, Any]] = {
        "chatStore": {
            "activeChat": state.active_chat,
            "hasMore": state.has_more,
            "typingUsers": state.shown_typing,
        },
        "uiStore": {"backendConnected": state.backend_connected, "wsConnected": state.ws_connected},
    }
    return value_in(parts, steps)


def value_in(value: Any, steps: Sequence[str | int]) -> Any:
    """Return the value at ``steps``, or None if there is none."""
    for step in steps:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list | tuple) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            return None
    return value
