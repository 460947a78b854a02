"""Select the REST calls, and the frames before or during one, that may leave the released UI in a wrong state; add
them to the queue of ``ui_candidates``. Also keep the contacts that each browser has loaded.

A message that arrives during a ``GET /messages`` may be lost, a friend that is added with ``POST /friends`` may be
in the contacts twice, and a frame before the first ``GET /friends`` may be about a contact that is not loaded yet.
``ui_checks`` computes whether that happens.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind
from app.observers.ui_candidates import MAX_PAGES, Candidate, CandidateFinder, Suspicion
from app.observers.ui_state import UiStates

MAX_BEFORE_CONTACTS = 500
"""Rows that are searched for frames before the contacts were loaded."""
MAX_RACING = 2_000
"""Rows that are searched for messages that arrived during a ``GET /messages``."""
MAX_BROWSERS = 50

_Browser = tuple[str, str]
"""Origin and user agent."""


class Contacts:
    """The names of the contacts that each browser has loaded. The browser that loaded them last is the last."""

    def __init__(self) -> None:
        self._names: dict[_Browser, frozenset[str]] = {}

    def of(self, client: Client) -> frozenset[str] | None:
        """Return the contacts of a client's browser, or None if it has loaded none."""
        return self._names.get((client.origin, client.user_agent))

    def get(self, browser: _Browser) -> frozenset[str] | None:
        """Return the contacts of a browser, or None if it has loaded none."""
        return self._names.get(browser)

    def set(self, browser: _Browser, names: frozenset[str]) -> None:
        """Replace the contacts of a browser."""
        self._names.pop(browser, None)
        self._names[browser] = names
        if len(self._names) > MAX_BROWSERS:
            del self._names[next(iter(self._names))]


class RestCandidates:
    """Passes candidates to ``finder``, and the IDs of messages that pages have loaded.

    ``scan`` tests the rows that ``finder`` has not tested yet.
    """

    def __init__(
        self,
        hub: Hub,
        states: UiStates,
        finder: CandidateFinder,
        contacts: Contacts,
        scan: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._journal = hub.journal
        self._states = states
        self._finder = finder
        self._contacts = contacts
        self._scan = scan

    def called(self, call: RestExchange) -> None:
        """Take a REST call of a page into account."""
        if not call.origin or not 200 <= call.status < 300:
            return
        match call.method, call.path:
            case "GET", "/friends":
                self._friends(call)
            case "POST", "/friends":
                self._friend_added(call)
            case "GET", "/messages":
                self._messages(call)
            case "POST", "/messages":
                answer = _parsed(call.response)
                if isinstance(answer, dict):
                    sent = _parsed(call.request)
                    to = sent.get("to") if isinstance(sent, dict) else None
                    self._finder.loaded(self._clients(call), to, [answer.get("msg_id")])

    def _friends(self, call: RestExchange) -> None:
        answer = _parsed(call.response)
        if not isinstance(answer, list):
            return
        browser = (call.origin, call.user_agent)
        names = frozenset(
            each["username"] for each in answer if isinstance(each, dict) and type(each.get("username")) is str
        )
        before = self._contacts.get(browser)
        if before is None:
            self._scan()  # with the new contacts, it would find the frames again that before_contacts finds
        self._contacts.set(browser, names)
        if before != names:
            self._finder.forget_plans()
        if before is None:
            last = self._journal.last_seq
            for client in self._clients(call):
                page = self._states.page_of(client)
                first = max(page.first_seq if page else last, last - MAX_BEFORE_CONTACTS)
                self._finder.before_contacts(client, first, last)

    def _friend_added(self, call: RestExchange) -> None:
        answer = _parsed(call.response)
        name = answer.get("username") if isinstance(answer, dict) else None
        contacts = self._contacts.get((call.origin, call.user_agent))
        if contacts is None or type(name) is not str:
            return
        if name in contacts:
            if clients := self._clients(call):
                self._finder.add(Candidate(Suspicion.TWICE, call.seq, clients, (name,)))
        else:
            self._contacts.set((call.origin, call.user_agent), contacts | {name})
            self._finder.forget_plans()

    def _messages(self, call: RestExchange) -> None:
        answer = _parsed(call.response)
        messages = answer.get("messages") if isinstance(answer, dict) else None
        if not isinstance(messages, list):
            return
        clients = self._clients(call)
        loaded = [each.get("msg_id") for each in messages if isinstance(each, dict)]
        query = parse_qs(call.query)
        peer = query.get("peer", [""])[-1]
        if peer and query.get("offset", ["0"])[-1] == "0":
            self._find_lost(call, clients, peer, {each for each in loaded if type(each) is str})
        self._finder.loaded(clients, peer, loaded)

    def _find_lost(self, call: RestExchange, clients: tuple[int, ...], peer: str, loaded: set[str]) -> None:
        """Queue the messages that arrived between the request and the response, and are not in the response."""
        last = self._journal.last_seq
        for seq in range(last, max(0, last - MAX_RACING), -1):
            row = self._journal.row(seq)
            if row is None or row.mono <= call.started:
                return
            hit = tuple(each for each in clients if each in row.recipients)
            if not hit or row.kind is not Kind.TO_UI or row.event != "new_message" or row.mono > call.ended:
                continue
            frame = _parsed(row.payload)
            data = frame.get("data") if isinstance(frame, dict) else None
            if not isinstance(data, dict):
                continue
            msg_id = data.get("msg_id")
            if type(msg_id) is str and msg_id in loaded:
                continue
            if peer == (data.get("to") if data.get("direction") == "sent" else data.get("from")):
                self._finder.add(Candidate(Suspicion.LOST, seq, hit, (peer,), msg_id=msg_id))

    def _clients(self, call: RestExchange) -> tuple[int, ...]:
        """Return the connected clients of the browser that sent a REST call, at most ``MAX_PAGES``."""
        browser = (call.origin, call.user_agent)
        found = [each.id for each in self._hub.clients if (each.origin, each.user_agent) == browser]
        return tuple(found[:MAX_PAGES])


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
