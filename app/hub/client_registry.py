"""The registry of connected clients. Returns the recipients of a target, such as all clients or those of one user,
as far as they accept frames, split by whether they have a fault plan. Caches them until a client connects,
disconnects or changes.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.hub.clients import Client
from app.hub.target import ALL, Target


class Recipients(NamedTuple):
    """The recipients of an event. As long as no client changes, the same target yields the same object.

    ``plain`` share batches of frames. Each client in ``faulty`` has a fault plan and gets its frames one by one.
    """

    clients: tuple[Client, ...]
    ids: tuple[int, ...]
    plain: tuple[Client, ...]
    faulty: tuple[Client, ...]

    @classmethod
    def of(cls, clients: Iterable[Client]) -> "Recipients":
        """Return the given clients as recipients, split by whether they have a fault plan."""
        all_ = tuple(clients)
        faulty = tuple([client for client in all_ if client.fault_plan is not None])
        plain = tuple([client for client in all_ if client.fault_plan is None]) if faulty else all_
        return cls(all_, tuple([client.id for client in all_]), plain, faulty)


NO_RECIPIENTS = Recipients((), (), (), ())


class ClientRegistry:
    """The connected clients, oldest first."""

    def __init__(self) -> None:
        self._clients: dict[int, Client] = {}
        self._recipients: dict[Target, Recipients] = {}
        """Cache of ``recipients``. Emptied when a client connects, disconnects or changes."""

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(tuple(self._clients.values()))

    def get(self, client_id: int) -> Client | None:
        """Return the client with that number, or None if it is not connected."""
        return self._clients.get(client_id)

    def add(self, client: Client) -> None:
        """Add a client that has connected."""
        self._clients[client.id] = client
        self.invalidate()

    def remove(self, client: Client) -> bool:
        """Remove a client; return False if it was not connected."""
        self.invalidate()
        return self._clients.pop(client.id, None) is not None

    def invalidate(self) -> None:
        """Empty the cache. Call it after a client's user or fault plan has changed, or it is closed."""
        self._recipients.clear()

    def recipients(self, to: Target = ALL) -> Recipients:
        """Return the connected clients that a target selects and that accept frames."""
        found = self._recipients.get(to)
        if found is None:
            selected = to.select(self._clients.values())
            found = Recipients.of(client for client in selected if client.accepts_frames)
            if len(self._recipients) > 2 * len(
                self._clients
            ):  # limit the cache: callers can send to arbitrary targets
                self._recipients.clear()
            self._recipients[to] = found
        return found
