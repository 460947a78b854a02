"""Change the stored chat state: for REST, the window, the control API and sessions, and as an effect of events.
Only ``record``, ``carry_out``, ``post_message`` and ``expire_presence`` return events, which the caller sends to
clients. A message to a peer (a real user) is also passed to the outbox. The service emits signals, for example when
the state has changed, keeps which friends are online, and returns warnings about events of users who are not
friends, and about messages of offline friends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from app import __version__
from app.chat.extended_message import ExtendedMessage
from app.chat.snapshot import parse_snapshot
from app.chat.store import ChatStore
from app.chat.ui_typing import UiTyping
from app.hub.hub import Hub
from app.hub.long_calls import compute
from app.hub.origin import BACKEND
from app.hub.outgoing import CauseNote, Effect, Outgoing, ServerNote
from app.hub.pipeline import Advice, offline_warning
from app.hub.row import PERSONA_RENAMED, STATE_LOADED, STATE_RESET, Verdict
from app.hub.signals import Signal
from app.hub.target import Target
from app.protocol.backend import Conversation, MessageData, Person, RestCaller
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.counts import count
from app.protocol.did_you_mean import suggestion
from app.protocol.envelope import Envelope
from app.protocol.errors import NotFound, StorageError
from app.protocol.event_files.effects import ImpossibleEffect, SetPresence, StateChange, StateEffect
from app.protocol.event_type import EventType
from app.storage.chat import DeletedMessage

PRESENCE_CHECK_S = 5.0
"""How often friends are checked for whether they have gone offline."""
PRESENCE = {"friend_online": True, "friend_offline": False}
LOADING = "another chat state is loaded"
SHOWN_PER_FRIEND = frozenset(built_in().names(Direction.TO_UI))
"""Events that the UI shows only if their user is a friend. Fields of other events may have any meaning."""


class PostedMessage(NamedTuple):
    """A message of the local user, and its effects.

    ``accepted``: it was delivered, or written to the recipient's connection. ``note`` is a sentence for the UI if
    it was not delivered.
    """

    data: MessageData
    effects: list[Effect]
    accepted: bool
    note: str


class Reaction(NamedTuple):
    """The local user has added a reaction to a message, or removed it if ``present`` is False."""

    message: MessageData
    emoji: str
    present: bool


class PeerDelivery(Protocol):
    """The result of sending a message to a peer; see ``sources.peers.outbox``."""

    @property
    def message(self) -> MessageData | None:
        """The message as it is stored now; None if it was deleted."""

    @property
    def written(self) -> bool:
        """Whether it was written to the peer's connection completely."""

    @property
    def note(self) -> str:
        """A sentence for the UI."""

    @property
    def rows(self) -> Sequence[Effect]:
        """Rows about how it was sent."""


