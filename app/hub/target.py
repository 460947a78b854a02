"""Selects the recipients of an event: all clients, those that act as a user, or some clients."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.hub.clients import Client


_NUMBER = re.compile(r" *[0-9]{1,15} *")


class Target(NamedTuple):
    """``user`` or ``clients`` narrow it down; with neither it is everybody. ``but`` is left out."""

    user: str | None = None
    clients: frozenset[int] | None = None
    but: int | None = None

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``all``, ``user:alice``, ``client:3`` or ``client:3,5``. Raises ``ValueError`` saying so."""
        kind, _, value = text.strip().partition(":")
        if text.strip() == "all":
            return ALL
        if kind == "user" and value:
            return cls(user=value)
        numbers = value.split(",")
        if kind == "client" and all(_NUMBER.fullmatch(number) for number in numbers):
            return cls(clients=frozenset(map(int, numbers)))
        raise ValueError(f"{text[:80]!r} is no target: use all, user:NAME, client:NUMBER or client:1,2")

    def __str__(self) -> str:
        if self.user is not None:
            return f"user:{self.user}"
        if self.clients is not None:
            return "client:" + ",".join(map(str, sorted(self.clients)))
        return "all"

    def select(self, clients: Iterable[Client]) -> list[Client]:
        """Return those of ``clients`` that are meant, in their order."""
        return [
            client
            for client in clients
            if (self.user is None or client.username == self.user)
            and (self.clients is None or client.id in self.clients)
            and client.id != self.but
        ]


ALL = Target()
