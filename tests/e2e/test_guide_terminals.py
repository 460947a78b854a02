"""The guide's §5.2 to §5.6, word for word, with wscat as an independent client."""

from typing import Protocol

import pytest

from .conftest import Start
from .processes import PATIENCE_S, Companion
from .tools import posix_only
from .wscat import Wscat

pytestmark = posix_only

CONNECTED = "Connected (press CTRL+C to quit)"
TYPING = '{"event": "typing", "data": {"to": "alice", "typing": true}}'
MARK_READ = '{"event": "mark_read", "data": {"peer": "alice", "msg_id": "550e8400-e29b-41d4-a716-446655440000"}}'
ALICE_TYPES = '< {"event":"typing","data":{"username":"alice","typing":true}}'
QUICK_TEST = (
    '{"event":"typing","data":{"to":"alice","typing":true}}',
    '{"event":"mark_read","data":{"peer":"alice","msg_id":"test-id-123"}}',
)


class Terminal(Protocol):
    """The type of the fixture ``terminal``."""

    def __call__(self, username: str | None = None, *options: str) -> Wscat: ...


@pytest.fixture
def terminal(program: Companion, running: Start) -> Terminal:
    """``terminal("alice")`` returns a terminal in which wscat is connected as alice."""

    def open_terminal(username: str | None = None, *options: str) -> Wscat:
        wscat = running(Wscat(program.url + (f"?username={username}" if username else ""), *options))
        wscat.wait_for_line(CONNECTED)
        return wscat

    return open_terminal


def alice_types_to_bob(alice: Wscat, *bobs: Wscat) -> None:
    """Send a typing frame from alice to bob. When it is received, alice's earlier frames have been handled too."""
    alice.type('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    for bob in bobs:
        bob.wait_for_line(ALICE_TYPES)


def test_connect_and_send_both_client_events(terminal: Terminal) -> None:
    """§5.2 and §5.3. Frames for users who are not connected cause no error."""
    alice, bob = terminal("alice"), terminal("bob")
    alice.type(TYPING)
    alice.type(MARK_READ)
    alice_types_to_bob(alice, bob)
    assert alice.open
    assert "error" not in alice.screen.lower()
    assert not any(line.startswith("<") for line in alice.lines), "nothing is sent back"
    alice.quit()
    assert bob.open


def test_typing_arrives_as_the_guide_prints_it(terminal: Terminal) -> None:
    """§5.4's fourth frame, byte for byte."""
    alice, bob = terminal("alice"), terminal("bob")
    alice_types_to_bob(alice, bob)
    alice.type('{"event": "typing", "data": {"to": "bob", "typing": false}}')
    bob.wait_for_line(ALICE_TYPES.replace("true", "false"))


def test_both_terminals_receive(terminal: Terminal) -> None:
    """§5.5: two terminals with the guide's address receive the events of a third client."""
    first, second, alice = terminal(), terminal(), terminal("alice")
    alice.type('{"event": "typing", "data": {"to": "me", "typing": true}}')
    first.wait_for_line(ALICE_TYPES)
    second.wait_for_line(ALICE_TYPES)
    first.quit()
    alice.type('{"event": "typing", "data": {"to": "me", "typing": true}}')
    second.wait_for_line(ALICE_TYPES, times=2)


def test_the_quick_test_script(terminal: Terminal) -> None:
    """§5.6: an unknown ``msg_id`` is not a protocol error, and alice receives the typing event."""
    alice, bob, me = terminal("alice"), terminal("bob"), terminal()
    for event in QUICK_TEST:
        me.type(event)
    alice.wait_for_line(ALICE_TYPES.replace('"alice"', '"me"'))
    me.type('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    bob.wait_for_line(ALICE_TYPES.replace('"alice"', '"me"'))
    assert me.open


def test_the_quick_test_script_with_wscats_execute_option(
    terminal: Terminal, program: Companion, running: Start
) -> None:
    """§5.6's events, sent with the option ``--execute`` of wscat."""
    alice = terminal("alice")
    executed = (part for event in QUICK_TEST for part in ("--execute", event))
    me = running(Wscat(program.url, *executed, "--wait", "1"))
    alice.wait_for_line(ALICE_TYPES.replace('"alice"', '"me"'))
    assert me.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    "invalid_frame", ["hello", "[]", "{}", '{"event":"nonsense","data":{}}', '{"event":"typing","data":{"to":7}}']
)
def test_an_invalid_frame_leaves_the_connection_open(terminal: Terminal, invalid_frame: str) -> None:
    alice, bob = terminal("alice"), terminal("bob")
    alice.type(invalid_frame)
    alice_types_to_bob(alice, bob)
    assert alice.open
