"""Opening the chat state when the program starts."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from app.chat import startup
from app.chat.startup import open_chat_state
from app.companion import Companion
from app.hub.row import Verdict
from app.observers import recordings
from app.protocol.errors import StorageError
from app.storage import chat_file
from app.system.settings import Settings
from tests.chat.doubles import ChatStage
from tests.conftest import until


@pytest.fixture
async def chat() -> AsyncIterator[ChatStage]:
    """A chat state that is not open yet."""
    stage = ChatStage()
    yield stage
    await stage.database.close()


async def test_the_friends_are_known_after_the_start(chat: ChatStage) -> None:
    warnings: list[str] = []
    await open_chat_state(chat.service, warnings, presence_decays=True)
    assert sorted(chat.service.presence) == ["alice", "bob", "carol", "dave"]
    assert warnings == []


@pytest.mark.parametrize("presence_decays", [True, False])
async def test_presence_expires_at_start_only_if_the_setting_is_enabled(
    chat: ChatStage, monkeypatch: pytest.MonkeyPatch, presence_decays: bool
) -> None:
    calls: list[str] = []

    async def expire_presence() -> list[str]:
        calls.append("expire presence")
        return []

    monkeypatch.setattr(chat.service.store, "expire_presence", expire_presence)
    await open_chat_state(chat.service, [], presence_decays=presence_decays)
    assert calls == ["expire presence"] * presence_decays


async def test_a_loaded_state_with_a_friend_named_like_the_local_user_is_a_warning(chat: ChatStage) -> None:
    await open_chat_state(chat.service, [], presence_decays=False)
    state = await chat.service.snapshot()
    state["people"][0]["username"] = "me"
    await chat.service.restore(state)
    row = chat.journal.row(chat.journal.last_seq)
    assert row is not None
    assert (row.event, row.verdict) == ("chat state loaded", Verdict.WARNING)
    assert row.note.startswith("The user name me is also a friend in this chat state")


async def test_a_state_that_cannot_be_read_is_a_warning(chat: ChatStage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(chat.service.store, "conversations", fail)
    warnings: list[str] = []
    warning = await open_chat_state(chat.service, warnings, presence_decays=False)
    assert warnings == [warning] == ["The friends could not be read: the disk is gone."]


async def test_a_state_that_is_locked_at_the_start_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: there were no friends and no recording until the next start, and the warnings stayed."""
    monkeypatch.setattr(chat_file, "BUSY_MS", 0)
    monkeypatch.setattr(startup, "RETRY_S", 0.01)
    monkeypatch.setattr(recordings, "CHECK_S", 0.01)
    first = Companion(Settings(), chat_file=tmp_path / "chat.db")
    await first.open()
    await first.chat.remove_person("dave")
    await first.close()
    companion = Companion(Settings(), chat_file=tmp_path / "chat.db", recordings_folder=tmp_path / "recordings")
    changes: list[list[str]] = []
    companion.changed.connect(lambda _: changes.append(companion.warnings))
    with closing(sqlite3.connect(tmp_path / "chat.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await companion.open()
        locked = "another program has locked chat.db: close it and try again."
        assert companion.warnings == [
            f"The chat state could not be read: {locked}", f"This run is not recorded: {locked}",
        ]  # fmt: skip
        assert companion.friends == []
    await until(lambda: changes and not changes[-1])
    assert companion.friends == ["alice", "bob", "carol"]
    assert [each.name for each in await companion.recording_actions.runs()] == ["this-run"]
    await companion.close()


async def test_a_state_that_was_never_used_is_filled_later(
    chat: ChatStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill, errors = chat.service.store.fill, ["the disk is full"] * 2

    async def fail() -> None:
        if errors:
            raise StorageError(errors.pop())
        await fill()

    monkeypatch.setattr(startup, "RETRY_S", 0)
    monkeypatch.setattr(chat.service.store, "fill", fail)
    warnings: list[str] = []
    warning = await open_chat_state(chat.service, warnings, presence_decays=False)
    assert warnings == [warning] == ["The default personas could not be stored: the disk is full."]
    announced: list[str] = []
    await startup.read_chat_state_later(
        chat.service, warnings, warning, lambda: announced.append("read"), lambda: False
    )
    assert announced == ["read"]
    assert (warnings, len(chat.service.presence)) == ([], 4)
