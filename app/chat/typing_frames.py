"""Create the handler of a client's ``typing`` event. The router calls it, and sends the event that it returns, with
the sender's name in it, to the other clients that act as the recipient. Typing of a client that acts as the local
user is shown in Chats; typing of another client renews the ``last_seen`` of the user that it acts as.
"""

from collections.abc import Callable
from functools import lru_cache

from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.router import Handler, Outcome
from app.hub.target import Target
from app.protocol.counts import count
from app.protocol.envelope import Envelope
from app.protocol.events import Typing, TypingTo


@lru_cache(maxsize=256)
def _forwarded(recipients: int, to: str) -> str:
    return f"forwarded to {count(recipients, 'client')} of {to}"


def forward_typing(
    hub: Hub, note_activity: Callable[[str], None], ui_typing: Callable[[str, bool], None]
) -> Handler:
    """Return the handler of a client's ``typing``. It replaces ``to`` by ``username``, the sender (guide §3.1).

    ``note_activity`` is called with the user of a client that acts as a friend, because typing renews
    ``last_seen``. ``ui_typing`` is called with recipient and state of a client that acts as the local user.
    """

    def handle(client: Client, data: TypingTo) -> Outcome:
        if client.username == hub.local_user:
            ui_typing(data.to, data.typing)
        else:
            note_activity(client.username)
        to = Target(user=data.to, excluded=client.id)
        recipients = len(hub.recipients(to).ids)
        if not recipients:
            return Outcome(f"no client acts as {data.to}")
        event = Envelope("typing", Typing(username=client.username, typing=data.typing))
        return Outcome(_forwarded(recipients, data.to), Verdict.OK, (event, to))

    return handle
