"""The connected clients, and the recipients of each target: cached, because every event looks them up."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.hub.clients import Client
from app.hub.target import ALL, Target


class Recipients(NamedTuple):
    """The clients that one event goes to. While no client changes, the same target yields the same object.

    ``plain`` share one batch of writes; each of ``faulty`` has a fault plan and gets its frames one by one.
    """

    clients: tuple[Client, ...]
    ids: tuple[int, ...]
    plain: tuple[Client, ...]
    faulty: tuple[Client, ...]

    @classmethod
    def of(cls, clients: Iterable[Client]) -> "Recipients":
        """Return those clients as recipients."""
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
        """The cache: what was looked up since a client last connected, disconnected or changed."""

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(tuple(self._clients.values()))

    def get(self, client_id: int) -> Client | None:
        """Return the client with that number."""
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
        """Empty the cache, because a client changed its user, its fault plan or its outbox was closed."""
        self._recipients.clear()

    def recipients(self, to: Target = ALL) -> Recipients:
        """Return the clients that a target selects and that can still be sent to."""
        found = self._recipients.get(to)
        if found is None:
            selected = to.select(self._clients.values())
            found = Recipients.of(client for client in selected if not client.outbox.closed)
            if len(self._recipients) > 2 * len(self._clients):  # targets come from outside, and may be anything
                self._recipients.clear()
            self._recipients[to] = found
        return found
