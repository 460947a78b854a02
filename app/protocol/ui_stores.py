"""Compute what the UI's three state stores (Zustand) must contain, from its frames and REST calls (guide §6).

``UiStores`` is an immutable state. Each reducer takes one input, such as a frame, a request, a response or the
start of a connection, and returns the next state. Clicks are not observed: a request for the newest messages of a
chat shows that the user opened it. Reducers are pure: they read no clock, and every time is an argument in
monotonic seconds. There are two flavours: *guide* is a correct UI, *shipped* the released UI with its known
differences.

A value that only the UI itself knows, such as one from its clock, is ``UNKNOWN``, and one that depends on a race
is a ``Guess``. Both match anything in a comparison.
"""

import json
import math
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import parse_qs

import msgspec
from typing_extensions import override

from app.protocol.constants import TYPING_TIMEOUT_MS
from app.protocol.envelope import are_same

TYPING_S = TYPING_TIMEOUT_MS / 1000
LOAD_S = 5.0
"""While a page is being loaded, it may handle a frame before a response that was sent before the frame: the two use
different connections."""
RACE_S = 0.1
"""If a frame and a response, or two responses, are sent within this time, the UI may handle either first."""
SIDEBAR_WIDTH = 320
JAVASCRIPT_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""The characters that JavaScript takes as white space. Those of Python are others."""
MAX_DIGITS = 400
"""An integer with more digits is infinite in JavaScript."""


class Flavour(StrEnum):
    """Which UI the stores belong to."""

    GUIDE = "guide"
    SHIPPED = "shipped"


class _Unknown:
    """The type of ``UNKNOWN``."""

    @override
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""Stands for a value that the companion cannot know, such as a time that the UI's own clock set."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A value that the UI probably has: it depends on which of two inputs, sent at the same time, came first.

    It matches anything in a comparison.
    """

    value: Any


_UNDEFINED = object()
"""A member that is missing."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contact:
    """An entry of ``contactStore.contacts``: a friend as listed by ``GET /friends``, with its chat's preview."""

    friend: Mapping[str, Any]
    last_message: Any = None
    last_message_time: Any = None
    unread: int = 0
    since: float = field(default=-math.inf, compare=False)
    """When the response was sent that introduced the contact."""
    preview_is_certain: bool = True
    """False if the UI may have handled the last message before it knew the contact."""

    @property
    def username(self) -> Any:
        """The name, which identifies the contact."""
        return self.friend.get("username")

    def with_friend(self, friend: Mapping[str, Any]) -> "Contact":
        """Return the contact as listed now."""
        return self if repr(friend) == repr(self.friend) else replace(self, friend=friend)

    def to_json(self) -> Json:
        """Return the contact as the store holds it."""
        return {
            **self.friend,
            "lastMessage": self.last_message if self.preview_is_certain else Guess(self.last_message),
            "lastMessageTime": self.last_message_time if self.preview_is_certain else Guess(self.last_message_time),
            "unreadCount": self.unread,
        }


class ChatMessages:
    """The messages of one chat, in the order in which the UI holds them; never sorted.

    Immutable from the outside. States that only append share one list, of which each sees its own first ``length``
    messages, so appending takes constant time and keeps every earlier state intact.
    """

    __slots__ = ("_all", "_ids", "_length", "frame_at")

    def __init__(self, messages: Iterable[Json] = ()) -> None:
        self._all = list(messages)
        self._length = len(self._all)
        self._ids: dict[Any, int] = {}
        self.frame_at = -math.inf
        """When the last message that came as a frame was sent."""
        for index, each in enumerate(self._all):
            self._ids.setdefault(_id(each), index)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Json]:
        return islice(self._all, self._length)

    def __contains__(self, message: Json) -> bool:
        """Return whether a message with the same ``msg_id`` is there."""
        return self._ids.get(_id(message), self._length) < self._length

    @override
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChatMessages) or self._length != other._length:
            return False
        return self._all is other._all or list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, index: int) -> Json:
        return self._all[index if index >= 0 else self._length + index]

    def extends(self, other: "ChatMessages") -> bool:
        """Return whether messages were only appended to ``other``, if that can be told without comparing them."""
        return self._all is other._all and self._length >= other._length

    def with_id(self, msg_id: Any) -> Json | None:
        """Return the message with this ID, or None."""
        index = self._ids.get(_id({"msg_id": msg_id}), self._length)
        return self._all[index] if index < self._length else None

    def __add__(self, message: Json) -> "ChatMessages":
        is_new = len(self._all) == self._length
        if is_new:
            self._all.append(message)
            self._ids[_id(message)] = self._length
        if is_new or repr(self._all[self._length]) == repr(message):  # also if the same frames are replayed
            longer = ChatMessages()
            longer._all, longer._ids, longer._length = self._all, self._ids, self._length + 1
        else:
            longer = ChatMessages([*self, message])
        longer.frame_at = self.frame_at
        return longer


