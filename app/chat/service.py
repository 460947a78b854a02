"""The chat between the stored state and the clients: who gets what when somebody writes, comes or goes."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from app import __version__
from app.chat.store import ChatStore
from app.hub.hub import Hub, count
from app.hub.origin import BACKEND
from app.hub.outgoing import Effect, Outgoing, ServerNote
from app.hub.pipeline import Advice, offline_warning
from app.hub.signals import Signal
from app.hub.target import Target
from app.protocol.backend import PEER_PORT, Conversation, MessageData, Person, RestCaller
from app.protocol.did_you_mean import suggestion
from app.protocol.envelope import Envelope
from app.protocol.errors import NotFound, StorageError

DECAY_EVERY_S = 5.0
PRESENCE = {"friend_online": True, "friend_offline": False}


class ChatService:
    """Connects the stored state with clients and window: what follows from a change, and the signals of it.

    ``store`` has what is only read. Methods raise ``RequestError`` and ``StorageError`` as ``ChatStore`` does.
    """

    def __init__(self, store: ChatStore, hub: Hub) -> None:
        self.store = store
        self._hub = hub
        self._started = hub.clock.mono()
        self.presence: dict[str, bool] = {}
        """Friends and whether each is online; changes of the list come in through ``_take_friends``."""
        self.changed: Signal[None] = Signal()
        """Friends, messages, presence or read marks are not what they were."""
        self.unknown_friend_requested: Signal[str] = Signal()
        """The UI asked for the friendship of somebody outside the cast."""
        self.friends_added: Signal[frozenset[str]] = Signal()
        """Emitted with the names of new friends, whatever added them."""
        self.posted: Signal[MessageData] = Signal()
        """The local user has written; a persona may want to answer."""

    async def record(self, event: Envelope) -> list[Effect]:
        """Store what a valid event changes, and return what follows from it once it is committed."""
        waiting = await self.store.record(event)
        if event.event in PRESENCE and event.data["username"] in self.presence:
            self.presence[event.data["username"]] = PRESENCE[event.event]
        if event.event != "typing":
            self.changed.emit(None)
        return self._deliver_late(waiting)

    async def drain(self) -> None:
        """Wait until everything that was asked for before is stored."""
        await self.store.drain()

    def _deliver_late(self, messages: list[Envelope]) -> list[Effect]:
        """Return the messages that waited for a friend who has come online, or a note if no client acts as them."""
        if not messages:
            return []
        to = Target(user=messages[0].data["to"])
        if to.select(self._hub.clients):
            return [Outgoing.of(each, to=to, origin=BACKEND) for each in messages]
        waited = f"{count(len(messages), 'message')} that waited for {to.user}"
        return [ServerNote("delivered", f"{waited} delivered; no client acts as {to.user}")]

    def advise(self, event: Envelope) -> Advice:
        """Return what to warn of before an event is sent: the UI will not show it, or its sender is offline."""
        offline = self._offline_sender(event)
        unknown = self.unknown_user_warning(event)
        warnings = [unknown] if unknown else []
        if offline:
            warnings.append(offline_warning(offline))
        return Advice(tuple(warnings), offline)

    def _offline_sender(self, event: Envelope) -> str:
        """Return the friend who sends a message although offline, which a real backend hardly does; or nothing."""
        if event.event != "new_message" or event.data["direction"] != "received":
            return ""
        sender: str = event.data["from"]
        return "" if self.presence.get(sender, True) else sender

    def unknown_user_warning(self, event: Envelope) -> str:
        """Return a warning if the UI will not show an event, because it is about an unknown user; else nothing."""
        data, friends = event.data, sorted(self.presence)
        who = data.get("to") if data.get("direction") == "sent" else data.get("from", data.get("username"))
        if not who or not friends or who in friends:
            return ""
        meant = suggestion(who, friends) or ": add the persona in Chats"
        return f"{who} is not a friend in this chat state, so the UI will not show this{meant}"

    async def mark_read(self, peer: str, msg_id: str) -> int | None:
        """See ``ReadMarks.mark_read``."""
        changed = await self.store.mark_read(peer, msg_id)
        if changed:
            self.changed.emit(None)
        return changed

    async def expire_presence(self) -> list[Outgoing]:
        """Let friends go offline who gave no sign of life for a while; return the events that say so."""
        offline = await self.store.expire_presence()
        for username in offline:
            self.presence[username] = False
            self.changed.emit(None)
        return [Outgoing.of(Envelope("friend_offline", {"username": each}), origin=BACKEND) for each in offline]

    # what REST asks

    @property
    def local_user(self) -> str:
        """For whom REST calls are made."""
        return self._hub.local_user

    async def status(self) -> dict[str, Any]:
        """Return the answer of ``GET /status``."""
        username = self._hub.local_user
        return {
            "status": "ok",
            "username": username,
            "node_id": hashlib.sha256(username.encode(errors="replace")).hexdigest()[:32],
            "uptime_seconds": int(self._hub.clock.mono() - self._started),
            "friends_count": len(await self.store.friends()),
            "peer_port": PEER_PORT,
            "supabase_connected": True,
            "version": __version__,
        }

    async def add_friend(self, username: str) -> Person:
        """Make somebody of the cast a friend."""
        try:
            added = await self.store.add_friend(username)
        except NotFound:
            self.unknown_friend_requested.emit(username)
            raise
        await self._cast_changed()
        return added

    async def remove_friend(self, username: str) -> None:
        """End a friendship; the messages stay."""
        await self.store.remove_friend(username)
        await self._cast_changed()

    async def delete_message(self, msg_id: str) -> None:
        """Forget a message."""
        await self.store.delete_message(msg_id)
        self.changed.emit(None)

    async def post_message(self, to: str, text: str, window: RestCaller) -> tuple[MessageData, list[Outgoing]]:
        """Store a message of the local user. Return it, and the events for the recipient and other windows."""
        data = await self.store.send(to, text)
        effects = self._to_clients(Target(user=to), {**data, "direction": "received"}) if data["delivered"] else []
        effects += self._to_clients(Target(clients=self._other_windows(data["from"], window)), data)
        self.changed.emit(None)
        self.posted.emit(data)
        return data, effects

    def _other_windows(self, sender: str, window: RestCaller) -> frozenset[int]:
        """Return the sender's clients that do not have the message yet.

        HTTP does not tell which of several tabs of one browser has sent it. Then all of them get it: a UI skips a
        message whose id it knows.
        """
        windows = [client for client in self._hub.clients if client.username == sender]
        own = [client for client in windows if (client.origin, client.user_agent) == window]
        return frozenset(client.id for client in windows if len(own) > 1 or client not in own)

    def _to_clients(self, to: Target, data: MessageData) -> list[Outgoing]:
        """Return a message for the clients that a target selects; nothing if there are none."""
        if not self._hub.recipients(to).clients:
            return []
        return [Outgoing.of(Envelope("new_message", data), to=to, origin=BACKEND)]

    # what the person at the window does

    async def conversations(self) -> list[Conversation]:
        """Return the chats, the liveliest first."""
        chats = await self.store.conversations()
        self._take_friends({chat.person.username: chat.person.online for chat in chats})
        return chats

    async def add_person(self, username: str, *, is_friend: bool) -> Person:
        """Add somebody to the cast."""
        added = await self.store.add_person(username, is_friend=is_friend)
        await self._cast_changed()
        return added

    async def change_person(self, username: str, **changes: bool) -> None:
        """Set ``auto_reply`` or ``pinned`` of somebody of the cast."""
        await self.store.change_person(username, **changes)
        self.changed.emit(None)

    async def rename_person(self, old: str, new: str) -> None:
        """Give somebody another name, in their messages too."""
        await self.store.rename_person(old, new)
        await self._cast_changed()

    async def remove_person(self, username: str) -> None:
        """Take somebody off the cast; their messages stay."""
        await self.store.remove_person(username)
        await self._cast_changed()

    async def set_delivered(self, msg_id: str) -> MessageData:
        """Mark a waiting message as delivered, and return it."""
        message = await self.store.set_delivered(msg_id)
        self.changed.emit(None)
        return message

    async def react(self, msg_id: str, emoji: str, by: str, *, present: bool | None = None) -> MessageData:
        """Add or remove a reaction, and return the message. See ``ChatStore.react``."""
        message = await self.store.react(msg_id, emoji, by, present=present)
        self.changed.emit(None)
        return message

    async def reset(self) -> None:
        """Go back to the cast and history of the first start."""
        await self.store.reset()
        await self._told("chat state reset", "the cast and history of the first start; reload your UI to see it")

    async def restore(self, snapshot: Any) -> None:
        """Replace the whole state by a snapshot: all of it, or (``RequestError``, ``StorageError``) nothing."""
        await self.store.restore(snapshot)
        await self._told("chat state loaded", "reload your UI to see it")

    async def load(self, file: Path) -> None:
        """Replace the whole state by a file's: all of it, or (``RequestError``, ``StorageError``) nothing."""
        await self.store.load(file)
        await self._told("chat state loaded", f"{file.name}; reload your UI to see it")

    async def _told(self, event: str, note: str) -> None:
        self._hub.log_server_event(event, note=note)
        await self._cast_changed()

    async def _cast_changed(self) -> None:
        """Know the friends of now, and tell."""
        with suppress(StorageError):  # what was just done is done; the next look-up may succeed
            self._take_friends({each.username: each.online for each in await self.store.friends()})
        self.changed.emit(None)

    def _take_friends(self, presence: dict[str, bool]) -> None:
        """Take over the friends as they were just read: the one place that notices new ones."""
        added = presence.keys() - self.presence.keys()
        self.presence = presence
        if added:
            self.friends_added.emit(frozenset(added))


async def expire_presence_periodically(service: ChatService, hub: Hub, wanted: Callable[[], bool]) -> None:
    """Look for friends who ceased to be online, every few seconds."""
    while True:
        await asyncio.sleep(DECAY_EVERY_S)
        if wanted():
            with suppress(StorageError):  # a full disk may have room again the next time
                hub.carry_out(await service.expire_presence())
