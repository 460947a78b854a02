"""Wait, while a recording is replayed in step with the UI, until what it contains next has happened again.
``InStep`` counts the frames, server events and REST calls, also the calls that get no row in the log, and compares
that with how often each was awaited. IDs in the paths of calls may differ. It also keeps the IDs of messages that
the UI posts or the companion sends. ``player`` creates it for the option ``sync``; ``recorded_performer`` waits.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from app.hub.origin import REST, Origin
from app.hub.rest_exchange import RestExchange
from app.hub.rest_log import sums_up_repeats
from app.hub.row import Kind, Row, Verdict
from app.protocol.session.actions import Received, RestCall, Sent, ServerEvent
from app.sources.sessions.local_user import LocalUser
from app.sources.sessions.stage import Stage

InRecording = Sent | Received | RestCall | ServerEvent
"""A step of a recording."""
Happening = tuple[str, str, str]
"""What happens again: the kind of step, the event, and the user or the kind of origin."""
REST_CALL = "rest"
NEW_MESSAGE, POST_MESSAGE = "new_message", "POST /messages"
TYPING = "typing"
SHORT_S = 1.0
"""A connection that ends sooner does not count: pages of development servers open some and close them at once."""
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def happening(step: InRecording, local_user: LocalUser) -> Happening:
    """Return what has to happen again for a step of a recording, by the local user here."""
    match step:
        case Sent():
            return "s2c", _named(step.s2c, step.payload), Origin(step.origin).kind
        case Received():
            return "c2s", _named(step.c2s, step.payload), local_user.name(step.user)
        case RestCall():
            return _call(step.rest)
    return "server", step.server, local_user.name(step.user)


def _connections(users: Iterable[str]) -> Counter[Happening]:
    return Counter(("server", "connected", each) for each in users)


def _of_row(row: Row) -> Happening:
    if row.kind is Kind.TO_UI:
        return "s2c", _named(row.event, row.payload), row.origin.kind
    if row.kind is Kind.SERVER:
        return "server", row.event, row.user
    return _call(row.event) if row.origin == REST else ("c2s", _named(row.event, row.payload), row.user)


def _call(call: str) -> Happening:
    """Return a REST call without the IDs in its path: a replay gives messages new ones."""
    return REST_CALL, UUID.sub("ID", call), ""


def _named(event: str, payload: str | bytes) -> str:
    """Return the event's name; for typing also whether it begins or ends."""
    data = data_of(payload) if event == TYPING else None
    return f"{TYPING} {data['typing']}" if isinstance(data, dict) and "typing" in data else event


def data_of(payload: str | bytes) -> Any:
    """Return the data of a frame; None if it has none."""
    try:
        frame = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return None
    return frame.get("data") if isinstance(frame, dict) else None


def message_id(message: object) -> str:
    """Return the ID of a message, or of the response to its ``POST /messages``; empty if it has none."""
    match message:
        case {"msg_id": str(msg_id)}:
            return msg_id
    return ""


class InStep:
    """Counts from its creation until ``close``.

    Connected clients count as if they had just connected, except for as many as were connected in the recording. A
    connection that soon ends again counts only until then, unless its client was ``ready``.
    """

    def __init__(self, stage: Stage, connected: Iterable[str] = ()) -> None:
        """``connected`` are the users of the clients that were connected in the recording, with the names here."""
        self._happened = _connections(each.username for each in stage.hub.clients)
        self._awaited = self._happened & _connections(connected)
        self._connected: dict[str, Row] = {}
        """The rows of the clients that have connected, by the client's number."""
        self._sent: dict[Happening, list[str]] = {}
        """The IDs of the messages that were sent to the UI."""
        self._posts: list[int] = []
        """The rows of the calls that post messages."""
        self._posted: dict[int, str] = {}
        """The IDs of the messages by the rows of their calls; empty if a call failed."""
        self._changed = asyncio.Event()
        self._disconnects = [
            stage.journal.appended.connect(self._on_row),
            stage.rest_log.unlogged.connect(self._on_row),
            stage.hub.rest_exchanges.connect(self._on_exchange),
        ]

    def close(self) -> None:
        """Stop counting."""
        for disconnect in self._disconnects:
            disconnect()

    async def has_happened(self, awaited: Happening, within_s: float) -> bool:
        """Wait as ``next`` does, but do not count it."""
        try:
            async with asyncio.timeout(within_s):
                while self._happened[awaited] <= self._awaited[awaited]:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def next(self, awaited: Happening, within_s: float) -> bool:
        """Wait until it has happened once more than this was called for it. Return whether it has.

        A UI may send more or fewer typing frames than in the recording, so that all until now count as one.
        """
        if not await self.has_happened(awaited, within_s):
            return False
        self._awaited[awaited] = (
            self._happened[awaited] if awaited[1].split(" ")[0] == TYPING else self._awaited[awaited] + 1
        )
        return True

    def forget_calls(self) -> None:
        """Count REST calls from now on."""
        for each in [each for each in self._happened if each[0] == REST_CALL]:
            del self._happened[each]
        self._posts.clear()

    def ready(self, clients: Iterable[str]) -> None:
        """Count the connections of the clients with these numbers also if they soon end.

        The replay has gone on with them.
        """
        for each in clients:
            self._connected.pop(each, None)

    def sent_id(self, awaited: Happening) -> str:
        """Return the ID of the message that was sent when this was awaited last; empty if it was no message."""
        sent = self._sent.get(awaited)
        return sent[self._awaited[awaited] - 1] if sent else ""

    async def posted_id(self, within_s: float) -> str:
        """Wait for the response to the ``POST /messages`` that was awaited last, and return the message's ID.

        Returns an empty text if there is none.
        """
        row = self._posts[self._awaited[_call(POST_MESSAGE)] - 1]
        try:
            async with asyncio.timeout(within_s):
                while row not in self._posted:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return ""
        return self._posted[row]

    def _on_exchange(self, exchange: RestExchange) -> None:
        if f"{exchange.method} {exchange.path}" == POST_MESSAGE:
            try:
                self._posted[exchange.seq] = message_id(msgspec.json.decode(exchange.response))
            except msgspec.DecodeError:
                self._posted[exchange.seq] = ""
            self._changed.set()

    def _on_connection(self, row: Row) -> None:
        if row.event == "connected":
            self._connected[row.client] = row
        elif row.event == "disconnected":
            began = self._connected.pop(row.client, None)
            if began and row.mono - began.mono < SHORT_S:
                self._happened[_of_row(began)] -= 1

    def _on_row(self, row: Row) -> None:
        invalid_frame = row.kind is Kind.FROM_UI and row.origin != REST and row.verdict is Verdict.INVALID
        if invalid_frame or sums_up_repeats(row):
            return
        if row.origin == REST and row.event == POST_MESSAGE:
            self._posts.append(row.seq)
        if row.kind is Kind.SERVER:
            self._on_connection(row)
        happened = _of_row(row)
        self._happened[happened] += 1
        if row.kind is Kind.TO_UI and row.event == NEW_MESSAGE:
            self._sent.setdefault(happened, []).append(message_id(data_of(row.payload)))
        self._changed.set()
