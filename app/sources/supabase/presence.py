"""Find out from ``last_seen`` which peers are online, and fire an event when that changes."""

from app.protocol.backend import ONLINE_FOR_S
from app.protocol.envelope import Envelope
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

    async def poll(self, publisher: Publisher) -> int:
        """Read ``last_seen`` of all peers, and fire the changes. Return their number.

        Raises ``DirectoryError``, and the errors of firing.
        """
        contacts = {each.username: each for each in await self._contacts.contacts()}
        if not contacts:
            return 0
        users = await self._registration.look_up_all(sorted(contacts))
        ahead = self._client.skew_s
        directory = {each.username: each.last_seen - ahead for each in users if each.last_seen is not None}
        now, changes = publisher.clock.wall(), 0
        for name, contact in contacts.items():
            # A frame from the peer is a sign of life too, and may be newer than the directory's.
            seen = max(min(directory.get(name, 0.0), now), contact.last_seen)
            online = now - seen <= ONLINE_FOR_S
            if online != contact.online:
                event = "friend_online" if online else "friend_offline"
                await publisher.fire(Envelope(event, {"username": name}), origin=SUPABASE)
                changes += 1
            if online:
                self._contacts.note_seen(name, seen)
        return changes
