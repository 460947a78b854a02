"""Check the UI's successful REST calls for the lint: ``GET /friends`` must agree with the presence events, and
``GET /messages`` with the message events. Also find what makes the released UI fail while it draws: values in
``GET /friends``, and a chat that is opened before a message of it was sent to the page.

Contacts, loaded and posted messages, and opened chats are passed on to the rules about events (``ToUiRules`` and
``FromUiRules``).
"""

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

from app.protocol.lint.findings import Report
from app.protocol.lint.frames import friends_blank
from app.protocol.lint.from_ui import FromUiRules
from app.protocol.lint.pages import Browser, Page, Pages
from app.protocol.lint.rules import BLANKS_UI, REST_DISAGREES
from app.protocol.lint.to_ui import Presence, ToUiRules, text_hash
from app.protocol.ui_violations import shown

PERSISTS_S = 5.0
"""REST calls must contradict an event for this long, because the event may still be on its way to the UI."""
MAX_PENDING = 1_000
MAX_BODY = 4 * 1024 * 1024
"""Larger bodies are not examined."""


class Call(NamedTuple):
    """A REST call with its response. ``started`` and ``ended`` are in monotonic seconds; ``seq`` 0: no row."""

    method: str
    path: str
    query: str
    request: bytes
    status: int
    response: bytes
    browser: Browser
    started: float
    ended: float
    seq: int = 0


class _Friends(NamedTuple):
    """The last response of ``GET /friends`` to a browser: the presence in it by name, and what makes the UI fail.

    ``blank`` is empty if nothing does, and after it was reported.
    """

    response: bytes
    online: dict[str, bool]
    blank: str