class ChatService:
    """Change the chat state, emit signals, and return effects for the clients.

    Read-only queries are methods of ``store``. All methods raise ``RequestError`` and ``StorageError`` like
    ``ChatStore``.
    """

    def __init__(self, store: ChatStore, hub: Hub) -> None:
        self.store = store
        self._hub = hub
        self._started = hub.clock.mono()
        self._extended_message = ExtendedMessage()
        self._with_effects: dict[str, EventType] = {}
        """The events to the UI to which files attach changes of the chat state."""
        self.presence: dict[str, bool] = {}
        """The friends, each with whether they are online. Only ``_update_friends`` adds or removes friends."""
        self.peers: frozenset[str] = frozenset()
        """The friends that are peers, not personas."""
        self.ui_typing = UiTyping(hub.clock)
        self.supabase_connected: Callable[[], bool] = bool
        """Returns what ``GET /status`` says of the directory and queue."""
        self.find_peer: Callable[[str], Awaitable[Person | None]] | None = None
        """Makes a user of the directory a friend, or returns None. Set by the companion."""
        self.changed: Signal[None] = Signal()
        """Emitted when friends, messages, presence or read marks have changed."""
        self.replaced: Signal[None] = Signal()
        """Emitted when the whole state was replaced: earlier actions cannot be undone any more."""
        self.renamed: Signal[tuple[str, str]] = Signal()
        """Emitted with the old and the new name of a persona, before ``changed``."""
        self.unknown_friend_requested: Signal[str] = Signal()
        """Emitted with the user name when the UI tries to add a friend who is not in the cast."""
        self.friends_added: Signal[frozenset[str]] = Signal()
        """Emitted with the names of new friends, regardless of how they were added."""
        self.reacted: Signal[Reaction] = Signal()
        """Emitted when the local user has added or removed a reaction."""
        self.peer_delivery: Callable[[MessageData], Awaitable[PeerDelivery]] | None = None
        """Sends a stored message to a peer; see ``sources.peers.outbox``. Set by the companion."""
        self.completed: Callable[[Envelope], Envelope] = lambda event: event
        """Adds the fields that a file requires to an event of built-in fields. Set by the companion."""
        self.before_switch: list[Callable[[str], Awaitable[None]]] = []
        """Called in order, with the reason, before the whole state is replaced, or a session's copy of it is
        used or no longer used. The companion adds what must end, because it belongs to the state before."""
        self.peer_port: Callable[[], int] = int
        """Returns the open port for peers; 0 if it is closed."""
        self.node_id: Callable[[], str] = str
        """Returns the node id of the local user's keys; empty if there are none."""
        self.posted: Signal[MessageData] = Signal()
        """Emitted with each message that the local user posts, for auto-reply."""

    @property
    def played(self) -> dict[str, bool]:
        """The friends whom the user can play, which are personas, each with whether they are online."""
        return {name: online for name, online in self.presence.items() if name not in self.peers}

    async def record(self, event: Envelope) -> list[Effect]:
        """Store the changes of a valid event, and return its effects after the commit."""
        if self._with_effects and (known := self._with_effects.get(event.event)):
            return await self._carry_out(known, event, known.details.effects, "")
        delivered = await self.store.record(event)
        self._note_presence(event)
        if event.event != "typing":
            self.changed.emit(None)
        return self._deliver_late(delivered)

    def _note_presence(self, event: Envelope) -> None:
        if event.event in PRESENCE and event.data["username"] in self.presence:
            self.presence[event.data["username"]] = PRESENCE[event.event]

    def use_events(self, events: Iterable[EventType]) -> None:
        """Carry out the effects that files attach to these events, and store fields that they add to messages."""
        events = tuple(events)
        self._extended_message.use(events)
        self._with_effects = {
            each.name: each for each in events if each.direction is Direction.TO_UI and each.details.effects
        }

    async def carry_out(self, event: EventType, data: dict[str, Any], sender: str) -> list[Effect]:
        """Store the changes that a file attaches to a client's event. Return the effects after the commit.

        ``sender`` is the user that the client acts as. A change that is not possible is a ``CauseNote``.
        """
        return await self._carry_out(event, Envelope(event.name, data), event.details.effects, sender)

    async def _carry_out(
        self, known: EventType, event: Envelope, effects: Iterable[StateEffect], sender: str
    ) -> list[Effect]:
        changes: list[StateChange] = []
        notes: list[str] = []
        for effect in effects:
            try:
                changes.append(effect.change(event.data, sender))
            except ImpossibleEffect as impossible:
                notes.append(str(impossible))
        fired = known.direction is Direction.TO_UI
        applied = await self.store.apply(changes, event if fired else None)
        if fired:
            self._note_presence(event)
        for each in changes:
            if isinstance(each, SetPresence) and each.username in self.presence:
                self.presence[each.username] = each.online
        self.changed.emit(None)
        notes += applied.notes
        found: list[Effect] = [CauseNote(f"chat state: {each}") for each in notes]
        for username in dict.fromkeys(each.data["to"] for each in applied.delivered):
            found += self._deliver_late([each for each in applied.delivered if each.data["to"] == username])
        return found

    async def drain(self) -> None:
        """Wait until all changes requested before this call are stored."""
        await self.store.drain()

    def _deliver_late(self, messages: list[Envelope]) -> list[Effect]:
        """Return the events for messages that waited for a friend, or a note if no client acts as the friend."""
        if not messages:
            return []
        to = Target(user=messages[0].data["to"])
        if to.select(self._hub.clients):
            return [Outgoing.of(each, to=to, origin=BACKEND) for each in messages]
        waiting = f"{count(len(messages), 'message')} that waited for {to.user}"
        return [ServerNote("delivered", f"{waiting} delivered; no client acts as {to.user}")]

    def advise(self, event: Envelope) -> Advice:
        """Return warnings about an event before it is sent: the UI will not show it, or its sender is offline."""
        offline = self._offline_sender(event)
        unknown = self.unknown_user_warning(event)
        warnings = [unknown] if unknown else []
        if offline:
            warnings.append(offline_warning(offline))
        return Advice(tuple(warnings), offline)

    def _offline_sender(self, event: Envelope) -> str:
        """Return the sender of a message if that friend is offline, otherwise an empty text.

        A real backend would rarely deliver such a message.
        """
        if event.event != "new_message" or event.data["direction"] != "received":
            return ""
        sender: str = event.data["from"]
        return "" if self.presence.get(sender, True) else sender

    def unknown_user_warning(self, event: Envelope) -> str:
        """Return a warning if the UI will not show an event, because its user is not a friend; otherwise empty."""
        if event.event not in SHOWN_PER_FRIEND:
            return ""
        data, friends = event.data, sorted(self.presence)
        is_sent = data.get("direction") == "sent"
        user = data.get("to") if is_sent else data.get("from", data.get("username"))
        if not user or not friends or user in friends:
            return ""
        if user == self.local_user:
            advice = f"set from={user} and to={friends[0]}" if is_sent else "choose a friend"
            return f"{user} is the user of the UI and not a friend, so the UI will not show this: {advice}"
        hint = suggestion(user, friends) or ": add the persona in Chats"
        return f"{user} is not a friend in this chat state, so the UI will not show this{hint}"

    async def mark_read(self, peer: str, msg_id: str) -> int | None:
        """See ``ReadMarks.mark_read``."""
        changed = await self.store.mark_read(peer, msg_id)
        if changed:
            self.changed.emit(None)
        return changed

    async def expire_presence(self) -> list[Outgoing]:
        """Switch friends offline after ``ONLINE_FOR_S`` without activity. Return the events for the clients."""
        offline = await self.store.expire_presence()
        for username in offline:
            self.presence[username] = False
            self.changed.emit(None)
        events = (self.completed(Envelope("friend_offline", {"username": each})) for each in offline)
        return [Outgoing.of(each, origin=BACKEND) for each in events]

    # REST requests

    @property
    def local_user(self) -> str:
        """The user on whose behalf REST requests act."""
        return self._hub.local_user

    async def status(self) -> dict[str, Any]:
        """Return the response of ``GET /status``."""
        import hashlib  # loads OpenSSL, which the window does not need

        username = self._hub.local_user
        return {
            "status": "ok",
            "username": username,
            "node_id": self.node_id() or hashlib.sha256(username.encode(errors="replace")).hexdigest()[:32],
            "uptime_seconds": int(self._hub.clock.mono() - self._started),
            "friends_count": len(await self.store.friends()),
            "peer_port": self.peer_port(),
            "supabase_connected": self.supabase_connected(),
            "version": __version__,
        }

    async def add_friend(self, username: str, *, look_up: bool = True) -> Person:
        """Make a persona of the cast, or, if ``look_up``, a user of the directory, a friend.

        Emits ``unknown_friend_requested`` if neither has such a user, and ``look_up`` is set.
        """
        try:
            added = await self.store.add_friend(username)
        except NotFound:
            if not look_up:
                raise
            if self.find_peer and (found := await self.find_peer(username)):
                return found
            self.unknown_friend_requested.emit(username)
            raise
        await self._cast_changed()
        return added

    async def remove_friend(self, username: str) -> Person:
        """End a friendship, and return the friend for ``restore_friend``. The messages are kept."""
        friend = await self.store.remove_friend(username)
        await self._cast_changed()
        return friend

    async def restore_friend(self, friend: Person) -> None:
        """Undo ``remove_friend``."""
        await self.store.restore_friend(friend)
        await self._cast_changed()

    async def delete_message(self, msg_id: str) -> DeletedMessage:
        """Delete a message, and return it for ``restore_message``."""
        deleted = await self.store.delete_message(msg_id)
        self.changed.emit(None)
        return deleted

    async def restore_message(self, deleted: DeletedMessage) -> None:
        """Undo ``delete_message``."""
        await self.store.restore_message(deleted)
        self.changed.emit(None)

    async def post_message(
        self, to: str, text: str, caller: RestCaller, more: Mapping[str, Any] | None = None
    ) -> PostedMessage:
        """Store a message from the local user, and send it if the recipient is a peer.

        Of the other posted fields ``more``, those are stored that an event file adds to ``new_message``.
        Return it with the events for recipient and other windows, and the rows about how it was sent.
        """
        data, is_peer = await self.store.send(to, text, self._extended_message.fields(more or {}))
        self.ui_typing.note(to, False)
        effects: list[Effect] = []
        accepted, note = data["delivered"], f"{to} is offline; the message is delivered when {to} comes online."
        if is_peer and self.peer_delivery:
            try:
                sent = await self.peer_delivery(data)
            except StorageError as error:  # the message is stored: an error would make the UI post it again
                note = f"The message is stored, and is sent again later: {error}"
            else:
                data, accepted, note = sent.message or data, sent.written, sent.note
                effects += sent.rows
        elif data["delivered"]:
            effects += self._to_clients(Target(user=to), {**data, "direction": "received"})
        effects += self._to_clients(Target(clients=self._other_windows(data["from"], caller)), data)
        self.changed.emit(None)
        if not is_peer:
            self.posted.emit(data)
        return PostedMessage(data, effects, accepted, note)

    def _other_windows(self, sender: str, caller: RestCaller) -> frozenset[int]:
        """Return the ids of the sender's clients that do not show the message yet.

        HTTP does not identify which of several tabs of one browser has sent it. In that case, all tabs get it: a UI
        ignores a message whose id it knows.
        """
        windows = [client for client in self._hub.clients if client.username == sender]
        own = [client for client in windows if (client.origin, client.user_agent) == caller]
        return frozenset(client.id for client in windows if len(own) > 1 or client not in own)

    def _to_clients(self, to: Target, data: MessageData) -> list[Outgoing]:
        """Return the event for a message if the target has recipients, otherwise an empty list."""
        if not self._hub.recipients(to).clients:
            return []
        event = Outgoing.of(Envelope("new_message", data), to=to, origin=BACKEND)
        if problem := self._extended_message.problem(data):
            event = event._replace(verdict=Verdict.WARNING, note=problem)
        return [event]

    # actions of the window and the control API

    async def conversations(self) -> list[Conversation]:
        """Return the chats, those with the newest messages first."""
        chats = await self.store.conversations()
        self._update_friends([chat.person for chat in chats])
        return chats

    async def add_person(self, username: str, *, is_friend: bool) -> Person:
        """Add a persona to the cast."""
        added = await self.store.add_person(username, is_friend=is_friend)
        await self._cast_changed()
        return added

    async def change_person(self, username: str, **changes: bool) -> None:
        """Set ``auto_reply``, ``pinned`` or ``online`` of a persona."""
        await self.store.change_person(username, **changes)
        self.changed.emit(None)

    async def rename_person(self, old: str, new: str) -> None:
        """Rename a persona, including in its messages."""
        name = await self.store.rename_person(old, new)
        self._hub.log_server_event(PERSONA_RENAMED, note=f"{old} is now {name}; reload your UI to see it")
        self.renamed.emit((old, name))
        await self._cast_changed()

    async def remove_person(self, username: str) -> None:
        """Remove a persona from the cast. Its messages are kept."""
        await self.store.remove_person(username)
        await self._cast_changed()

    async def set_delivered(self, msg_id: str) -> MessageData:
        """Mark a waiting message as delivered, and return it."""
        message = await self.store.set_delivered(msg_id)
        self.changed.emit(None)
        return message

    async def react(
        self, msg_id: str, emoji: str, by: str, *, present: bool | None = None, to_peers: bool = True
    ) -> MessageData:
        """Add or remove a reaction, and return the message. See ``ChatStore.react``."""
        message = await self.store.react(msg_id, emoji, by, present=present, to_peers=to_peers)
        self.changed.emit(None)
        if by == self.local_user and to_peers:
            self.reacted.emit(
                Reaction(message, emoji, {"emoji": emoji, "from": by} in message.get("reactions", []))
            )
        return message

    async def reset(self) -> None:
        """Replace the chat state by the cast and history of the first start."""
        await self._prepare_switch("the chat state is reset")
        await self.store.reset()
        await self._log_replaced(
            STATE_RESET, "the personas and messages of the first start; reload your UI to see them"
        )

    async def restore(self, snapshot: Any) -> None:
        """Replace the whole state by a snapshot. If this raises, the state has not changed."""
        state = await compute(parse_snapshot, snapshot)
        await self._prepare_switch(LOADING)
        await self.store.replace(state)
        await self._log_replaced(STATE_LOADED, "reload your UI to see it")

    async def load(self, file: Path) -> None:
        """Replace the whole state by the snapshot in a file. If this raises, the state has not changed."""
        state = await self.store.read(file)
        await self._prepare_switch(LOADING)
        await self.store.replace(state)
        await self._log_replaced(STATE_LOADED, f"{file.name}; reload your UI to see it")

    async def begin_scratch(self) -> None:
        """Continue with a copy of the state, for a session. See ``Database.begin_scratch``."""
        await self._prepare_switch("a session begins that uses a copy of the chat state")
        await self.store.begin_scratch()

    async def _prepare_switch(self, why: str) -> None:
        for prepare in self.before_switch:
            await prepare(why)

    async def end_scratch(self, *, keep: bool) -> None:
        """Return to the state before ``begin_scratch``, or ``keep`` the copy. Raises ``StorageError``."""
        try:
            try:
                await self._prepare_switch("the session ends that uses a copy of the chat state")
            finally:
                await self.store.end_scratch(keep=keep)
        except StorageError:
            keep = False
            raise
        finally:
            note = "the one at the end of the session" if keep else "the one before the session"
            await self._log_replaced(STATE_LOADED, f"{note}; reload your UI to see it")

    @property
    def name_conflict(self) -> str:
        """A sentence about the local user having the name of a friend; empty if that is not so."""
        if self.local_user not in self.presence:
            return ""
        return (
            f"The user name {self.local_user} is also a friend in this chat state, so your UI shows your messages "
            "as that friend's: choose another name in Settings, or rename the friend in Chats."
        )

    async def snapshot(self) -> dict[str, Any]:
        """Return the whole state. ``restore`` accepts it."""
        return await self.store.snapshot()

    async def _log_replaced(self, event: str, note: str) -> None:
        self._hub.log_server_event(event, note=note)
        self.replaced.emit(None)
        await self._cast_changed()
        if self.name_conflict:
            self._hub.log_server_event(event, note=self.name_conflict, verdict=Verdict.WARNING)

    async def friends_changed(self) -> None:
        """Read the friends again, and emit ``changed``. For changes that were not made through this service."""
        await self._cast_changed()

    async def _cast_changed(self) -> None:
        """Read the friends again, and emit ``changed``."""
        with suppress(StorageError):  # the change itself is stored; the next read may succeed
            self._update_friends(await self.store.friends())
        self.changed.emit(None)

    def _update_friends(self, friends: Sequence[Person]) -> None:
        """Take over friends that were just read, and emit ``friends_added`` for new ones."""
        presence = {each.username: each.online for each in friends}
        added = presence.keys() - self.presence.keys()
        self.presence = presence
        self.peers = frozenset(each.username for each in friends if each.is_peer)
        if added:
            self.friends_added.emit(frozenset(added))


async def expire_presence_periodically(service: ChatService, hub: Hub, wanted: Callable[[], bool]) -> None:
    """Store recent activity every few seconds, and switch inactive friends offline if ``wanted`` returns True."""
    while True:
        await asyncio.sleep(PRESENCE_CHECK_S)
        with suppress(StorageError):  # for example a full disk; try again the next time
            if wanted():
                hub.carry_out(await service.expire_presence())
            else:
                await service.store.store_activity()
