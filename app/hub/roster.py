"""Who is connected, and whom a target means: looked up, not searched, since it is asked for every event."""

from collections.abc import Iterator
from typing import NamedTuple

from app.hub.clients import Client
from app.hub.target import ALL, Target


class Group(NamedTuple):
    """Clients that one event goes to, and their numbers. The same clients are the same object."""

    clients: tuple[Client, ...]
    ids: tuple[int, ...]

    @classmethod
    def of(cls, clients: list[Client]) -> "Group":
        """Return a group of those."""
        return cls(tuple(clients), tuple([client.id for client in clients]))


class Roster:
    """The connected clients, oldest first."""

    def __init__(self) -> None:
        self._clients: dict[int, Client] = {}
        self._groups: dict[Target, Group] = {}
        """What was looked up since somebody came, left, was given up or changed names."""

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(tuple(self._clients.values()))

    def get(self, id: int) -> Client | None:
        """Return the client of that number."""
        return self._clients.get(id)

    def add(self, client: Client) -> None:
        """Let a client be among them."""
        self._clients[client.id] = client
        self.changed()

    def remove(self, client: Client) -> bool:
        """Let a client be gone; False when it was not among them."""
        self.changed()
        return self._clients.pop(client.id, None) is not None

    def changed(self) -> None:
        """Forget what was looked up: somebody is not what they were."""
        self._groups.clear()

    def group(self, to: Target = ALL) -> Group:
        """Return those who are meant and can still be sent to."""
        group = self._groups.get(to)
        if group is None:
            group = Group.of([client for client in to.select(self._clients.values()) if not client.outbox.closed])
            if len(self._groups) > 2 * len(self._clients):  # targets come from outside, and may be anything
                self._groups.clear()
            self._groups[to] = group
        return group
