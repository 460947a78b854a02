"""Typing, from one client to the clients of its peer."""

from collections.abc import Callable
from functools import lru_cache

from app.hub.clients import Client
from app.hub.hub import Hub, count
from app.hub.journal import Verdict
from app.hub.router import Handler, Outcome
from app.hub.target import Target
from app.protocol.envelope import Envelope
from app.protocol.events import Typing, TypingTo


@lru_cache(maxsize=256)
def _forwarded(reached: int, to: str) -> str:
    return f"forwarded to {count(reached, 'client')} of {to}"


def forward_typing(hub: Hub, note_activity: Callable[[str], None]) -> Handler:
    """Return the handler of a client's ``typing``: ``to`` becomes ``username``, the sender (guide §3.1).

    ``note_activity`` is called with the user of a client that acts as a friend: typing is a sign of life.
    """

    def handle(client: Client, data: TypingTo) -> Outcome:
        if client.username != hub.local_user:
            note_activity(client.username)
        to = Target(user=data.to, excluded=client.id)
        reached = len(hub.recipients(to).ids)
        if not reached:
            return Outcome(f"no client acts as {data.to}")
        event = Envelope("typing", Typing(username=client.username, typing=data.typing))
        return Outcome(_forwarded(reached, data.to), Verdict.OK, (event, to))

    return handle
