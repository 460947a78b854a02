"""JSON types of the control API operations on clients (list them, change their user, close their connections), and
a function that converts a connected client to its response.
"""

from typing import Annotated

from msgspec import Meta, Struct

from app import usernames
from app.endpoints.control.shapes import Input
from app.hub.client_activity import ClientActivity
from app.hub.clients import Client

UserName = Annotated[str, Meta(min_length=1, max_length=usernames.MAX_LENGTH)]
CloseCode = Annotated[int, Meta(ge=1000, le=4999, description="Close code (RFC 6455 §7.4)", examples=[1001])]


class CloseQuery(Input):
    """How to close the connections of clients."""

    code: CloseCode = 1001
    reason: Annotated[str, Meta(max_length=123, description="Reason in the close frame")] = ""
    abort: Annotated[bool, Meta(description="Abort the connection without a closing handshake")] = False


class IdentityBody(Input):
    """The user that a client acts as."""

    username: UserName


class Dropped(Struct, kw_only=True):
    """The clients whose connections were closed."""

    clients: list[int]


class LastSentInfo(Struct, kw_only=True):
    """The last event that a client was sent."""

    seq: Annotated[int, Meta(description="Number of its row in the log")]
    event: str
    at: Annotated[float, Meta(description="When it was sent, in seconds since the epoch")]


class ClientInfo(Struct, kw_only=True):
    """A connected client. ``connected_at`` is in seconds since the epoch."""

    id: int
    username: str
    origin: str
    user_agent: str
    connected_at: float
    frames_in: int
    frames_out: int
    bytes_in: int
    bytes_out: int
    queued_bytes: int
    ping_s: float
    ready: Annotated[bool, Meta(description="Whether the client is ready to show events")]
    last_sent: Annotated[
        LastSentInfo | None, Meta(description="null: nothing was sent, or its row is no longer in the log")
    ]
    frames_per_s: Annotated[
        list[int], Meta(description="Frames from and to it in each of the last 30 seconds, the latest last")
    ]


def client_info(client: Client, activity: ClientActivity) -> ClientInfo:
    """Convert a client to its description in a response."""
    last = activity.last_sent(client)
    return ClientInfo(
        id=client.id, username=client.username, origin=client.origin, user_agent=client.user_agent,
        connected_at=client.connected_at, frames_in=client.frames_in, frames_out=client.frames_out,
        bytes_in=client.bytes_in, bytes_out=client.bytes_out, queued_bytes=client.outbox.waiting,
        ping_s=client.transport.latency(), ready=client.ready,
        last_sent=last and LastSentInfo(seq=last.seq, event=last.event, at=last.wall),
        frames_per_s=activity.rates(client),
    )  # fmt: skip