NO_MESSAGES = ChatMessages()
"""Only for reading: a chat that begins gets a list of its own."""


@dataclass(frozen=True, slots=True)
class UiStores:
    """The state of one page. A page that is reloaded starts again from ``UiStores(flavour)``."""

    flavour: Flavour = Flavour.GUIDE
    active_chat: str | None = None
    messages: Mapping[str, ChatMessages] = field(default_factory=dict)
    has_more: Mapping[str, Any] = field(default_factory=dict)
    typing: Mapping[str, float | None] = field(default_factory=dict)
    """For each user, the time at which the indicator disappears. None: it does not."""
    shown_typing: Mapping[str, Any] = field(default_factory=dict)
    """The content of ``typingUsers``: the value of a user's last event (any JSON), or false after five seconds."""
    contacts: tuple[Contact, ...] = ()
    uncertain_chats: frozenset[str] = frozenset()
    """The chats whose messages are a guess: their order, and which of them were replaced, depends on a race."""
    _responses: Mapping[str, Mapping[str, float]] = field(default_factory=dict, compare=False, repr=False)
    """For each chat, when its last page and the last response to a sent message were sent."""
    backend_connected: bool = False
    ws_connected: bool = False
    switches: int = field(default=0, compare=False)
    """How often the open chat or one of the two connections has changed."""

    # the connection

    def opened(self) -> "UiStores":
        """Return the state after the WebSocket connected."""
        return self._switched(ws_connected=True)

    def closed(self) -> "UiStores":
        """Return the state after the WebSocket disconnected. Everything else is kept."""
        return self._switched(ws_connected=False)

    def _switched(self, **values: Any) -> "UiStores":
        """Return the state with other values of ``active_chat`` and the connections; count it if they changed."""
        changed = any(getattr(self, name) != value for name, value in values.items())
        return replace(self, **values, switches=self.switches + changed)

    # frames to the UI (guide §2)

    def received(self, payload: bytes | str, at: float, *, at_load: bool = False) -> "UiStores":
        """Return the state after a frame to the UI. Invalid JSON and unknown events change nothing.

        ``at_load``: the frame is sent when a page connects, so the page may not have its contacts yet.
        """
        frame = _parsed(payload)
        if not isinstance(frame, dict) or not isinstance(data := frame.get("data"), dict):
            return self
        match frame.get("event"):
            case "new_message":
                is_new = not self._has(data)
                messages = self._with_message(data, at) if is_new else self.messages
                contacts = self._with_preview(data, is_new, at if at_load else math.inf)
                uncertain = self._uncertain(_peer(data), at) if self._responses else self.uncertain_chats
                return replace(self, messages=messages, contacts=contacts, uncertain_chats=uncertain)
            case "friend_online":
                return self._with_presence(data.get("username"), online=True)
            case "friend_offline":
                return self._with_presence(data.get("username"), online=False)
            case "typing":
                return self._with_typing(_key(data, "username"), data.get("typing", _UNDEFINED), at)
        return self

    def _has(self, message: Json) -> bool:
        return message in self.messages.get(_peer(message), NO_MESSAGES)

    def _with_message(self, message: Json, frame_at: float | None = None) -> Mapping[str, ChatMessages]:
        """Return the messages with one that is new."""
        peer = _peer(message)
        known = self.messages.get(peer)
        longer = (ChatMessages() if known is None else known) + message
        if frame_at is not None:
            longer.frame_at = frame_at
        return {**self.messages, peer: longer}

    def _uncertain(self, peer: str, at: float, source: str = "frame") -> frozenset[str]:
        """Return the uncertain chats after something changed a chat's messages. A page makes them certain again."""
        others = {"frame": self.messages.get(peer, NO_MESSAGES).frame_at, **self._responses.get(peer, {})}
        others.pop(source, None)
        if any(abs(at - other) < RACE_S for other in others.values()):
            return self.uncertain_chats | {peer}
        return self.uncertain_chats - {peer} if source == "page" else self.uncertain_chats

    def _with_response(self, peer: str, at: float, source: str) -> "UiStores":
        """Note when a response that changes the messages of a chat was sent."""
        responses = {**self._responses, peer: {**self._responses.get(peer, {}), source: at}}
        return replace(self, uncertain_chats=self._uncertain(peer, at, source), _responses=responses)

    def _with_preview(self, message: Json, is_new: bool, at: float) -> tuple[Contact, ...]:
        """Return the contacts with a changed last message and unread count."""
        if self.flavour is Flavour.SHIPPED:
            name, counts = message.get("from"), True
        else:
            name, counts = message.get(_peer_name(message)), is_new and message.get("direction") == "received"
        unread = int(counts and name != self.active_chat)
        return self._with_last(name, message.get("text"), message.get("timestamp"), unread=unread, at=at)

    def _with_last(
        self, name: Any, last_message: Any, time: Any, *, unread: int = 0, at: float = math.inf
    ) -> tuple[Contact, ...]:
        contacts = list(self.contacts)
        for index, each in enumerate(contacts):
            if each.friend.get("username") == name:
                contacts[index] = replace(
                    each, last_message=last_message, last_message_time=time, unread=each.unread + unread,
                    preview_is_certain=at - each.since >= LOAD_S,
                )  # fmt: skip
        return tuple(contacts)

    def _with_presence(self, name: Any, *, online: bool) -> "UiStores":
        change: Json = {"online": True} if online else {"online": False, "last_seen": UNKNOWN}
        contacts = tuple(
            replace(each, friend={**each.friend, **change}) if each.username == name else each
            for each in self.contacts
        )
        return replace(self, contacts=contacts)

    def _with_typing(self, user: str, typing: Any, at: float) -> "UiStores":
        shown = {**self.shown_typing, user: typing}
        if typing is _UNDEFINED:  # as JSON, the member is missing
            del shown[user]
        ends = typing is not _UNDEFINED and is_truthy(typing)
        return replace(self, typing={**self.typing, user: at + TYPING_S if ends else None}, shown_typing=shown)

    def at(self, now: float) -> "UiStores":
        """Return the state at a later time: typing indicators end after five seconds (guide Appendix B)."""
        ended = [user for user, end in self.typing.items() if end is not None and end <= now]
        if not ended:
            return self
        typing = {**self.typing, **dict.fromkeys(ended)}
        return replace(self, typing=typing, shown_typing={**self.shown_typing, **dict.fromkeys(ended, False)})

    def same_as(self, other: "UiStores") -> bool:
        """Return whether both states have the same values, however certain they are.

        When a typing indicator will disappear does not matter.
        """
        if self is other:
            return True
        return (
            (self.active_chat, self.backend_connected, self.ws_connected)
            == (other.active_chat, other.backend_connected, other.ws_connected)
            and (self.typing is other.typing or are_same(self.shown_typing, other.shown_typing))
            and (self.contacts is other.contacts or _values(self.contacts) == _values(other.contacts))
            and self.messages == other.messages
            and self.has_more == other.has_more
        )

    @property
    def next_change(self) -> float | None:
        """When the state changes by itself; None if it does not."""
        return min((end for end in self.typing.values() if end is not None), default=None)

    # the UI's REST calls (guide §6.1)

    def requested(self, method: str, path: str, query: str) -> "UiStores":
        """Return the state from the moment of a request. Fetching the newest page of a chat means it was opened."""
        if (method, path) == ("GET", "/messages") and (peer := opened_chat(query)) is not None:
            return self.selected(peer)
        return self

    def selected(self, peer: str | None) -> "UiStores":
        """Return the state after the user opened a chat, which clears its unread count. None: no chat is open."""
        contacts = tuple(replace(each, unread=0) if each.username == peer else each for each in self.contacts)
        return replace(self._switched(active_chat=peer), contacts=contacts)

    def responded(
        self,
        method: str,
        path: str,
        query: str,
        request: bytes,
        status: int,
        response: bytes,
        at: float = -math.inf,
    ) -> "UiStores":
        """Return the state after a response that was sent at a time.

        Of failed requests, only ``GET /status`` changes anything.
        """
        succeeded = 200 <= status < 300
        answer = _parsed(response.removeprefix(BOM_UTF8))  # fetch accepts it, JSON.parse of a frame does not
        match method, path:
            case "GET", "/status":
                return self._switched(backend_connected=succeeded and answer is not None)
            case "GET", "/friends" if succeeded and isinstance(answer, list):
                return self._with_friends((each for each in answer if isinstance(each, dict)), at)
            case "POST", "/friends" if succeeded and isinstance(answer, dict):
                return replace(self, contacts=(*self.contacts, Contact(answer, since=at)))
            case "GET", "/messages" if succeeded and isinstance(answer, dict):
                return self._with_page(query, answer, at)
            case "POST", "/messages" if succeeded and isinstance(answer, dict):
                sent = _parsed(request)
                return self._with_sent(sent, answer, at) if isinstance(sent, dict) else self
        return self

    def _with_friends(self, friends: Iterable[Json], at: float) -> "UiStores":
        known = {repr(each.username): each for each in reversed(self.contacts)}  # a name may be any JSON value
        contacts = tuple(
            before.with_friend(friend)
            if (before := known.get(repr(friend.get("username"))))
            else Contact(friend, since=at)
            for friend in friends
        )
        return replace(self, contacts=contacts)

    def _with_page(self, query: str, answer: Json, at: float) -> "UiStores":
        peer = _value(query, "peer")
        page = answer.get("messages")
        if peer is None or not isinstance(page, list):
            return self
        messages = [each for each in page if isinstance(each, dict)]
        known = self.messages.get(peer, NO_MESSAGES)
        if _value(query, "offset") in (None, "0"):
            chat, stores = ChatMessages(messages), self._with_response(peer, at, "page")
        else:
            chat, stores = ChatMessages([*messages, *known]), self
        chat.frame_at = known.frame_at
        return replace(
            stores,
            messages={**self.messages, peer: chat},
            has_more={**self.has_more, peer: answer.get("has_more")},
        )

    def _with_sent(self, sent: Json, answer: Json, at: float) -> "UiStores":
        peer, text = sent.get("to"), sent.get("text")
        message = {
            "msg_id": answer.get("msg_id"),
            "from": "",
            "to": peer,
            "text": text,
            "timestamp": UNKNOWN,
            "direction": "sent",
            "delivered": answer.get("delivered"),
            "delivery_method": answer.get("delivery_method"),
        }
        preview = trimmed(text) if isinstance(text, str) else text
        messages = self.messages if self._has(message) else self._with_message(message)
        stores = self._with_response(_key(sent, "to"), at, "sent")
        return replace(stores, messages=messages, contacts=self._with_last(peer, preview, UNKNOWN))

    # as JSON

    def to_json(self) -> Json:
        """Return the stores with the UI's own names. ``UNKNOWN`` stays; see ``ui_comparison.as_plain``."""
        return {
            "chatStore": {
                "activeChat": self.active_chat,
                "messages": {
                    peer: Guess(list(messages)) if peer in self.uncertain_chats else list(messages)
                    for peer, messages in self.messages.items()
                },
                "hasMore": dict(self.has_more),
                "loadingMessages": UNKNOWN,
                "sendingMessage": UNKNOWN,
                "typingUsers": dict(self.shown_typing),
            },
            "contactStore": {"contacts": [each.to_json() for each in self.contacts]},
            "uiStore": {
                "theme": UNKNOWN,
                "sidebarWidth": UNKNOWN,
                "backendConnected": self.backend_connected,
                "wsConnected": self.ws_connected,
            },
        }


