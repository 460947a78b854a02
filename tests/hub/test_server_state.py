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
    assert {state: why_closed(state, 8081) for state in ServerState} == {
        ServerState.BLOCKED: "port 8081 is busy. Stop the program that uses it, or change the port",
        ServerState.STOPPED: "the server is stopped. Start the server",
        ServerState.PAUSED: "",
        ServerState.LISTENING: "",
    }
