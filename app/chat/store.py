"""Store the chat state (personas, messages, presence and read marks) in SQLite, and enforce its rules.

Make changes through ``ChatService``, which wraps this store: it also emits signals and returns the events for
clients. Each change is one atomic job of ``Database``, built from the SQL in ``storage.chat`` and
``storage.peers``, and its method returns after the commit. Only the times when users typed, or when peers were seen
online in Supabase, are kept in memory until ``store_activity`` stores them, every few seconds and at the end. A
*persona* is a chat user that the companion simulates. The *cast* is all personas and peers (real users with their
own companion): the friends, and the users that the UI can add as friends.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from app.chat import cast
from app.chat import snapshot as snapshots
from app.chat.state_changes import Applied, apply_changes, changed_reactions, deliver_waiting
from app.hub.generated_values import GeneratedValues
from app.hub.long_calls import compute
from app.protocol.backend import (
    MAX_STATE_BYTES,
    MAX_TEXT,
    ONLINE_FOR_S,
    Conversation,
    MessageData,
    Person,
    peer_of,
    state_text,
    valid_username,
)
from app.protocol.catalog import Catalog
from app.protocol.envelope import MAX_STATE_DEPTH, BadFrame, Envelope, parse_json
from app.protocol.errors import Conflict, Forbidden, Malformed, NotFound, StorageError
from app.protocol.event_files.effects import StateChange
from app.protocol.templates import iso
from app.storage import chat as sql
from app.storage import peers as peer_sql
from app.storage.database import Database
from app.system.files import read_text, reason, write_output

T = TypeVar("T")

STORED = ("new_message", "friend_online", "friend_offline")
"""The built-in events whose changes ``_record`` stores."""

TO_PEER = (
    "The agent token cannot react in your name in the chat with a peer, because the reaction would be sent to the "
    "peer. Use the main token."
)

PLACEHOLDER = "(Sent by P2P Chat Companion so that this chat can be opened; not stored)"
"""Text of the message sent to open a chat without sent messages in a UI; see ``chat.priming``.

