"""Find out from the Supabase directory which peers came online or went offline, and fire an event for each change.
A peer is online if its ``last_seen`` in the directory is at most ``ONLINE_FOR_S`` (5 minutes) old. A peer that is
online already also stays online after recent activity here, such as a frame from it. Changed addresses and keys in
the directory are passed on to the contacts.
"""

from collections.abc import Iterable
from contextlib import suppress

from msgspec.structs import replace

from app.protocol.backend import ONLINE_FOR_S
from app.protocol.directory.rows import DirectoryUser
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict, RequestError
from app.protocol.event_type import InvalidEvent
from app.sources.source import Publisher
from app.sources.supabase.client import DirectoryClient
from app.sources.supabase.contracts import SUPABASE, Contacts
from app.sources.supabase.registration import Registration


class PresencePoll:
    """Compares the directory with what the chat state knows of the peers."""

    def __init__(self, client: DirectoryClient, registration: Registration, contacts: Contacts) -> None:
        self._client = client
        self._registration = registration
        self._contacts = contacts
        self._fired: dict[str, float] = {}
        """When an event of each contact was last fired: that also sets when it was last active."""
        self._entries: dict[str, DirectoryUser] = {}
        """The entry of each contact when it was last recorded, without its time."""
        self._held: dict[str, bool] = {}
        """The presence in an event of each contact that a breakpoint has held, until the chat state has it, too."""

    async def poll(self, publisher: Publisher) -> int:
        """Read ``last_seen`` of all peers, and fire the changes. Return their number.

        Raises ``DirectoryError`` and ``StorageError``.
        """
        names = sorted(each.username for each in await self._contacts.contacts())
        if not names:
            return 0
        users = await self._registration.look_up_all(names)
        ahead = self._client.skew_s
        directory = {each.username: each.last_seen - ahead for each in users if each.last_seen is not None}
        await self._note_entries(users)
        # Again: meanwhile, a friend may have been removed, or a frame has come from one.
        contacts = {each.username: each for each in await self._contacts.contacts() if each.username in names}
        now, changes = publisher.clock.wall(), 0
        self._held = {name: online for name, online in self._held.items() if name in contacts}
        for name, contact in contacts.items():
            seen = min(directory.get(name, 0.0), now)
            if contact.online and contact.last_seen > self._fired.get(name, 0.0) + 1:
                seen = max(seen, contact.last_seen)  # a frame from the peer counts, too
            online = now - seen <= ONLINE_FOR_S
            if online == contact.online:
                self._held.pop(name, None)
            elif self._held.get(name) is not online:  # if the user dropped it, it is not fired again
                event = "friend_online" if online else "friend_offline"
                with suppress(InvalidEvent, RequestError):  # a file may restrict the event
                    sent = await publisher.fire_built_in(Envelope(event, {"username": name}), origin=SUPABASE)
                    if sent.held:
                        self._held[name] = online
                self._fired[name] = now
                changes += 1
            if online:
                self._contacts.note_seen(name, seen)
        return changes

    async def _note_entries(self, users: Iterable[DirectoryUser]) -> None:
        for each in users:
            entry = replace(each, last_seen=None)
            if self._entries.get(each.username) != entry:
                try:
                    await self._contacts.note_entry(entry)
                except Conflict:  # a session has begun meanwhile: record it when it has ended
                    continue
                except RequestError:  # the friend was removed meanwhile
                    pass
                self._entries[each.username] = entry
