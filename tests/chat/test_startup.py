"""Opening the chat state when the program starts."""

from collections.abc import AsyncIterator

import pytest

from app.chat.startup import open_chat_state
from app.hub.row import Verdict
from app.protocol.errors import StorageError
from tests.chat.doubles import ChatStage


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
    assert (row.event, row.verdict) == ("chat state loaded", Verdict.WARNING)
    assert row.note.startswith("The user name me is also a friend in this chat state")


async def test_a_state_that_cannot_be_read_is_a_warning(chat: ChatStage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(chat.service.store, "conversations", fail)
    warnings: list[str] = []
    await open_chat_state(chat.service, warnings, presence_decays=False)
    assert warnings == ["the disk is gone."]