The UI drops it when it loads the history.
"""


class ChatStore:
    """Read and change the chat state.

    Methods raise ``RequestError`` for a request that breaks a rule, and ``StorageError`` if the disk fails.
    ``local_user`` is called for every use, because the setting may change.
    """

    def __init__(
        self, database: Database, catalog: Catalog, values: GeneratedValues, local_user: Callable[[], str]
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._values = values
        self._clock = values.clock
        self._local_user = local_user
        self._seen: dict[str, float] = {}
        """When each user last typed (seconds since the epoch), until ``store_activity`` stores it."""
        self._seen_beneath_scratch: dict[str, float] = {}

    async def open(self) -> None:
        """Open the state."""
        await self._database.open()

    async def is_unused(self) -> bool:
        """Return whether the state was never used."""
        return await self._database.submit(sql.is_unused)

    async def fill(self) -> None:
        """Fill a state that was never used with the cast and history of the first start."""
        now = self._active_at()
        messages = list(cast.history(self._local_user(), now))
        await self._database.submit(
            lambda db: sql.load(db, cast.cast(now), messages) if sql.is_unused(db) else None
        )

    async def close(self) -> None:
        """Store recent activity, and close the database."""
        with suppress(StorageError):  # for example a full disk
            await self.store_activity()
        await self._database.close()

    # events

    async def apply(self, changes: Sequence[StateChange], event: Envelope | None = None) -> Applied:
        """Store the changes of a built-in event, if it has any, then those that a file attaches to an event."""
        user, now, active_at = self._local_user(), self._clock.wall(), self._active_at()

        def job(db: sql.Connection) -> Applied:
            delivered = _record(db, event, active_at) if event else []
            applied = apply_changes(db, changes, user, now, active_at)
            return applied._replace(delivered=(*delivered, *applied.delivered))

        if event and event.event == "typing":
            self.note_activity(event.data["username"])
        return await self._database.submit(job)

    async def record(self, event: Envelope) -> list[Envelope]:
        """Store the changes of an event, and return the messages that are delivered as a result.

        Calls return in their order, after the commit. An event that changes nothing waits only for earlier ones.
        """
        if event.event in STORED:
            return await self._database.submit(partial(_record, event=event, active_at=self._active_at()))
        if event.event == "typing":
            self.note_activity(event.data["username"])
        await self.drain()
        return []

    def note_activity(self, username: str) -> None:
        """Record that a user has typed. ``store_activity`` stores it later, so that typing needs no disk."""
        self._seen[username] = self._active_at()

    def _active_at(self) -> float:
        """Return the time for presence and ``last_seen`` now.

        It is the virtual time of a session only if that plays on a copy: otherwise, the user's own state changes.
        """
        return (self._clock if self._database.in_scratch else self._values.real_clock).wall()

    def note_seen(self, username: str, at: float) -> None:
        """Record when a user was last seen elsewhere, in seconds since the epoch, like ``note_activity``."""
        self._seen[username] = max(at, self._seen.get(username, 0.0))

    def _last_seen(self, username: str, stored: float) -> float:
        return max(stored, self._seen.get(username, 0.0))

    async def drain(self) -> None:
        """Wait until all changes requested before this call are stored."""
        if self._database.busy:
            await self._database.submit(lambda db: None)

    async def mark_read(self, peer: str, msg_id: str) -> int | None:
        """Mark messages as read. See ``ReadMarks.mark_read``."""
        return await self._database.submit(lambda db: sql.mark_read(db, peer, msg_id))

    async def newest_read(self, peer: str) -> str | None:
        """Return the id of the newest message from ``peer`` that is read, or None."""
        return await self._database.submit(lambda db: sql.newest_read(db, peer))

    async def store_activity(self) -> None:
        """Store recent activity, if there is any."""
        if not (seen := dict(self._seen)):
            return

        now = self._active_at()

        def job(db: sql.Connection) -> None:
            for username, at in seen.items():
                sql.seen(db, username, at, now)

        await self._database.submit(job)
        self._seen = {name: at for name, at in self._seen.items() if seen.get(name) != at}

    async def expire_presence(self) -> list[str]:
        """Store recent activity, and switch inactive friends offline. Return their names."""
        now, in_scratch = self._active_at(), self._database.in_scratch
        await self.store_activity()

        def job(db: sql.Connection) -> list[str]:
            if not in_scratch:  # there, the virtual time may be before the times of the user's own state
                sql.correct_last_seen(db, now)
            return sql.expire_presence(db, now - ONLINE_FOR_S)

        return await self._database.submit(job)

    # REST and the window

    async def people(self) -> list[Person]:
        """Return the cast."""
        found = await self._database.submit(sql.people)
        for each in found:
            each.last_seen = self._last_seen(each.username, each.last_seen)
        return found

    async def friends(self) -> list[Person]:
        """Return the friends."""
        return [each for each in await self.people() if each.is_friend]

    async def auto_replies(self, friend: str) -> bool:
        """Return whether a friend is online and has auto-reply switched on."""
        return any(each.username == friend and each.auto_reply and each.online for each in await self.friends())

    async def conversations(self) -> list[Conversation]:
        """Return the chats, those with the newest messages first."""
        found = await self._database.submit(sql.conversations)
        for each in found:
            each.person.last_seen = self._last_seen(each.person.username, each.person.last_seen)
        return found

    async def page(self, peer: str, limit: int, offset: int) -> tuple[list[MessageData], int]:
        """Return a page of a chat, oldest message first, and the total number of messages.

        ``offset`` is the number of newest messages to skip.
        """
        return await self._database.submit(lambda db: sql.page(db, peer, limit, offset))

    async def add_friend(self, username: str) -> Person:
        """Make a persona of the cast a friend."""
        now = self._active_at()
        if username == self._local_user():
            raise Malformed(f"{_short(username)} is the local user, who cannot be added as a friend.")

        def job(db: sql.Connection) -> Person:
            found = sql.person(db, username)
            if found is None:
                raise NotFound(f"There is no user {_short(username)!r}.")
            if found.is_friend:
                raise Conflict(f"{username} is already a friend.")
            found.is_friend = True
            found.added_at = now
            sql.save_person(db, found)
            return found

        return await self._database.submit(job)

    async def remove_friend(self, username: str) -> Person:
        """End a friendship, and return the friend for ``restore_friend``. The messages are kept."""

        def job(db: sql.Connection) -> Person:
            found = sql.person(db, username)
            if found is None or not found.is_friend:
                raise NotFound(f"{_short(username)!r} is not a friend.")
            sql.save_person(db, replace(found, is_friend=False, online=False))
            return found

        return await self._database.submit(job)

    async def restore_friend(self, friend: Person) -> None:
        """Undo ``remove_friend``."""

        def job(db: sql.Connection) -> None:
            found = sql.person(db, friend.username)
            if found is None:
                raise NotFound(f"There is no user {_short(friend.username)!r}.")
            sql.save_person(db, replace(found, is_friend=True, online=friend.online, added_at=friend.added_at))

        await self._database.submit(job)

    async def send(self, to: str, text: str, more: Mapping[str, Any] | None = None) -> tuple[MessageData, bool]:
        """Store a message from the local user with ``more`` fields. Return it, and whether the recipient is a peer.

        If the friend is offline, it is stored as undelivered.

        A message to a peer is stored as undelivered, and added to the outbox for that peer.
        """
        if not to:
            raise Malformed("The recipient is empty.")
        if not text:
            raise Malformed("The message is empty.")
        if len(text) > MAX_TEXT:
            raise Malformed(f"The message has {len(text):,} characters; at most {MAX_TEXT:,} are allowed.")
        sender, now, active_at = self._local_user(), self._clock.wall(), self._active_at()
        real_now = self._values.real_clock.wall()

        def job(db: sql.Connection) -> tuple[MessageData, bool]:
            found = sql.person(db, to)
            if found is None or not found.is_friend:
                raise NotFound(f"{_short(to)!r} is not a friend.")
            reached = found.online and not found.is_peer
            # A session that plays on the user's own state does not fix what is sent to real people.
            is_real = found.is_peer and not self._database.in_scratch
            data = {
                "msg_id": str(uuid.uuid4()) if is_real else self._values.message_id(),
                "from": sender, "to": to, "text": text, "timestamp": iso(real_now if is_real else now),
                "direction": "sent", "delivered": reached, "delivery_method": "direct" if reached else "offline",
                **(more or {}),
            }  # fmt: skip
            while not sql.add_message(db, data):  # an earlier session with the same seed has used the id
                data["msg_id"] = self._values.message_id()
            if found.is_peer:
                peer_sql.enqueue(db, str(data["msg_id"]), to, real_now)
            elif found.online:
                sql.seen(db, to, active_at)  # the delivery was confirmed, so the friend is active
            return data, found.is_peer

        return await self._database.submit(job)

    async def delete_message(self, msg_id: str) -> sql.DeletedMessage:
        """Delete a message, and return it for ``restore_message``."""
        deleted = await self._database.submit(lambda db: sql.delete_message(db, msg_id))
        if deleted is None:
            raise _no_message(msg_id)
        return deleted

    async def restore_message(self, deleted: sql.DeletedMessage) -> None:
        """Store a deleted message again. If it was waiting for a peer, add it to the outbox again."""
        now = self._values.real_clock.wall()

        def job(db: sql.Connection) -> None:
            to = deleted.data["to"]
            if sql.restore_message(db, deleted) and deleted.waiting and peer_sql.is_peer(db, to):
                peer_sql.enqueue(db, deleted.data["msg_id"], to, now)

        await self._database.submit(job)

    async def set_delivered(self, msg_id: str) -> MessageData:
        """Mark a waiting message as delivered, and return it."""
        return _existing(await self._database.submit(lambda db: sql.set_delivered(db, msg_id, "direct")), msg_id)

    async def react(
        self, msg_id: str, emoji: str, by: str, *, present: bool | None = None, to_peers: bool = True
    ) -> MessageData:
        """Add or remove a user's reaction, and return the message.

        ``present`` True adds the reaction, False removes it, and None toggles it. Raises ``Forbidden`` if it is one
        of the local user in the chat with a peer, to whom it would be sent, and ``to_peers`` is False; ``Conflict``
        if the user would have more than ``MAX_REACTIONS``.
        """

        def job(db: sql.Connection) -> MessageData | None:
            found = _existing(sql.message(db, msg_id), msg_id)
            if not to_peers and by == self._local_user() and peer_sql.is_peer(db, peer_of(found)):
                raise Forbidden(TO_PEER)
            after = changed_reactions(found, emoji, by, present=present)
            return found if after is None else sql.set_reactions(db, msg_id, after)

        return _existing(await self._database.submit(job), msg_id)

    async def primers(self) -> list[MessageData]:
        """Return one sent message per friend, for priming: the newest, or a placeholder that is not stored.

        A placeholder always has the same id, so that a UI does not show it twice.
        """
        sender, now = self._local_user(), self._clock.wall()

        def job(db: sql.Connection) -> list[MessageData]:
            return [
                sql.newest_sent(db, each.username) or _placeholder(sender, each, now)
                for each in sql.people(db)
                if each.is_friend
            ]

        return await self._database.submit(job)

    # the cast

    async def add_person(self, username: str, *, is_friend: bool) -> Person:
        """Add a persona to the cast."""
        name = self._persona_name(username)
        new = cast.person(name, self._active_at(), is_friend=is_friend, seen_ago=cast.DAY)

        def job(db: sql.Connection) -> Person:
            _require_new(db, new.username)
            sql.save_person(db, new)
            return new

        return await self._database.submit(job)

    async def change_person(self, username: str, **changes: Any) -> None:
        """Set ``auto_reply``, ``pinned`` or ``online`` of a persona."""

        def job(db: sql.Connection) -> None:
            found = sql.person(db, username)
            if found is None:
                raise NotFound(f"There is no persona {_short(username)!r}.")
            if found.is_peer:
                raise _is_peer(username)
            sql.save_person(db, msgspec.structs.replace(found, **changes))

        await self._database.submit(job)

    async def rename_person(self, old: str, new: str) -> str:
        """Rename a persona, including in its messages and reactions. Return the new name as it is stored."""
        name = self._persona_name(new)

        def job(db: sql.Connection) -> None:
            found = sql.person(db, old)
            if found is None:
                raise NotFound(f"There is no persona {_short(old)!r}.")
            if found.is_peer:
                raise _is_peer(old)
            _require_new(db, name)
            sql.rename_person(db, old, name)

        await self._database.submit(job)
        if old in self._seen:
            self._seen[name] = self._seen.pop(old)
        return name

    def _persona_name(self, name: str) -> str:
        """Return a new persona's name without surrounding spaces. Raises ``Malformed`` if it must not be used."""
        clean = valid_username(name)
        if clean == self._local_user():
            raise Malformed(f"{clean} is the local user, so it cannot be the name of a persona.")
        return clean

    async def remove_person(self, username: str) -> None:
        """Remove a persona from the cast. Its messages are kept."""

        def job(db: sql.Connection) -> bool:
            found = sql.person(db, username)
            if found and found.is_peer:
                raise _is_peer(username)
            return sql.remove_person(db, username)

        if not await self._database.submit(job):
            raise NotFound(f"There is no persona {_short(username)!r}.")
        self._seen.pop(username, None)

    # the whole state

    async def reset(self) -> None:
        """Replace the state by the cast and history of the first start."""
        now = self._active_at()
        messages = list(cast.history(self._local_user(), now))
        await self._database.submit(lambda db: sql.load(db, cast.cast(now), messages))
        self._seen.clear()

    async def snapshot(self) -> dict[str, Any]:
        """Return the whole state as JSON values. ``restore`` accepts them."""
        state = await self._database.submit(sql.dump)
        for each in state["people"]:
            each["last_seen"] = self._last_seen(each["username"], each["last_seen"])
        return state

    async def replace(self, state: snapshots.State) -> None:
        """Replace the whole state by that of a snapshot, which ``snapshot.parse_snapshot`` or ``read`` returned."""
        await self._database.submit(lambda db: sql.load(db, *state))
        self._seen.clear()

    async def begin_scratch(self) -> None:
        """Continue with a copy of the state, which ``end_scratch`` drops or keeps. See ``Database``."""
        await self._database.begin_scratch()
        self._seen_beneath_scratch = dict(self._seen)

    async def end_scratch(self, *, keep: bool) -> None:
        """Return to the state before ``begin_scratch``, or ``keep`` the copy."""
        try:
            await self._database.end_scratch(keep=keep)
        except StorageError:
            keep = False
            raise
        finally:
            if not keep:
                self._seen = self._seen_beneath_scratch

    async def save(self, file: Path) -> None:
        """Write a snapshot to a JSON file. Raises ``StorageError``, and ``TooLarge`` if it could not be loaded."""
        text = await compute(state_text, await self.snapshot())
        try:
            await self._database.run_in_thread(partial(write_output, file, text, private=True))
        except OSError as error:
            raise StorageError(f"{file} could not be written: {reason(error)}") from None

    async def read(self, file: Path) -> snapshots.State:
        """Return the state of the snapshot in a file. Raises ``StorageError`` and ``Malformed``."""
        try:
            text = await self._database.run_in_thread(partial(read_text, file, MAX_STATE_BYTES))
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(f"{file} could not be read: {reason(error)}") from None
        try:
            snapshot = await compute(parse_json, text, MAX_STATE_DEPTH)
        except BadFrame as bad:
            raise Malformed(f"{file.name} is not a saved chat state: {bad}.") from None
        return await compute(snapshots.parse_snapshot, snapshot)


