"""Convert the chat UI's computed stores (``UiStores``) to what the UI shows: contacts, the open chat and banners.
The stores are where a chat UI keeps its state; the companion computes what they must contain. ``preview_of``
returns a ``Preview`` with a limited number of contacts and messages, and ``widgets/ui_preview.py`` draws it.

Values inside the stores come from frames and REST calls unchecked, so a name, text or time may have any type.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.protocol.backend import Conversation, MessageData, Person, parse_timestamp
from app.protocol.times import local
from app.protocol.ui_stores import Contact, UiStores, is_truthy
from app.ui.widgets.bubble_painter import MAX_SHOWN_CHARS, day_title

MAX_MESSAGES = 200
"""The newest messages of the open chat that the preview shows."""
MAX_CONTACTS = 500
MAX_CHARS = MAX_SHOWN_CHARS + 1
"""One more than is shown, so that the text of a message shows that it is cut."""
TYPING = "typing …"
"""Shown instead of the last message of a contact who is typing."""


class ShownMessage(NamedTuple):
    """A message with its position in the store, and the day to show above it (empty: none)."""

    position: int
    data: MessageData
    day: str


class Preview(NamedTuple):
    """Everything that the preview shows."""

    banners: tuple[str, ...]
    contacts: tuple[tuple[Conversation, str], ...]
    """Each with the time of its last message."""
    open_chat: str | None
    presence: str
    messages: tuple[ShownMessage, ...]
    hidden: int
    """How many older messages of the open chat are not shown."""
    has_more: bool
    typing: str


def preview_of(stores: UiStores, now: float) -> Preview:
    """Return what a UI with these stores shows at a time in seconds since the epoch."""
    open_chat = stores.active_chat
    messages = stores.messages.get(open_chat, ()) if open_chat is not None else ()
    first = max(0, len(messages) - MAX_MESSAGES)
    contact = next((each for each in stores.contacts if each.username == open_chat), None)
    return Preview(
        tuple(_banners(stores)),
        tuple(_contact(each, stores, now) for each in stores.contacts[:MAX_CONTACTS]),
        open_chat,
        "" if open_chat is None else _presence(contact),
        tuple(_messages([messages[index] for index in range(first, len(messages))], first, now)),
        first,
        bool(stores.has_more.get(open_chat)) if open_chat is not None else False,
        _typing(stores, open_chat),
    )


def _banners(stores: UiStores) -> list[str]:
    found = []
    if not stores.ws_connected:
        found.append("Not connected to the event server (wsConnected is false)")
    if not stores.backend_connected:
        found.append("The backend does not answer GET /status (backendConnected is false)")
    return found


def _contact(contact: Contact, stores: UiStores, now: float) -> tuple[Conversation, str]:
    name = text_of(contact.username)
    typing = is_truthy(stores.shown_typing.get(name)) and name != stores.active_chat
    text = TYPING if typing else contact.last_message
    conversation = Conversation(
        person=Person(username=name, online=contact.friend.get("online") is True),
        unread=contact.unread,
        newest=None if text is None else {"text": text_of(text)},
    )
    return conversation, _time(contact.last_message_time, now)


def _presence(contact: Contact | None) -> str:
    if contact is None:
        return "not a contact"
    return "online" if contact.friend.get("online") is True else "offline"


def _typing(stores: UiStores, open_chat: str | None) -> str:
    users = [user for user, typing in stores.shown_typing.items() if is_truthy(typing) and user == open_chat]
    return f"{text_of(users[0])} is typing …" if users else ""


def _messages(messages: list[Mapping[str, Any]], first: int, now: float) -> list[ShownMessage]:
    found: list[ShownMessage] = []
    day_before = ""
    for index, each in enumerate(messages, first):
        timestamp = each.get("timestamp")
        seconds = parse_timestamp(timestamp) if isinstance(timestamp, str) else 0.0
        day = day_title(local(seconds).date(), local(now).date()) if seconds else ""
        found.append(ShownMessage(index, _shown(each), day if day != day_before else ""))
        day_before = day or day_before
    return found


def _shown(message: Mapping[str, Any]) -> MessageData:
    reactions = message.get("reactions")
    return {
        "text": text_of(message.get("text")),
        "direction": "sent" if message.get("direction") == "sent" else "received",
        "delivered": message.get("delivered"),
        "time": _time(message.get("timestamp"), 0.0),
        "reactions": [each for each in reactions if isinstance(each, dict) and "emoji" in each]
        if isinstance(reactions, list)
        else [],
    }


def _time(timestamp: Any, now: float) -> str:
    """Return a time of today as hour and minute, an earlier one as date. ``now`` 0: always as hour and minute."""
    seconds = parse_timestamp(timestamp) if isinstance(timestamp, str) else 0.0
    if not seconds:
        return ""
    moment = local(seconds)
    if now and moment.date() != local(now).date():
        return f"{moment.day} {moment:%b}"
    return f"{moment:%H:%M}"


def text_of(value: Any) -> str:
    """Return a value as text, cut if it is long."""
    return "" if value is None else str(value)[:MAX_CHARS]
