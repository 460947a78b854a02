"""The guide's §5.2 to §5.6, word for word, with a client that nobody here wrote."""

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
    """What the fixture ``terminal`` is called like."""

    def __call__(self, username: str | None = None, *options: str) -> Wscat: ...


@pytest.fixture
def terminal(program: Companion, running: Start[Wscat]) -> Terminal:
    """``terminal("alice")`` is a terminal whose wscat has connected."""

    def opened(username: str | None = None, *options: str) -> Wscat:
        wscat = running(Wscat(program.url + (f"?username={username}" if username else ""), *options))
        wscat.see(CONNECTED)
        return wscat

    return opened


def alice_reaches(alice: Wscat, *users_of_bob: Wscat) -> None:
    """Frames of one client are handled in order: when this one has come, all before it were handled."""
    alice.type('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    for bob in users_of_bob:
        bob.see(ALICE_TYPES)


def test_connect_and_send_both_client_events(terminal: Terminal) -> None:
    """§5.2, §5.3, and the frames that nobody is there for do no harm."""
    alice, bob = terminal("alice"), terminal("bob")
    alice.type(TYPING)
    alice.type(MARK_READ)
    alice_reaches(alice, bob)
    assert alice.open
    assert "error" not in alice.screen.lower()
    assert not any(line.startswith("<") for line in alice.lines), "nothing is sent back"
    alice.quit()
    assert bob.open


def test_typing_arrives_as_the_guide_prints_it(terminal: Terminal) -> None:
    """§5.4's fourth frame, byte for byte."""
    alice, bob = terminal("alice"), terminal("bob")
    alice_reaches(alice, bob)
    alice.type('{"event": "typing", "data": {"to": "bob", "typing": false}}')
    bob.see(ALICE_TYPES.replace("true", "false"))


def test_both_terminals_receive(terminal: Terminal) -> None:
    """§5.5: two terminals with the guide's own address, and a third client that makes something happen."""
    first, second, alice = terminal(), terminal(), terminal("alice")
    alice.type('{"event": "typing", "data": {"to": "me", "typing": true}}')
    first.see(ALICE_TYPES)
    second.see(ALICE_TYPES)
    first.quit()
    alice.type('{"event": "typing", "data": {"to": "me", "typing": true}}')
    second.see(ALICE_TYPES, times=2)


def test_the_quick_test_script(terminal: Terminal) -> None:
    """§5.6: an unknown ``msg_id`` is no protocol error, and the typing arrives at alice."""
    alice, bob, me = terminal("alice"), terminal("bob"), terminal()
    for event in QUICK_TEST:
        me.type(event)
    alice.see(ALICE_TYPES.replace('"alice"', '"me"'))
    me.type('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    bob.see(ALICE_TYPES.replace('"alice"', '"me"'))
    assert me.open


def test_the_quick_test_script_without_typing_it(
    terminal: Terminal, program: Companion, running: Start[Wscat]
) -> None:
    """§5.6's events through wscat's own way to run without hands."""
    alice = terminal("alice")
    executed = (part for event in QUICK_TEST for part in ("--execute", event))
    me = running(Wscat(program.url, *executed, "--wait", "1"))
    alice.see(ALICE_TYPES.replace('"alice"', '"me"'))
    assert me.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    "rubbish", ["hello", "[]", "{}", '{"event":"nonsense","data":{}}', '{"event":"typing","data":{"to":7}}']
)
def test_rubbish_leaves_the_connection_open(terminal: Terminal, rubbish: str) -> None:
    alice, bob = terminal("alice"), terminal("bob")
    alice.type(rubbish)
    alice_reaches(alice, bob)
    assert alice.open
