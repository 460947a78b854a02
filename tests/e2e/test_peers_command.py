"""Two real companions and ``companion peers``: hello, answer, typing, receipt, a restart, changed keys."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from . import sockets
from .processes import Companion, free_port, serve, start_command, wait_until
from .rest import Rest


class Person(NamedTuple):
    """A user with a companion."""

    name: str
    folder: Path
    port: int
    companion: Companion

    def run(self, *arguments: str, exits: int = 0) -> str:
        with start_command(self.folder, *arguments) as command:
            assert command.wait() == exits, command
            return "\n".join(command.out if not exits else command.err)

    def read(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def adds(self, other: "Person") -> Any:
        keys = json.loads(other.run("peers", "key"))
        return self.read(
            "peers", "add", other.name, "--public-key", keys["public_key"], "--signing-key", keys["signing_key"],
            "--address", f"127.0.0.1:{other.port}",
        )  # fmt: skip

    def peer(self, name: str) -> Any:
        return next(each for each in self.read("peers", "list")["peers"] if each["username"] == name)

    def messages(self, other: "Person") -> list[tuple[str, bool]]:
        with Rest(self.companion) as rest:
            return [(each["text"], each["delivered"]) for each in rest.page(other.name)["messages"]]


def start(name: str, folder: Path, port: int = 0) -> Person:
    folder.mkdir(exist_ok=True)
    (folder / "settings.toml").write_text(f'username = "{name}"\nprime_browsers = false\n')
    port = port or free_port()
    return Person(name, folder, port, serve(folder, "--peers", "--peer-port", str(port)))


@pytest.fixture
def people(tmp_path: Path) -> Iterator[list[Person]]:
    people: list[Person] = []
    try:
        for name in ("anna", "ben"):
            people.append(start(name, tmp_path / name))
        yield people
    finally:
        for each in people:
            each.companion.end()


def event(client: Any, name: str) -> Any:
    """Return the data of the next event of that name."""
    while (found := sockets.receive(client))["event"] != name:
        pass
    return found["data"]


def test_two_companions(people: list[Person]) -> None:
    anna, ben = people
    assert (anna.adds(ben)["username"], ben.adds(anna)["username"]) == ("ben", "anna")
    digits = anna.run("peers", "verify", "ben")
    assert digits == ben.run("peers", "verify", "anna")
    assert "not the fingerprint" in anna.run("peers", "verify", "ben", "--fingerprint", "1" * 60, exits=2)
    assert anna.read("peers", "verify", "ben", "--fingerprint", digits)["verified"]

    with sockets.client(anna.companion.url) as annas_ui, sockets.client(ben.companion.url) as bens_ui:
        with Rest(anna.companion) as rest:
            answer = rest.request("POST", "/messages", {"to": "ben", "text": "Hello, Ben 👋"})
        assert (answer.status, answer.body["delivered"], answer.body["delivery_method"]) == (200, True, "direct")
        hello = event(bens_ui, "new_message")
        assert (hello["from"], hello["text"], hello["direction"]) == ("anna", "Hello, Ben 👋", "received")

        sockets.send(bens_ui, "typing", to="anna", typing=True)
        assert event(annas_ui, "typing") == {"username": "ben", "typing": True}
        with Rest(ben.companion) as rest:
            assert rest.post("anna", "Hello, Anna")["delivered"]
        assert event(annas_ui, "new_message")["text"] == "Hello, Anna"

        sockets.send(bens_ui, "mark_read", peer="anna", msg_id=hello["msg_id"])
        found = wait_until(lambda: anna.run("journal", "--filter", "has read the messages"), "the read receipt")
        assert hello["msg_id"] in found

    # anna goes offline: what ben writes waits, and arrives when she is back
    anna.companion.stop()
    anna.companion.end()
    with Rest(ben.companion) as rest:
        answer = rest.request("POST", "/messages", {"to": "anna", "text": "Are you there?"})
        assert (answer.status, answer.body["delivered"], answer.body["delivery_method"]) == (202, False, "offline")
        assert "sent again" in answer.body["note"]
    people[0] = anna = start("anna", anna.folder, anna.port)
    with Rest(anna.companion) as rest:
        rest.post("ben", "I am back")  # a sign of life, after which ben's companion sends at once what waits
    wait_until(lambda: ("Are you there?", True) in anna.messages(ben), "the message that waited")
    wait_until(lambda: ("Are you there?", True) in ben.messages(anna), "its confirmation")

    # changed keys are refused until they are accepted
    ben.run("peers", "export", str(ben.folder / "backup.json"))
    ben.run("peers", "rotate")
    with Rest(ben.companion) as rest:
        assert not rest.post("anna", "with new keys")["delivered"]
    wait_until(lambda: "the signature is wrong" in anna.run("journal", "--filter", "event:refused"), "the refusal")
    assert ("with new keys", True) not in anna.messages(ben)
    assert anna.adds(ben)["changed"]
    assert "KEYS CHANGED" in anna.run("peers", "list")
    assert ("with new keys", True) not in anna.messages(ben)
    anna.run("peers", "accept", "ben")
    with Rest(anna.companion) as rest:
        rest.post("ben", "Now I know your keys")
    wait_until(lambda: ("with new keys", True) in anna.messages(ben), "the message with the accepted keys")
    assert not anna.peer("ben")["verified"]
    anna.run("peers", "forget", "ben")
    assert "no peers" in anna.run("peers", "list")

    secrets = json.loads((ben.folder / "backup.json").read_text())
    current = json.loads((ben.folder / "peer-keys.json").read_text())
    for file in ben.folder.rglob("*"):
        if file.is_file() and file.name not in ("backup.json", "peer-keys.json"):
            content = file.read_bytes()
            for name in ("x25519_secret", "ed25519_secret"):
                assert secrets[name].encode() not in content, file
                assert current[name].encode() not in content, file


def test_errors_are_sentences(people: list[Person]) -> None:
    anna, _ = people
    key = json.loads(anna.run("peers", "key"))
    own = ("--public-key", key["public_key"], "--signing-key", key["signing_key"])
    assert "your own keys" in anna.run("peers", "add", "zoe", *own, exits=1)
    assert "is missing or" not in anna.run(
        "peers", "add", "zoe", "--public-key", "x", "--signing-key", "y", exits=2
    )
    assert "There is no peer 'zoe'" in anna.run("peers", "forget", "zoe", exits=2)
    assert "Add --yes" in anna.run("peers", "erase", exits=2)
    anna.run("peers", "erase", "--yes")
    assert "no peers" in anna.run("peers", "list")
    assert "There are no keys" in anna.run("peers", "key", exits=1)
