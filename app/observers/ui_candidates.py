"""Select the frames that may leave the released UI (which has known errors) in a wrong state, or change no contact
in it, by quick tests of the log's rows. ``ui_checks`` passes the rows in batches, and examines the selected frames.

A candidate that is found here is a message whose ID the same page has received before in its chat, in a frame or
by REST, a message with the direction ``sent``, or an event about a user that is not in the page's contacts, or not
yet.
"""

from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, field

from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.origin import PRIMING
from app.hub.row import Kind, RowKey

MAX_IDS = 10_000
"""At least this many of the latest message IDs are remembered, at most twice as many."""
MAX_PAYLOAD = 64 * 1024
MAX_PLANS = 2_000
MAX_PAGES = 3
"""Pages that are examined per frame. The row says how many others there are."""
MAX_QUEUED = 20
"""Candidates that wait for their examination. Further ones are only counted."""


SENT = "a message with the direction sent"


class Suspicion(Enum):
    """Why a frame is a candidate."""

    DUPLICATE = auto()
    SENT = auto()
    UNKNOWN = auto()
    LOST = auto()
    TWICE = auto()


class Candidate(NamedTuple):
    """A frame (or a REST call) by the number of its row, and the clients whose UI it may have left wrong.

    ``names`` are the users that it is about. ``cause`` says why the UI goes wrong. ``more``: clients not examined.
    """

    suspicion: Suspicion
    seq: int
    clients: tuple[int, ...]
    names: tuple[Any, ...]
    cause: str = ""
    msg_id: Any = None
    more: int = 0


class _Data(Struct):
    msg_id: Any = None
    sender: Any = field(default=None, name="from")
    to: Any = None
    direction: Any = None
    username: Any = None


class _Frame(Struct):
    data: _Data


class _Plan(NamedTuple):
    """How to test the rows with one key. ``members``: clients with known contacts; ``common``: contacts of all."""

    is_message: bool
    members: tuple[int, ...]
    common: frozenset[Any]


_ChatId = tuple[str, str]
"""A message ID in the chat with a peer. In the UI, the same ID in another chat is another message."""
_Sent = int | tuple[int, frozenset[int]]
"""Where an ID was sent: the number of the row; with the clients if they are not those of the row."""

_decode = msgspec.json.Decoder(_Frame).decode
_IGNORED = _Plan(False, (), frozenset())
_EVENTS = ("new_message", "friend_online", "friend_offline", "typing")


