"""The program is killed after each step of sending and receiving: every message arrives exactly once.

A kill is simulated by an exception that ends the step's task; a second companion then opens the same chat state.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app.companion import Companion
from app.protocol.backend import RestCaller
from app.protocol.peers.keys import PublicKeys
from app.sources.peers.outbox import BACKOFF_S
from app.system.settings import Settings
from tests.sources.peers.pair import ManualTime

Break = Callable[[Companion], None]


class Killed(BaseException):
    """The program was killed here."""


class Person:
    """A user with a data folder, and the companion that runs with it now."""

    def __init__(self, name: str, folder: Path, time: ManualTime) -> None:
        self.name, self.folder, self.time = name, folder, time
        self.companion: Companion
        folder.mkdir()

    async def start(self) -> None:
        settings = Settings(username=self.name, port=0, rest_port=0, peers=True, peer_port=0, presence_decays=False)
        self.companion = Companion(
            settings, clock=self.time.clock, chat_file=self.folder / "chat.db",
            peer_keys_file=self.folder / "peer-keys.json",
        )  # fmt: skip
        assert await self.companion.start_service("peers"), self.companion.services["peers"].error

    async def restart(self) -> None:
        await self.companion.close()
        await self.start()

    async def knows(self, other: "Person") -> None:
        keys = (await other.companion.identity.load()).public
        await self.companion.peers.add(other.name, keys, f"127.0.0.1:{other.companion.peer_server.port}")

    async def texts(self, other: "Person") -> list[str]:
        return [each["text"] for each in (await self.companion.chat.store.page(other.name, 50, 0))[0]]


@pytest.fixture
async def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Person, Person]]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setattr("app.system.control_token.store_in_keyring", lambda *_: None)
    monkeypatch.setattr("app.system.peer_keys.from_keyring", lambda *_: None)
    time = ManualTime()
    anna, ben = Person("anna", tmp_path / "anna", time), Person("ben", tmp_path / "ben", time)
    for each in (anna, ben):
        await each.start()
    await anna.knows(ben)
    await ben.knows(anna)
    yield anna, ben
    for each in (anna, ben):
        await each.companion.close()


def after(target: str, method: str) -> Break:
    """Return a change of a companion: it is killed after this method has done its work, the first time."""

    def change(companion: Companion) -> None:
        owner: Any = companion
        for name in target.split("."):
            owner = getattr(owner, name)
        real = getattr(owner, method)
        done: list[bool] = []

        async def killed_after(*args: Any, **options: Any) -> Any:
            result = await real(*args, **options)
            if not done:
                done.append(True)
                raise Killed
            return result

        setattr(owner, method, killed_after)

    return change


def before(target: str, method: str) -> Break:
    def change(companion: Companion) -> None:
        owner: Any = companion
        for name in target.split("."):
            owner = getattr(owner, name)

        async def killed(*_: Any, **__: Any) -> Any:
            raise Killed

        setattr(owner, method, killed)

    return change


SENDING = {
    "after the message is stored": after("chat.store", "send"),
    "after the outbox is read": after("peers", "waiting"),
    "before the connection": before("peer_link.outbox", "_connect"),
    "after the peer has confirmed": after("peer_link.outbox", "_connect"),
    "before it is marked as delivered": before("peers", "done"),
    "after it is marked as delivered": after("peers", "done"),
}


@pytest.mark.parametrize("step", SENDING)
async def test_a_sender_that_is_killed(people: tuple[Person, Person], step: str) -> None:
    anna, ben = people
    SENDING[step](anna.companion)
    with pytest.raises(Killed):
        await anna.companion.chat.post_message("ben", "exactly once", RestCaller("", ""))
    await anna.restart()
    anna.time.passed += BACKOFF_S[-1]
    await anna.companion.peer_link.outbox.send_due()
    assert await ben.texts(anna) == ["exactly once"]
    assert await anna.texts(ben) == ["exactly once"]
    assert (await anna.companion.peers.get("ben")).waiting == 0


RECEIVING = {
    "before it is stored": before("peers", "receive"),
    "after it is stored": after("peers", "receive"),
    "before the event": before("peer_link.receiver", "_fire"),
    "after the event, before the acknowledgement": after("peer_link.receiver", "receive"),
}


@pytest.mark.parametrize("step", RECEIVING)
async def test_a_recipient_that_is_killed(
    people: tuple[Person, Person], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, ben = people
    real = ben.companion.peer_link.handle

    async def handle(body: bytes, connection: Any) -> bytes | None:
        try:
            return await real(body, connection)
        except Killed:
            connection.abort()
            raise ConnectionResetError from None

    RECEIVING[step](ben.companion)
    monkeypatch.setattr(ben.companion.peer_link, "handle", handle)
    posted = await anna.companion.chat.post_message("ben", "exactly once", RestCaller("", ""))
    assert not posted.data["delivered"]
    await ben.restart()
    await anna.knows(ben)  # the port has changed
    anna.time.passed += BACKOFF_S[-1]
    await anna.companion.peer_link.outbox.send_due()
    assert await ben.texts(anna) == ["exactly once"]
    assert [each["delivered"] for each in (await anna.companion.chat.store.page("ben", 50, 0))[0]] == [True]


async def test_keys_and_pinned_peers_survive_a_restart(people: tuple[Person, Person]) -> None:
    anna, ben = people
    keys = (await anna.companion.identity.load()).public
    await anna.restart()
    assert (await anna.companion.identity.load()).public == keys
    pinned: PublicKeys = (await anna.companion.peers.get("ben")).keys
    assert pinned == (await ben.companion.identity.load()).public