class ExpectedState(NamedTuple):
    """What the stores of a client's UI must contain, and how far that can be trusted.

    ``seq`` is the number of the last row that was taken into account. ``complete``: all rows since the page
    connected are still in the log. ``rest_is_guess``: REST calls may belong to another page of the same browser.
    """

    client: int
    stores: UiStores
    seq: int
    complete: bool
    rest_is_guess: bool


def _key(data: Json, name: str) -> str:
    """Return a member as JavaScript uses it for the key of an object."""
    return _text(data.get(name, _UNDEFINED))


def _text(value: Any) -> str:
    """Return a JSON value as JavaScript's ``String`` does; ``undefined`` for a missing member."""
    match value:
        case str():
            return value
        case bool() | None:
            return json.dumps(value)
        case int() | float():
            return _number_text(as_number(value) or 0.0)
        case list():
            return ",".join("" if each is None or each == [] else _text(each) for each in _leaves(value))
    return "undefined" if value is _UNDEFINED else "[object Object]"


def _leaves(items: list[Any]) -> Iterator[Any]:
    """Yield the items of nested arrays in order, and arrays without items."""
    left: list[Any] = [items]
    while left:
        each = left.pop()
        if isinstance(each, list) and each:
            left.extend(reversed(each))
        else:
            yield each


