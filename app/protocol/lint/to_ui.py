"""Check events to the UI against the earlier traffic: duplicate message IDs, users who are not contacts,
repeated presence. Also find timestamps in the future. ``frames`` checks each frame by itself.

This also remembers messages, presence and chats for the rules about events from the UI and REST calls. The cost per
event must not depend on the number of clients: rows with the same recipients share one tuple, so most comparisons
are by identity.
"""

from collections.abc import Iterable
from datetime import datetime
from math import inf
from typing import Any, NamedTuple

from msgspec import Struct, field

from app.protocol.lint.findings import Report
from app.protocol.lint.pages import Browser, Page, Pages
from app.protocol.lint.rules import CLOCK_SKEW, DUPLICATE_ID, PRESENCE_REPEATED, UNKNOWN_USER
from app.protocol.templates import iso
from app.protocol.ui_violations import shown

Recipients = tuple[int, ...]

MAX_IDS = 10_000
"""At least this many of the latest message IDs are remembered, at most twice as many."""
MAX_NAMES = 10_000
"""Maximum number of users that are remembered. If there are more, all are removed."""
MAX_GROUPS = 32
"""Maximum number of groups of recipients per user. If there are more, the oldest is removed."""
CLOCK_SKEW_S = 60.0


class SentMessage(Struct, gc=False):
    """A ``new_message`` that was sent. Of its text, only the hash is kept.

    ``recipients`` are also those of earlier messages with the same ID. ``edited_at`` is when an event changed the
    text.
    One is made for every message, and a struct takes a fifth of the time of a named tuple.
    """

    seq: int
    recipients: Recipients
    sender: Any
    to: Any
    text_hash: int
    edited_at: float = -inf


def text_hash(text: Any) -> int:
    """Return the hash of the text of a message, which may be any JSON value."""
    return hash(text) if type(text) is str else hash(repr(text))


def _have_common(some: Recipients, others: Recipients) -> bool:
    """Return whether a client is among both recipients. Mostly they are the same tuple."""
    return bool(some) if some is others else not set(some).isdisjoint(others)


class Messages:
    """The latest messages by ID. ``loaded`` are IDs that REST calls have returned."""

    def __init__(self) -> None:
        self.new: dict[str, SentMessage] = {}
        """The messages since ``old`` was replaced. ``ToUiRules`` adds to it."""
        self.old: dict[str, SentMessage] = {}
        self._loaded: dict[str, None] = {}
        self._loaded_before: dict[str, None] = {}

    def get(self, msg_id: str) -> SentMessage | None:
        """Return the message that was sent last with an ID, or None."""
        return self.new.get(msg_id) or self.old.get(msg_id)

    def loaded(self, msg_ids: Iterable[str]) -> None:
        """Remember the IDs of messages that a REST call has returned."""
        self._loaded.update(dict.fromkeys(msg_ids))
        if len(self._loaded) >= MAX_IDS:
            self._loaded_before, self._loaded = self._loaded, {}

    def is_known(self, msg_id: str) -> bool:
        """Return whether a message with this ID was sent or loaded."""
        return msg_id in self.new or msg_id in self.old or msg_id in self._loaded or msg_id in self._loaded_before


class SentFields(Struct, gc=False):
    """The fields of an event to the UI that the rules use, as they were sent: any JSON value, or None if missing.

    ``timestamp`` is a text in ISO 8601 or a ``datetime``; other values are ignored.
    """

    msg_id: Any = None
    from_: Any = field(name="from", default=None)
    to: Any = None
    text: Any = None
    direction: Any = None
    timestamp: Any = None
    username: Any = None


SENT_FIELDS = SentFields.__struct_encode_fields__


class Presence(NamedTuple):
    """The latest presence of a user that was sent to some clients."""

    recipients: Recipients
    online: bool
    seq: int
    at: float


