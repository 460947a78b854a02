"""``mark_read``: the messages from a peer up to and including one, by timestamp and then by arrival."""

from typing import Any

from app.hub.journal import Verdict
from app.protocol.envelope import Envelope
from tests.chat.doubles import ChatStage

OLD = "2020-01-15T10:30:00Z"


def message_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


async def arrive(chat: ChatStage, number: int, timestamp: str = OLD, **changes: Any) -> None:
    """Record message ``number`` from zoe."""
    data = {
        "msg_id": message_id(number), "from": "zoe", "to": "me", "text": "Hi", "timestamp": timestamp,
        "direction": "received", "delivered": True, "delivery_method": "direct",
    }  # fmt: skip
    await chat.service.record(Envelope("new_message", {**data, **changes}))


async def unread(chat: ChatStage) -> list[str]:
    return [each["msg_id"] for each in (await chat.service.store.snapshot())["messages"] if not each["read"]]


async def mark(chat: ChatStage, number: int, peer: str = "zoe") -> int | None:
    return await chat.service.mark_read(peer, message_id(number))


async def test_marking_returns_the_number_of_messages_that_became_read(chat: ChatStage) -> None:
    for number in range(3):
        await arrive(chat, number)
    assert await mark(chat, 1) == 2
    assert await mark(chat, 2) == 1


async def test_marking_the_same_or_an_older_message_changes_nothing(chat: ChatStage) -> None:
    for number in range(2):
        await arrive(chat, number)
    assert [await mark(chat, number) for number in (1, 1, 0)] == [2, 0, 0]


async def test_a_duplicate_message_is_counted_once(chat: ChatStage) -> None:
    for number in (0, 0, 1):
        await arrive(chat, number)
    assert await mark(chat, 1) == 2


async def test_messages_are_marked_in_timestamp_order_not_in_arrival_order(chat: ChatStage) -> None:
    await arrive(chat, 0, "2020-01-15T12:00:00Z")
    await arrive(chat, 1, "2020-01-15T10:00:00Z")
    await arrive(chat, 2, "2020-01-15T11:00:00Z")
    assert await mark(chat, 2) == 2
    assert message_id(0) in await unread(chat)
    assert await mark(chat, 0) == 1


async def test_timestamps_in_different_time_zones_are_compared_in_utc(chat: ChatStage) -> None:
    await arrive(chat, 0, "2020-01-15T12:00:00+03:00")  # 09:00 in UTC
    await arrive(chat, 1, "2020-01-15T10:00:00Z")
    assert await mark(chat, 0) == 1
    assert message_id(1) in await unread(chat)


async def test_messages_with_equal_timestamps_are_ordered_by_arrival(chat: ChatStage) -> None:
    for number in (2, 0, 1):
        await arrive(chat, number)
    assert await mark(chat, 0) == 2
    assert message_id(1) in await unread(chat)


async def test_sent_messages_are_never_unread(chat: ChatStage) -> None:
    await arrive(chat, 0)
    await arrive(chat, 1, **{"direction": "sent", "from": "me", "to": "zoe"})
    assert message_id(0) in await unread(chat)
    assert message_id(1) not in await unread(chat)


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


async def test_a_message_to_the_peer_marks_the_older_ones_from_the_peer(chat: ChatStage) -> None:
    """The newest message of a chat is often one's own, such as after a reload."""
    await arrive(chat, 0)
    await arrive(chat, 1, **{"direction": "sent", "from": "me", "to": "zoe"})
    await arrive(chat, 2)
    assert await mark(chat, 1, "alice") is None
    assert await mark(chat, 1) == 1
    assert await mark(chat, 2) == 1


async def test_a_client_marks_messages_to_its_user_as_read(chat: ChatStage) -> None:
    client = chat.join()
    for number in range(3):
        await arrive(chat, number)
    row = await chat.send_event(client, "mark_read", peer="zoe", msg_id=message_id(2))
    assert (row.note, row.verdict) == ("3 messages from zoe read", Verdict.OK)
    row = await chat.send_event(client, "mark_read", peer="zoe", msg_id=message_id(2))
    assert (row.note, row.verdict) == ("0 messages from zoe read", Verdict.OK)


async def test_an_unknown_message_changes_nothing_and_is_noted(chat: ChatStage) -> None:
    client = chat.join()
    before = await chat.service.store.snapshot()
    row = await chat.send_event(client, "mark_read", peer="alice", msg_id="test-id-123")
    assert row.note == "there is no message test-id-123 from alice, so nothing changed"
    assert row.verdict is Verdict.WARNING
    assert chat.frames(client) == []
    assert await chat.service.store.snapshot() == before


async def test_marking_as_read_sends_nothing(chat: ChatStage) -> None:
    await arrive(chat, 0)
    client, other = chat.join(), chat.join("zoe")
    await chat.send_event(client, "mark_read", peer="zoe", msg_id=message_id(0))
    assert chat.frames(client) == chat.frames(other) == []
