from app.chat.read_marks import InMemoryReadMarks
from app.hub.journal import Verdict
from tests.chat.doubles import ChatStage


def marks_with(*msg_ids: str) -> InMemoryReadMarks:
    marks = InMemoryReadMarks()
    for msg_id in msg_ids:
        marks.add("me", "alice", msg_id)
    return marks


def test_marking_counts_the_messages_that_were_unread_until_now() -> None:
    marks = marks_with("a", "b", "c")
    assert marks.mark("me", "alice", "b") == 2
    assert marks.mark("me", "alice", "c") == 1


def test_marking_again_or_something_older_changes_nothing() -> None:
    marks = marks_with("a", "b")
    assert marks.mark("me", "alice", "b") == 2
    assert marks.mark("me", "alice", "b") == 0
    assert marks.mark("me", "alice", "a") == 0


def test_a_message_that_came_twice_counts_once() -> None:
    marks = marks_with("a", "a", "b")
    assert marks.mark("me", "alice", "b") == 2


def test_a_message_of_another_chat_or_reader_is_unknown() -> None:
    marks = marks_with("a")
    assert marks.mark("me", "bob", "a") is None
    assert marks.mark("zoe", "alice", "a") is None
    assert marks.mark("me", "alice", "z") is None
    assert marks.mark("me", "alice", "a") == 1


def test_a_client_marks_what_its_user_got(chat: ChatStage) -> None:
    client = chat.join()
    chat.marks.add("me", "alice", "a")
    chat.marks.add("me", "alice", "b")
    row = chat.says(client, "mark_read", peer="alice", msg_id="b")
    assert (row.note, row.verdict) == ("2 messages from alice read", Verdict.OK)
    row = chat.says(client, "mark_read", peer="alice", msg_id="b")
    assert (row.note, row.verdict) == ("0 messages from alice read", Verdict.OK)


def test_an_unknown_message_changes_nothing_and_is_noted(chat: ChatStage) -> None:
    client = chat.join()
    row = chat.says(client, "mark_read", peer="alice", msg_id="test-id-123")
    assert row.note == "no message test-id-123 from alice is known: nothing changed"
    assert row.verdict is Verdict.WARNING
    assert chat.frames(client) == []


def test_nothing_is_sent_when_something_was_read(chat: ChatStage) -> None:
    client, other = chat.join(), chat.join("alice")
    chat.marks.add("me", "alice", "a")
    chat.says(client, "mark_read", peer="alice", msg_id="a")
    assert chat.frames(client) == chat.frames(other) == []
