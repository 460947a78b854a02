"""The state of the event server: whether clients can connect, and why they cannot."""

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


def why_closed(state: ServerState, port: int) -> str:
    """Return why no client can connect, and what to do about it; empty if clients can connect."""
    match state:
        case ServerState.BLOCKED:
            return f"port {port} is busy. Stop the program that uses it, or change the port"
        case ServerState.STOPPED:
            return "the server is stopped. Start the server"
    return ""
