import pytest

from app.hub.server_state import ServerState, server_state, why_closed


@pytest.mark.parametrize(
    ("error", "listening", "paused", "expected"),
    [
        ("Port 1 is busy.", False, False, ServerState.BLOCKED),
        ("Port 1 is busy.", True, True, ServerState.BLOCKED),
        ("", False, False, ServerState.STOPPED),
        ("", False, True, ServerState.STOPPED),
        ("", True, True, ServerState.PAUSED),
        ("", True, False, ServerState.LISTENING),
    ],
)
def test_the_state_of_the_event_server(error: str, listening: bool, paused: bool, expected: ServerState) -> None:
    assert server_state(error=error, listening=listening, paused=paused) is expected


def test_only_a_server_that_does_not_listen_has_a_reason() -> None:
    error = "The event server could not start: Permission denied."
    assert {state: why_closed(state, error) for state in ServerState} == {
        ServerState.BLOCKED: "the event server could not start: Permission denied. Fix this, then start the server",
        ServerState.STOPPED: "the server is stopped. Start the server",
        ServerState.PAUSED: "",
        ServerState.LISTENING: "",
    }