def _merged(groups: Iterable[Presence], new: Presence) -> tuple[list[Presence], Presence | None]:
    """Return groups with a new one, and the group with the same presence that a client of the new one is in."""
    repeated = None
    rest = []
    for each in groups:
        if each.recipients is new.recipients:
            repeated = repeated or (each if each.online is new.online else None)
            continue
        common = set(each.recipients).intersection(new.recipients)
        if common and each.online is new.online:
            repeated = repeated or each
        if left := tuple(number for number in each.recipients if number not in common):
            rest.append(each._replace(recipients=left) if common else each)
    return [*rest[-MAX_GROUPS:], new], repeated


class Chat:
    """What was sent to the UI about a chat.

    ``audiences`` are the recipients of its messages: which pages have one. ``last`` are those of the last message.
    ``received_at`` is when the last message from the peer was sent, and ``received_by`` are its recipients.
    """

    __slots__ = ("audiences", "last", "received_at", "received_by")

    def __init__(self) -> None:
        self.audiences: list[Recipients] = []
        self.last: Recipients = ()
        self.received_at = -inf
        self.received_by: Recipients = ()


class ToUiRules:
    """Checks the events to the UI."""

    def __init__(self, pages: Pages, report: Report) -> None:
        self._pages = pages
        self._report = report
        self.messages = Messages()
        self._latest = ""
        """Timestamps up to this are not in the future."""
        self._presence: dict[str, list[Presence]] = {}
        self._chats: dict[str, Chat] = {}
        self.complete = True
        """Whether all chats are remembered. False after some were removed."""
        self._contacts: dict[Browser, frozenset[str]] = {}
        self._known: frozenset[str] | None = None
        self._known_for: Recipients | None = None

    def message(self, seq: int, at: float, wall: float, recipients: Recipients, data: SentFields) -> None:
        """Check a ``new_message``."""
        sender, to, msg_id, timestamp = data.from_, data.to, data.msg_id, data.timestamp
        peer = to if data.direction == "sent" else sender
        if type(peer) is str:
            chat = self._chats.get(peer)
            if chat is None or chat.last is not recipients:
                chat = self._add_audience(peer, recipients)
            if data.direction == "received":
                chat.received_at = at
                chat.received_by = recipients
        if type(msg_id) is str:
            messages = self.messages
            new = messages.new
            before = new.get(msg_id) or messages.old.get(msg_id)
            recipients_so_far = recipients
            if before:
                if _have_common(before.recipients, recipients):
                    self._report(DUPLICATE_ID, seq, f"{shown(msg_id)} is already the ID of row #{before.seq}")
                if before.recipients is not recipients:
                    recipients_so_far = tuple({*before.recipients, *recipients})
            new[msg_id] = SentMessage(seq, recipients_so_far, sender, to, text_hash(data.text))
            if len(new) >= MAX_IDS:
                messages.old, messages.new = new, {}
        if not (type(timestamp) is str and timestamp <= self._latest and timestamp[-1:] == "Z"):
            self._check_clock(seq, wall, timestamp)
        if recipients is not self._known_for or self._known is not None:
            self.about(seq, recipients, peer)

    def primer(self, seq: int, at: float, wall: float, recipients: Recipients, data: SentFields) -> None:
        """Remember that a ``new_message`` has primed its recipients for its chat. Its content is not checked."""
        peer = data.to if data.direction == "sent" else data.from_
        if type(peer) is str:
            self._add_audience(peer, recipients)

    def edited(self, at: float, msg_id: str, text: str) -> None:
        """Remember the text of a message that an event of a file has changed."""
        if message := self.messages.get(msg_id):
            message.text_hash, message.edited_at = text_hash(text), at

    def presence(
        self, seq: int, at: float, recipients: Recipients, username: Any, online: bool, *, disrupted: bool = False
    ) -> None:
        """Check a ``friend_online`` or ``friend_offline``. ``disrupted``: see ``presence_set``."""
        if type(username) is not str:
            return
        repeated = self.presence_set(seq, at, recipients, username, online, disrupted=disrupted)
        if repeated:
            state = "online" if online else "offline"
            self._report(PRESENCE_REPEATED, seq, f"{shown(username)} is {state} since row #{repeated.seq}")
        if recipients:
            self.about(seq, recipients, username)

    def presence_set(
        self, seq: int, at: float, recipients: Recipients, username: str, online: bool, *, disrupted: bool = False
    ) -> Presence | None:
        """Remember a presence, and return the earlier one if a recipient has the same already.

        ``disrupted``: faults act on it for some clients. Until they have received it, or if it was sent to no
        client at all, the presence that they know is not the current one, and is not compared.
        """
        if not recipients:
            self._presence.pop(username, None)
            return None
        if username not in self._presence and len(self._presence) >= MAX_NAMES:
            self._presence.clear()
        groups, repeated = _merged(self._presence.get(username, ()), Presence(recipients, online, seq, at))
        self._presence[username] = groups[-1:] if disrupted else groups
        return repeated

    def presence_forgotten(self) -> None:
        """Forget all presence: the current one is not known from events."""
        self._presence.clear()

    def about(self, seq: int, recipients: Recipients, username: Any) -> None:
        """Check whether the user of an event is a contact of the recipients' pages."""
        if recipients is not self._known_for:
            self._known_for, self._known = recipients, self._common_contacts(recipients)
        known = self._known
        if known is not None and (type(username) is not str or username not in known):
            self._report(UNKNOWN_USER, seq, f"{shown(username)} is not in the response of GET /friends")

    def contacts_loaded(self, browser: Browser, names: frozenset[str]) -> None:
        """Remember the contacts that a browser has loaded."""
        if len(self._contacts) >= MAX_GROUPS and browser not in self._contacts:
            self._contacts.clear()
        self._contacts[browser] = names
        self._known_for = None

    def contact_added(self, browser: Browser, name: str) -> None:
        """Remember a friend that a page has added; the UI shows it at once."""
        if browser in self._contacts:
            self.contacts_loaded(browser, self._contacts[browser] | {name})

    def clients_changed(self) -> None:
        """Call it when a client has connected or disconnected."""
        self._known_for = None

    def has_message_of(self, page: Page, peer: str) -> bool:
        """Return whether a message of a chat was sent to a page since it was loaded."""
        chat = self._chats.get(peer)
        return chat is not None and any(not page.clients.isdisjoint(each) for each in chat.audiences)

    def chat(self, peer: str) -> Chat | None:
        """Return the chat with a peer, or None if no message of it was sent."""
        return self._chats.get(peer)

    def _check_clock(self, seq: int, wall: float, timestamp: Any) -> None:
        """Check a timestamp that is not obviously in the past."""
        # In UTC and with whole seconds, so that most texts can be compared without being parsed.
        self._latest = iso(wall + CLOCK_SKEW_S - 1)[:19]
        try:
            parsed = datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else timestamp
            late = parsed.timestamp() - wall if isinstance(parsed, datetime) and parsed.tzinfo else 0.0
        except (ValueError, OverflowError):
            return
        if late > CLOCK_SKEW_S:
            self._report(CLOCK_SKEW, seq, f"the timestamp is {late:,.0f} s after the message was sent")

    def presence_of(self, username: str, clients: Iterable[int]) -> Presence | None:
        """Return the latest presence of a user that was sent to one of these clients, or None."""
        wanted = set(clients)
        groups = [each for each in self._presence.get(username, ()) if not wanted.isdisjoint(each.recipients)]
        return max(groups, key=lambda each: each.seq, default=None)

    def _add_audience(self, peer: str, recipients: Recipients) -> Chat:
        chat = self._chats.get(peer)
        if chat is None:
            if len(self._chats) >= MAX_NAMES:
                self._chats.clear()
                self.complete = False
            chat = self._chats[peer] = Chat()
        audiences, chat.last = chat.audiences, recipients
        if recipients in audiences:
            audiences.remove(recipients)
        elif len(audiences) >= MAX_GROUPS:
            audiences[:2] = [tuple(sorted({*audiences[0], *audiences[1]}))]
        audiences.append(recipients)
        return chat

    def _common_contacts(self, recipients: Recipients) -> frozenset[str] | None:
        """Return the names that are contacts in all pages with known contacts; None if there is no such page."""
        pages = [page for client in recipients if (page := self._pages.of_client(client))]
        known = [
            self._contacts[browser] for browser in {page.browser for page in pages} if browser in self._contacts
        ]
        return frozenset.intersection(*known) if known else None
