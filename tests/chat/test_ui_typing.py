"""Tests of UiTyping: the friends that the UI is typing to."""

from app.chat.ui_typing import MAX_FRIENDS
from tests.chat.doubles import ChatStage


async def test_typing_of_the_local_user_is_remembered_until_it_ends(chat: ChatStage) -> None:
    ui, typing = chat.join("me"), chat.service.ui_typing
    changes: list[str] = []
    typing.changed.connect(changes.append)
    await chat.send_event(ui, "typing", to="bob", typing=True)
    await chat.send_event(ui, "typing", to="bob", typing=True)
    assert typing.is_typing("bob")
    assert not typing.is_typing("carol")
    await chat.send_event(ui, "typing", to="bob", typing=False)
    assert not typing.is_typing("bob")
    assert changes == ["bob", "bob"], "a repeated event is not a change"


async def test_typing_of_a_client_that_acts_as_a_friend_does_not_count(chat: ChatStage) -> None:
    await chat.send_event(chat.join("alice"), "typing", to="bob", typing=True)
    assert not chat.service.ui_typing.is_typing("bob")


async def test_typing_ends_five_seconds_after_the_last_event(chat: ChatStage) -> None:
    ui, typing = chat.join("me"), chat.service.ui_typing
    await chat.send_event(ui, "typing", to="bob", typing=True)
    chat.time.passed += 4
    await chat.send_event(ui, "typing", to="bob", typing=True)
    chat.time.passed += 4.9
    assert typing.is_typing("bob")
    chat.time.passed += 0.1
    assert not typing.is_typing("bob")
    changes: list[str] = []
    typing.changed.connect(changes.append)
    await chat.send_event(ui, "typing", to="bob", typing=True)
    assert changes == ["bob"]


async def test_the_number_of_remembered_friends_is_limited(chat: ChatStage) -> None:
    typing = chat.service.ui_typing
    for number in range(MAX_FRIENDS + 10):
        typing.note(f"user {number}", True)
    assert not typing.is_typing(f"user {MAX_FRIENDS + 5}")
    chat.time.passed += 5
    typing.note("bob", True)
    assert typing.is_typing("bob")
