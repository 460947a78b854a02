"""The target of an event, a fault or another action: the clients that it is for, as text and as a value.
It is all clients, those that act as a user, or chosen ones; optionally without one of them. ``Target`` parses the
text, and selects the clients.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.hub.clients import Client


_NUMBER = re.compile(r" *[0-9]{1,15} *")
_EXCEPT = re.compile(r"(?s)(.*) except:([0-9]{0,15})")


class Target(NamedTuple):
    """All clients, those that act as ``user``, or the given ``clients`` (ids), without the client ``excluded``.

    ``parse(str(target)) == target`` holds for every target except an empty set of clients.
    """

    user: str | None = None
    clients: frozenset[int] | None = None
    excluded: int | None = None

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``all``, ``user:alice``, ``client:3`` or ``client:3,5``, optionally followed by `` except:7``.

        Raises ``ValueError`` for anything else.
        """
        chosen, excluded = text.strip(), None
        if found := _EXCEPT.fullmatch(chosen):
            chosen, excluded = found[1], int(found[2]) if found[2] else None
        kind, _, value = chosen.partition(":")
        if chosen == "all":
            return cls(excluded=excluded)
        if kind == "user" and value:
            return cls(user=value, excluded=excluded)
        numbers = value.split(",")
        if kind == "client" and all(_NUMBER.fullmatch(number) for number in numbers):
            return cls(clients=frozenset(map(int, numbers)), excluded=excluded)
        raise ValueError(f"invalid target {text[:80]!r}: use all, user:NAME, client:NUMBER or client:1,2")

    @override
    def __str__(self) -> str:
        if self.user is not None:
            text = f"user:{self.user}"
        elif self.clients is not None:
            text = "client:" + ",".join(map(str, sorted(self.clients)))
        else:
            text = "all"
        if self.excluded is not None:
            return f"{text} except:{self.excluded}"
        return f"{text} except:" if _EXCEPT.fullmatch(text) else text  # the user may be named "x except:3"

    def select(self, clients: Iterable[Client]) -> list[Client]:
        """Return the clients that the target selects, in their order."""
        return [
            client
            for client in clients
            if (self.user is None or client.username == self.user)
            and (self.clients is None or client.id in self.clients)
            and client.id != self.excluded
        ]


ALL = Target()
