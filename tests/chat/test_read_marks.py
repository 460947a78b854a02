"""``mark_read``: the messages from a peer up to and including one, by timestamp and then by arrival."""

from typing import Any

from app.hub.journal import Verdict
from app.protocol.envelope import Envelope
from tests.chat.doubles import ChatStage

OLD = "2020-01-15T10:30:00Z"


def an_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


async def arrive(chat: ChatStage, number: int, timestamp: str = OLD, **changes: Any) -> None:
    """Let message ``number`` from zoe arrive."""
    data = {
        "msg_id": an_id(number), "from": "zoe", "to": "me", "text": "Hi", "timestamp": timestamp,
        "direction": "received", "delivered": True, "delivery_method": "direct",
    }  # fmt: skip
    await chat.service.record(Envelope("new_message", {**data, **changes}))


async def unread(chat: ChatStage) -> list[str]:
    return [each["msg_id"] for each in (await chat.service.store.snapshot())["messages"] if not each["read"]]


async def mark(chat: ChatStage, number: int, peer: str = "zoe") -> int | None:
    return await chat.service.mark_read(peer, an_id(number))


async def test_marking_counts_the_messages_that_were_unread_until_now(chat: ChatStage) -> None:
    for number in range(3):
        await arrive(chat, number)
    assert await mark(chat, 1) == 2
    assert await mark(chat, 2) == 1


async def test_marking_again_or_something_older_changes_nothing(chat: ChatStage) -> None:
    for number in range(2):
        await arrive(chat, number)
    assert [await mark(chat, number) for number in (1, 1, 0)] == [2, 0, 0]


async def test_a_message_that_came_twice_counts_once(chat: ChatStage) -> None:
    for number in (0, 0, 1):
        await arrive(chat, number)
    assert await mark(chat, 1) == 2


async def test_what_is_read_up_to_goes_by_timestamp_and_not_by_arrival(chat: ChatStage) -> None:
    await arrive(chat, 0, "2020-01-15T12:00:00Z")
    await arrive(chat, 1, "2020-01-15T10:00:00Z")
    await arrive(chat, 2, "2020-01-15T11:00:00Z")
    assert await mark(chat, 2) == 2
    assert an_id(0) in await unread(chat)
    assert await mark(chat, 0) == 1


async def test_timestamps_are_compared_as_moments_whatever_their_zone(chat: ChatStage) -> None:
    await arrive(chat, 0, "2020-01-15T12:00:00+03:00")  # 09:00 in UTC
    await arrive(chat, 1, "2020-01-15T10:00:00Z")
    assert await mark(chat, 0) == 1
    assert an_id(1) in await unread(chat)


async def test_of_one_moment_those_count_that_had_arrived_by_then(chat: ChatStage) -> None:
    for number in (2, 0, 1):
        await arrive(chat, number)
    assert await mark(chat, 0) == 2
    assert an_id(1) in await unread(chat)


async def test_sent_messages_are_never_unread_and_can_not_be_marked(chat: ChatStage) -> None:
    await arrive(chat, 0)
    await arrive(chat, 1, **{"direction": "sent", "from": "me", "to": "zoe"})
    assert await mark(chat, 1) is None
    assert an_id(0) in await unread(chat)
    assert an_id(1) not in await unread(chat)


async def test_a_message_of_another_chat_is_unknown(chat: ChatStage) -> None:
    await arrive(chat, 0)
    before = await unread(chat)
    assert await mark(chat, 0, peer="alice") is None
    assert await mark(chat, 7) is None
    assert await unread(chat) == before
    assert await mark(chat, 0) == 1


async def test_other_chats_stay_unread(chat: ChatStage) -> None:
    before = await unread(chat)
    await arrive(chat, 0, "2040-01-15T10:30:00Z")
    assert await mark(chat, 0) == 1
    assert await unread(chat) == before != []


async def test_a_client_marks_what_its_user_got(chat: ChatStage) -> None:
    client = chat.join()
    for number in range(3):
        await arrive(chat, number)
    row = await chat.says(client, "mark_read", peer="zoe", msg_id=an_id(2))
    assert (row.note, row.verdict) == ("3 messages from zoe read", Verdict.OK)
    row = await chat.says(client, "mark_read", peer="zoe", msg_id=an_id(2))
    assert (row.note, row.verdict) == ("0 messages from zoe read", Verdict.OK)


async def test_an_unknown_message_changes_nothing_and_is_noted(chat: ChatStage) -> None:
    client = chat.join()
    before = await chat.service.store.snapshot()
    row = await chat.says(client, "mark_read", peer="alice", msg_id="test-id-123")
    assert row.note == "there is no message test-id-123 from alice, so nothing changed"
    assert row.verdict is Verdict.WARNING
    assert chat.frames(client) == []
    assert await chat.service.store.snapshot() == before


async def test_nothing_is_sent_when_something_was_read(chat: ChatStage) -> None:
    await arrive(chat, 0)
    client, other = chat.join(), chat.join("zoe")
    await chat.says(client, "mark_read", peer="zoe", msg_id=an_id(0))
    assert chat.frames(client) == chat.frames(other) == []