class RestRules:
    """Checks REST calls. Most rules need a connected page of the browser; the one about messages does not."""

    def __init__(self, pages: Pages, to_ui: ToUiRules, from_ui: FromUiRules, report: Report) -> None:
        self._pages = pages
        self._to_ui = to_ui
        self._from_ui = from_ui
        self._report = report
        self._friends: dict[Browser, _Friends] = {}
        self._pending: dict[tuple[str, int], float] = {}
        """Since when REST calls contradict a presence, by user and row of the event."""
        self._wrong_messages: dict[tuple[str, int], None] = {}
        """The reported messages, by id and row of the event."""
        self._replaced = 0
        """The row at which the chat state was replaced last."""

    def state_replaced(self, seq: int) -> None:
        """Compare only messages and pages from after the row ``seq`` with responses."""
        self._replaced = seq

    def called(self, call: Call) -> None:
        """Check a call."""
        if not 200 <= call.status < 300 or len(call.response) > MAX_BODY:
            return
        match call.method, call.path:
            case "GET", "/friends":
                self._friends_loaded(call)
            case "GET", "/messages":
                self._messages_loaded(call)
            case "POST", "/messages":
                self._message_posted(call)
            case "POST", "/friends":
                name = _member(_parsed(call.request), "username")
                if isinstance(name, str):
                    self._to_ui.contact_added(call.browser, name)

    def _friends_loaded(self, call: Call) -> None:
        known = self._friends.get(call.browser)
        if known is None or known.response != call.response:
            friends = _parsed(call.response)
            if not isinstance(friends, list):  # such as a response that a fault has cut
                return
            entries = [each for each in friends if isinstance(each, dict)]
            names = [each.get("username") for each in entries]
            self._to_ui.contacts_loaded(call.browser, frozenset(each for each in names if isinstance(each, str)))
            online = {
                each["username"]: each["online"]
                for each in entries
                if isinstance(each.get("username"), str) and isinstance(each.get("online"), bool)
            }
            if len(self._friends) >= MAX_PENDING:
                self._friends.clear()
            known = self._friends[call.browser] = _Friends(call.response, online, friends_blank(friends))
        pages = self._pages.connected(call.browser)
        if not pages:
            return
        if known.blank:
            self._report(BLANKS_UI, call.seq or pages[0].seq, known.blank)
            self._friends[call.browser] = known._replace(blank="")
        clients = [page.client for page in pages]  # while a page is not connected, it misses presence
        for name, online_now in known.online.items():
            self._compare_presence(call, name, online_now, self._to_ui.presence_of(name, clients))

    def _compare_presence(self, call: Call, name: str, online: bool, sent: Presence | None) -> None:
        if sent is None or sent.at >= call.started:
            return
        key = name, sent.seq
        if sent.online is online:
            self._pending.pop(key, None)
            return
        if len(self._pending) >= MAX_PENDING:
            self._pending.clear()
        since = self._pending.setdefault(key, call.started)
        if 0 <= since <= call.started - PERSISTS_S:
            self._pending[key] = -1.0  # reported
            by_event, by_rest = ("online", "offline") if sent.online else ("offline", "online")
            text = f"{shown(name)} is {by_event} by the event, and {by_rest} in GET /friends"
            self._report(REST_DISAGREES, sent.seq, text)

    def _messages_loaded(self, call: Call) -> None:
        response = _parsed(call.response)
        found = _member(response, "messages")
        messages = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        ids = [each["msg_id"] for each in messages if isinstance(each.get("msg_id"), str)]
        for each in messages:
            self._compare_message(each, call.started)
        self._to_ui.messages.loaded(ids)
        query = parse_qs(call.query)
        peer, offset = query.get("peer", [""])[-1], query.get("offset", ["0"])[-1]
        page = self._pages.of_call(call.browser)
        if page and peer and offset == "0":
            self._chat_opened(call, page, peer)

    def _chat_opened(self, call: Call, page: Page, peer: str) -> None:
        primed = self._to_ui.complete and page.seq > self._replaced
        is_blank = primed and not self._to_ui.has_message_of(page, peer)
        if is_blank and f"blank {peer}" not in page.reported and len(page.reported) < MAX_PENDING:
            page.reported.add(f"blank {peer}")
            text = f"the chat with {shown(peer)} was opened, but had no new_message since the page was loaded"
            self._report(BLANKS_UI, call.seq or page.seq, text)
        self._from_ui.chat_opened(call.started, page, peer)

    def _compare_message(self, loaded: dict[str, Any], started: float) -> None:
        msg_id = loaded.get("msg_id")
        sent = self._to_ui.messages.get(msg_id) if isinstance(msg_id, str) else None
        if sent is None or sent.seq < self._replaced:
            return
        wrong = [
            name for name, value in (("from", sent.sender), ("to", sent.to)) if loaded.get(name, value) != value
        ]
        is_settled = sent.edited_at < started  # otherwise, the response may be from before the edit
        if is_settled and "text" in loaded and text_hash(loaded["text"]) != sent.text_hash:
            wrong.append("text")
        key = str(msg_id), sent.seq
        if wrong and key not in self._wrong_messages:
            if len(self._wrong_messages) >= MAX_PENDING:
                del self._wrong_messages[next(iter(self._wrong_messages))]
            self._wrong_messages[key] = None
            text = f"“{wrong[0]}” of {shown(msg_id)} is {_short(loaded[wrong[0]])} in GET /messages"
            self._report(REST_DISAGREES, sent.seq, text)

    def _message_posted(self, call: Call) -> None:
        posted = _member(_parsed(call.response), "msg_id")
        if isinstance(posted, str):
            self._to_ui.messages.loaded([posted])
        to = _member(_parsed(call.request), "to")
        page = self._pages.of_call(call.browser)
        if page and isinstance(to, str):
            self._from_ui.message_posted(call.ended, page, to)


def _parsed(body: bytes) -> Any:
    """Return the value of a JSON text, or None if it is not valid."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _short(value: Any) -> str:
    return f"“{shown(value)}”" if isinstance(value, str) and value else shown(value)
