"""List the values that differ between two computed states of one UI page: before and after a change, or by flavour.
The flavours are a correct UI (*guide*) and the released UI with its known errors (*shipped*).

Unlike ``ui_comparison``, this compares two computed states. Messages that were appended are found without comparing
the others, so the time for these does not depend on the length of a chat.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from typing_extensions import override

from app.protocol.ui_paths import Steps, path_of
from app.protocol.ui_stores import UNKNOWN, ChatMessages, Guess, Json, UiStores


class _Missing:
    """The type of ``MISSING``."""

    @override
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""Stands for a value that one of the two states does not have."""


class ValueChange(NamedTuple):
    """A value that was added, removed or changed. ``steps`` leads to it in the state that has it."""

    steps: Steps
    path: str
    old: Any
    new: Any


def without_guesses(state: Json) -> tuple[Json, list[Steps]]:
    """Return the stores as JSON with the values of the guesses, and where the guesses are."""
    found: list[Steps] = []
    messages: Json = {}
    for peer, each in state["chatStore"]["messages"].items():
        messages[peer] = _unwrapped(each, ("chatStore", "messages", peer), found)
    contacts = [
        {key: _unwrapped(value, ("contactStore", "contacts", index, key), found) for key, value in each.items()}
        for index, each in enumerate(state["contactStore"]["contacts"])
    ]
    chat = {**state["chatStore"], "messages": messages}
    return {**state, "chatStore": chat, "contactStore": {"contacts": contacts}}, found


def _unwrapped(value: Any, steps: Steps, found: list[Steps]) -> Any:
    if not isinstance(value, Guess):
        return value
    found.append(steps)
    return value.value


def changes(before: UiStores, after: UiStores) -> Iterator[ValueChange]:
    """Yield the values that differ, in the order of the stores."""
    for steps, old, new in _all(before, after):
        names = [each.username for each in (before if new is MISSING else after).contacts]
        yield ValueChange(steps, path_of(steps, names), old, new)


def flavour_differences(guide: UiStores, shipped: UiStores) -> Iterator[ValueChange]:
    """Yield the values that differ between the two flavours of a page.

    A value that only the UI knows is not compared.
    """
    for each in changes(guide, shipped):
        if each.old is not UNKNOWN and each.new is not UNKNOWN:
            yield each


_Found = tuple[Steps, Any, Any]


def _all(before: UiStores, after: UiStores) -> Iterator[_Found]:
    yield from _values(("chatStore", "activeChat"), before.active_chat, after.active_chat)
    for peer in [*after.messages, *(peer for peer in before.messages if peer not in after.messages)]:
        old, new = before.messages.get(peer), after.messages.get(peer)
        if old is not new and old != new:  # the flavours have equal lists of their own
            yield from _messages(("chatStore", "messages", peer), old, new)
    yield from _values(("chatStore", "hasMore"), before.has_more, after.has_more)
    yield from _values(("chatStore", "typingUsers"), before.shown_typing, after.shown_typing)
    if before.contacts is not after.contacts:
        old_contacts, new_contacts = (
            [{key: _unwrapped(value, (), []) for key, value in each.to_json().items()} for each in state.contacts]
            for state in (before, after)
        )
        yield from _lists(("contactStore", "contacts"), old_contacts, new_contacts)
    yield from _values(("uiStore", "backendConnected"), before.backend_connected, after.backend_connected)
    yield from _values(("uiStore", "wsConnected"), before.ws_connected, after.ws_connected)


def _messages(steps: Steps, old: ChatMessages | None, new: ChatMessages | None) -> Iterator[_Found]:
    if old is None or new is None:
        yield steps, MISSING if old is None else list(old), MISSING if new is None else list(new)
    elif new.extends(old):
        for index in range(len(old), len(new)):
            yield (*steps, index), MISSING, new[index]
    else:
        yield from _lists(steps, list(old), list(new))


def _values(steps: Steps, old: Any, new: Any) -> Iterator[_Found]:
    if old is new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*new, *(key for key in old if key not in new)]:
            yield from _values((*steps, key), old.get(key, MISSING), new.get(key, MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(steps, old, new)
    elif type(old) is not type(new) or old != new:
        yield steps, old, new


def _lists(steps: Steps, old: Sequence[Any], new: Sequence[Any]) -> Iterator[_Found]:
    """Compare two lists. Members that were inserted or removed do not make the others differ."""
    shortest = min(len(old), len(new))
    same = next((n for n in range(shortest) if _key(old[n]) != _key(new[n])), shortest)
    tail = next((n for n in range(shortest - same) if _key(old[-1 - n]) != _key(new[-1 - n])), shortest - same)
    for n in range(same):
        yield from _values((*steps, n), old[n], new[n])
    for n in range(same, len(old) - tail):
        yield (*steps, n), old[n], MISSING
    for n in range(same, len(new) - tail):
        yield (*steps, n), MISSING, new[n]
    for n in range(tail, 0, -1):
        yield from _values((*steps, len(new) - n), old[-n], new[-n])


def _key(member: Any) -> Any:
    """Return what identifies a contact or message; other members are identified by their value."""
    if isinstance(member, Mapping):
        for name in ("username", "msg_id"):
            if name in member:
                return name, repr(member[name])
    return repr(member)