def _add_message(db: sql.Connection, data: MessageData, active_at: float) -> None:
    if sql.add_message(db, data) and data["direction"] == "received":
        sql.seen(db, data["from"], active_at)


def _switch_online(db: sql.Connection, username: str, active_at: float) -> list[Envelope]:
    return deliver_waiting(db, username) if sql.set_presence(db, username, True, active_at) else []


def _record(db: sql.Connection, event: Envelope, active_at: float) -> list[Envelope]:
    """Store the changes of a built-in event."""
    data = event.data
    match event.event:
        case "new_message":
            _add_message(db, data, active_at)
        case "friend_online":
            return _switch_online(db, data["username"], active_at)
        case "friend_offline":
            sql.set_presence(db, data["username"], False, active_at)
    return []


def _placeholder(sender: str, friend: Person, now: float) -> MessageData:
    return {
        "msg_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"p2pchat:placeholder:{sender}:{friend.username}")),
        "from": sender, "to": friend.username, "text": PLACEHOLDER, "timestamp": iso(min(friend.added_at, now)),
        "direction": "sent", "delivered": False, "delivery_method": "offline",
    }  # fmt: skip


def _existing(found: MessageData | None, msg_id: str) -> MessageData:
    if found is None:
        raise _no_message(msg_id)
    return found


def _require_new(db: sql.Connection, name: str) -> None:
    """Raise ``Conflict`` if a persona or a peer has this name."""
    if found := sql.person(db, name):
        raise Conflict(f"There is already a {'peer' if found.is_peer else 'persona'} named {name}.")


def _is_peer(username: str) -> Conflict:
    return Conflict(f"{username} is a peer, not a persona. Use companion peers.")


def _no_message(msg_id: str) -> NotFound:
    return NotFound(f"There is no message {_short(msg_id)!r}.")


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