class CandidateFinder:
    """Tests rows in batches. ``queue`` has the candidates; ``skipped`` counts those for which there was no room.

    ``contacts_of`` returns the names of the contacts of a client's page, None if they are not known. ``page_of``
    returns the numbers of all clients of a client's page; none if the page is not known.
    """

    def __init__(
        self,
        hub: Hub,
        contacts_of: Callable[[Client], frozenset[Any] | None],
        page_of: Callable[[int], Iterable[int]],
    ) -> None:
        self._hub = hub
        self._rows = hub.journal.rows
        self._contacts_of = contacts_of
        self._page_of = page_of
        self._plans: dict[RowKey, _Plan] = {}
        self._new_ids: dict[_ChatId, _Sent] = {}
        self._old_ids: dict[_ChatId, _Sent] = {}
        self.queue: list[Candidate] = []
        self.skipped = 0

    def forget_plans(self) -> None:
        """Call it when a client has connected or left, or contacts have changed."""
        self._plans.clear()

    def scan(self, first: int, last: int) -> None:
        """Test the rows with these numbers."""
        columns = self._rows.columns(first, last)
        plans, known_ids = self._plans.get, self._new_ids
        for seq, key, payload in zip(columns.seqs, columns.keys, columns.payloads, strict=True):
            plan = plans(key) or self._plan(key)
            if plan is _IGNORED or len(payload) > MAX_PAYLOAD:
                continue
            try:
                data = _decode(payload).data
            except (msgspec.DecodeError, RecursionError):
                continue
            if not plan.is_message:
                if _unknown(data.username, plan.common):
                    self._add(Suspicion.UNKNOWN, seq, plan.members, (data.username,))
                continue
            id_ = _chat_id(_peer(data), data.msg_id)
            sent = known_ids.get(id_) or self._old_ids.get(id_)
            if sent is None:
                known_ids[id_] = seq
                if len(known_ids) >= MAX_IDS:
                    self._old_ids, self._new_ids = known_ids, {}
                    known_ids = self._new_ids
                if plan.members and (data.direction != "received" or _unknown(data.sender, plan.common)):
                    self._add_message(seq, plan, data)
            elif plan.members and len(self.queue) >= MAX_QUEUED:
                self.skipped += 1
            else:
                self._again(seq, key.recipients, plan, data, id_, sent)

    def loaded(self, clients: Iterable[int], peer: Any, messages: Iterable[Any]) -> None:
        """Remember the IDs of messages of a chat that a page has got by REST."""
        ids = frozenset(clients)
        for each in messages:
            id_ = _chat_id(peer, each)
            sent = self._new_ids.get(id_) or self._old_ids.get(id_)
            self._new_ids[id_] = (0, ids) if sent is None else (_first(sent), ids | self._recipients(sent))
            if len(self._new_ids) >= MAX_IDS:
                self._old_ids, self._new_ids = self._new_ids, {}

    def before_contacts(self, client: int, first: int, last: int) -> None:
        """Add the frames that a page got before its contacts were loaded, from row ``first`` to ``last``."""
        columns = self._rows.columns(first, last)
        for seq, key, payload in zip(columns.seqs, columns.keys, columns.payloads, strict=True):
            if key.kind is not Kind.TO_UI or key.event not in _EVENTS or key.origin == PRIMING:
                continue
            if client in key.recipients and len(payload) <= MAX_PAYLOAD:
                try:
                    data = _decode(payload).data
                except (msgspec.DecodeError, RecursionError):
                    continue
                name = _peer(data) if key.event == "new_message" else data.username
                self._add(Suspicion.UNKNOWN, seq, (client,), (name,))

    def _plan(self, key: RowKey) -> _Plan:
        plan = _IGNORED
        if key.kind is Kind.TO_UI and key.event in _EVENTS:
            found = [(each, self._hub.client(each)) for each in key.recipients]
            clients = [client for _, client in found if client and client.origin]
            contacts = {client.id: names for client in clients if (names := self._contacts_of(client)) is not None}
            members = () if key.origin == PRIMING else tuple(contacts)
            is_message = key.event == "new_message"
            if members or (is_message and (clients or any(self._is_page(id_) for id_, each in found if not each))):
                common = frozenset.intersection(*contacts.values()) if contacts else frozenset()
                plan = _Plan(is_message, members, common)
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        self._plans[key] = plan
        return plan

    def _is_page(self, client: int) -> bool:
        return any(True for _ in self._page_of(client))

    def _add_message(self, seq: int, plan: _Plan, data: _Data) -> None:
        names = (data.sender, _peer(data))
        if data.direction == "sent":
            self._add(Suspicion.SENT, seq, plan.members, names, SENT)
        elif _unknown(data.sender, plan.common):
            self._add(Suspicion.UNKNOWN, seq, plan.members, (_peer(data),))

    def _again(
        self, seq: int, recipients: tuple[int, ...], plan: _Plan, data: _Data, id_: _ChatId, sent: _Sent
    ) -> None:
        """Test a message whose ID was sent before in its chat."""
        before = self._recipients(sent)
        if not before.issuperset(recipients):
            self._new_ids[id_] = (_first(sent), before.union(recipients))
        clients = tuple(
            each for each in plan.members if each in before or not before.isdisjoint(self._page_of(each))
        )
        if clients:
            first = _first(sent)
            cause = f"duplicate ID of #{first}" if first else "duplicate ID of a message that it had loaded"
            if data.direction == "sent":
                cause = f"{SENT}, and a {cause}"
            self._add(Suspicion.DUPLICATE, seq, clients, (data.sender, _peer(data)), cause)
        elif plan.members:
            self._add_message(seq, plan, data)

    def _recipients(self, sent: _Sent) -> frozenset[int]:
        if isinstance(sent, tuple):
            return sent[1]
        row = self._rows.row(sent)
        return frozenset(row.recipients) if row else frozenset()

    def _add(
        self, suspicion: Suspicion, seq: int, clients: tuple[int, ...], names: tuple[Any, ...], cause: str = ""
    ) -> None:
        self.add(Candidate(suspicion, seq, clients[:MAX_PAGES], names, cause, more=len(clients[MAX_PAGES:])))

    def add(self, candidate: Candidate) -> None:
        """Queue a candidate, or count it if the queue is full."""
        if len(self.queue) >= MAX_QUEUED:
            self.skipped += 1
        else:
            self.queue.append(candidate)


def _first(sent: _Sent) -> int:
    return sent if isinstance(sent, int) else sent[0]


def _peer(data: _Data) -> Any:
    return data.to if data.direction == "sent" else data.sender


def _chat_id(peer: Any, msg_id: Any) -> _ChatId:
    return peer if type(peer) is str else repr(peer), msg_id if type(msg_id) is str else repr(msg_id)


def _unknown(name: Any, contacts: frozenset[Any]) -> bool:
    return type(name) is not str or name not in contacts