def _number_text(number: float) -> str:
    """Return a number as JavaScript does: 1 for 1.0, and no exponent from 1e-6 to below 1e21."""
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    decimal = Decimal(repr(number)).normalize()  # both write the fewest digits that identify the number
    if not decimal:
        return "0"
    if -7 < decimal.adjusted() < 21:
        return f"{decimal:f}"
    sign, digits, _ = decimal.as_tuple()
    first, *rest = map(str, digits)
    return f"{'-' * sign}{first}{'.' * bool(rest)}{''.join(rest)}e{decimal.adjusted():+}"


def _values(contacts: Iterable[Contact]) -> list[tuple[Any, ...]]:
    return [(each.friend, each.last_message, each.last_message_time, each.unread) for each in contacts]


def _peer_name(message: Json) -> str:
    return "to" if message.get("direction") == "sent" else "from"


def _peer(message: Json) -> str:
    return _key(message, _peer_name(message))


def _id(message: Json) -> Any:
    """Return a message's ID as a key of a dict.

    As in JavaScript, 1 is 1.0 but not "1", and a missing ID is not null.
    """
    value = message.get("msg_id", _UNDEFINED)
    if isinstance(value, str):
        return value
    number = as_number(value)
    return (type(value).__name__, repr(value)) if number is None else number


