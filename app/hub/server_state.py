"""The state of the event server (stopped, listening, paused or port busy), and why clients cannot connect.
It is *port busy* after every failed start, whatever the reason. While paused, clients can still connect.
"""

from enum import StrEnum


class ServerState(StrEnum):
    """The state of the event server. While paused, it accepts clients but sends them nothing."""

    STOPPED = "stopped"
    LISTENING = "listening"
    PAUSED = "paused"
    BLOCKED = "port busy"
    """The server could not start, usually because another program uses the port."""


def server_state(*, error: str, listening: bool, paused: bool) -> ServerState:
    """Return the state. ``error`` is the reason why the server could not start; empty if it could."""
    if error:
        return ServerState.BLOCKED
    if not listening:
        return ServerState.STOPPED
    return ServerState.PAUSED if paused else ServerState.LISTENING


def why_closed(state: ServerState, error: str) -> str:
    """Return why no client can connect, and what to do about it; empty if clients can connect.

    ``error`` is the sentence that the service reports if the server could not start.
    """
    match state:
        case ServerState.BLOCKED:
            return f"{error[:1].lower()}{error[1:]} Fix this, then start the server"
        case ServerState.STOPPED:
            return "the server is stopped. Start the server"
    return ""
