"""Return the sentences of the log's warnings about the UI's state: for example, that the released UI will show a
wrong unread count or last message, that it loses a message, or why an event changes no contact. The sentences are
about computed stores (``UiStores``), not about a real UI. ``observers.ui_checks`` finds the cases, calls this
module, and logs the sentences.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from app.protocol.ui_stores import Contact, UiStores

MAX_CHARS = 40
"""Longer texts and names are cut."""
NO_CONTACT = "changes no contact of the UI"
"""The beginning of the note about an event for a user who is not a contact."""
NOT_EXAMINED = "not examined: too many"
"""Part of the note of the row that counts frames that were not examined."""


class Around(NamedTuple):
    """The stores before and after a frame."""

    before: UiStores
    after: UiStores


def contact_of(stores: UiStores, name: Any) -> Contact | None:
    """Return the first contact with a name, or None."""
    return next((each for each in stores.contacts if each.username == name), None)


def preview_deviations(names: Iterable[Any], shipped: Around, guide: Around) -> list[str]:
    """Return what a frame makes wrong in the contacts with these names, in the released UI."""
    found = []
    done: list[Any] = []  # names come from frames, and may be lists
    for name in names:
        if name in done:
            continue
        done.append(name)
        pairs = [(contact_of(each.before, name), contact_of(each.after, name)) for each in (shipped, guide)]
        (shipped_before, shipped_after), (guide_before, guide_after) = pairs
        if not (shipped_before and shipped_after and guide_before and guide_after):
            continue
        if shipped_after.unread - shipped_before.unread != guide_after.unread - guide_before.unread:
            found.append(
                f"unread of {shown(name)} will be {shipped_after.unread} in the released UI, "
                f"{guide_after.unread} in a correct one"
            )
        changed = shipped_before.last_message != shipped_after.last_message or (
            guide_before.last_message != guide_after.last_message
        )
        if changed and shipped_after.last_message != guide_after.last_message:
            found.append(
                f"the last message of {shown(name)} will be {_quoted(shipped_after)} in the released UI, "
                f"{_quoted(guide_after)} in a correct one"
            )
    return found


def is_unknown(name: Any, stores: UiStores) -> bool:
    """Return whether an event about a user changes no contact, because the user is not in the contacts."""
    return contact_of(stores, name) is None


def unknown_contact(name: Any, stores: UiStores) -> str:
    """Return a sentence about an event that changes no contact."""
    if name is None:
        return f"{NO_CONTACT}: the event names no user"
    why = "is not in the contacts" if stores.contacts else "is not in the contacts, which are not loaded yet"
    return f"{NO_CONTACT}: {shown(name)} {why}"


def lost_message(peer: str) -> str:
    """Return a sentence about a message that arrived while the newest messages of its chat were being fetched."""
    return f"the message is lost in the UI: the response of GET /messages replaces the messages of {shown(peer)}"


def contact_twice(name: str, stores: UiStores) -> str:
    """Return a sentence about a friend that is in the contacts several times; empty if it is not."""
    number = sum(each.username == name for each in stores.contacts)
    if number < 2:
        return ""
    times = "twice" if number == 2 else f"{number} times"
    return f"{shown(name)} is in the contacts of the UI {times} until the next GET /friends: a poll listed it first"


def shown(name: Any) -> str:
    """Return a name from a frame for a sentence."""
    return _cut(name) if isinstance(name, str) and name else repr(name)[:MAX_CHARS]


def _quoted(contact: Contact) -> str:
    text = contact.last_message
    return "none" if text is None else f"“{_cut(text if isinstance(text, str) else repr(text))}”"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…"