def is_truthy(value: Any) -> bool:
    """Return whether JavaScript takes a JSON value as true. Unlike in Python, empty arrays and objects are."""
    return isinstance(value, list | dict) or bool(value)


def trimmed(text: str) -> str:
    """Return a text as JavaScript's ``trim`` does."""
    return text.strip(JAVASCRIPT_SPACE)


def as_number(value: Any) -> float | None:
    """Return a JSON number as JavaScript has it, possibly infinite; None for any other value."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _parsed(body: bytes | str) -> Any:
    """Return the value of a JSON text as a browser parses it, or None if it is invalid."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):  # stricter than a browser: it rejects a lone surrogate, for example
        pass
    try:
        return _browser_parser.decode(body if isinstance(body, str) else body.decode())
    except (ValueError, RecursionError):
        return None


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")


def _parse_int(digits: str) -> int | float:
    """Parse a number that may have more digits than ``int`` accepts. In a browser, it is infinite then."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


_browser_parser = json.JSONDecoder(parse_constant=_reject_constant, parse_int=_parse_int)


def _value(query: str, key: str) -> str | None:
    return parse_qs(query, keep_blank_values=True).get(key, [None])[-1]


def opened_chat(query: str) -> str | None:
    """Return the chat that a UI opens if it calls ``GET /messages`` with this query, or None if it opens none."""
    return _value(query, "peer") if _value(query, "offset") in (None, "0") else None
