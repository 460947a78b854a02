"""The cast of the first start, and changing the cast."""

import base64
from pathlib import Path
from typing import Any

import pytest

from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.backend import MAX_REACTIONS
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.errors import Conflict, Malformed, NotFound, RequestError
from tests.chat.windows import friend, unread
from tests.conftest import MakeCompanion
from tests.hub.doubles import FakeTime


async def people(companion: Companion) -> dict[str, bool]:
    return {each.username: each.is_friend for each in await companion.chat.store.people()}


async def history(companion: Companion, peer: str) -> list[dict[str, Any]]:
    return (await companion.chat.store.page(peer, 50, 0))[0]


async def test_the_first_start_creates_four_friends_and_two_non_friends(companion: Companion) -> None:
    assert await people(companion) == {
        "alice": True, "bob": True, "carol": True, "dave": True, "erin": False, "frank": False,
    }  # fmt: skip
    assert companion.personas == ["alice", "bob", "carol", "dave"]


async def test_every_friend_has_a_history_of_valid_messages(companion: Companion) -> None:
    contract = built_in().get(Direction.TO_UI, "new_message")
    assert contract is not None
    for each in await companion.chat.store.friends():
        messages = await history(companion, each.username)
        assert messages != []
        assert [contract.problems(message) for message in messages] == [[]] * len(messages)
        assert {message["from"] for message in messages} == {"me", each.username}
        assert [message["timestamp"] for message in messages] == sorted(m["timestamp"] for m in messages)


async def test_the_initial_history_has_unread_messages(companion: Companion) -> None:
    assert await unread(companion) == {"alice": 2, "bob": 0, "carol": 1, "dave": 0}


async def test_keys_are_base64_of_32_bytes_and_differ(companion: Companion) -> None:
    keys = [key for each in await companion.chat.store.friends() for key in (each.public_key, each.signing_key)]
    assert [len(base64.b64decode(key, validate=True)) for key in keys] == [32] * 8
    assert len(set(keys)) == 8


async def test_first_starts_at_the_same_time_create_the_same_state(make_companion: MakeCompanion) -> None:
    time = FakeTime()
    first, second = [await make_companion(clock=time.clock) for _ in range(2)]
    assert await first.chat.store.snapshot() == await second.chat.store.snapshot()


async def test_the_cast_is_kept_and_not_created_again_at_the_next_start(
    make_companion: MakeCompanion, tmp_path: Path
) -> None:
    file = tmp_path / "chat.db"
    first = await make_companion(chat_file=file)
    await first.chat.remove_friend("alice")
    before = await first.chat.store.snapshot()
    await first.close()
    again = await make_companion(chat_file=file)
    assert await again.chat.store.snapshot() == before


async def test_reset_restores_the_initial_state_and_is_logged(make_companion: MakeCompanion) -> None:
    companion = await make_companion(clock=FakeTime().clock)
    before = await companion.chat.store.snapshot()
    await companion.chat.add_person("zoe", is_friend=True)
    await companion.chat.remove_person("alice")
    await companion.chat.delete_message((await history(companion, "bob"))[0]["msg_id"])
    assert await companion.chat.store.snapshot() != before
    await companion.chat.reset()
    assert await companion.chat.store.snapshot() == before
    assert [row.event for row in companion.journal] == ["chat state reset"]


async def test_the_initial_history_uses_the_name_of_the_local_user(make_companion: MakeCompanion) -> None:
    companion = await make_companion(username="zoe")
    assert {message["from"] for message in await history(companion, "alice")} == {"zoe", "alice"}


async def test_a_person_can_be_added_as_a_friend_or_as_a_non_friend(companion: Companion) -> None:
    assert (await companion.chat.add_person("zoe", is_friend=True)).username == "zoe"
    await companion.chat.add_person("yan", is_friend=False)
    found = await people(companion)
    assert (found["zoe"], found["yan"]) == (True, False)
    assert not (await friend(companion, "zoe")).online


@pytest.mark.parametrize(
    ("name", "stripped"),
    [("  zoe ", "zoe"), ("Zoë & Co", "Zoë & Co"), ("😀", "😀"), ("n" * 64, "n" * 64), ("50%", "50%")],
)
async def test_a_valid_name_is_stored_without_surrounding_whitespace(
    companion: Companion, name: str, stripped: str
) -> None:
    assert (await companion.chat.add_person(name, is_friend=True)).username == stripped
    await companion.chat.rename_person(stripped, "other name")
    await companion.chat.rename_person("other name", name)
    assert (await friend(companion, stripped)).username == stripped


async def test_an_invalid_name_is_rejected_and_changes_nothing(
    companion: Companion, subtests: pytest.Subtests
) -> None:
    before = await companion.chat.store.snapshot()
    for name in ["", "   ", "n" * 65, "a/b", "a\nb", "a\tb", "a\x00b", "\ud83d", "a\u200bb", "/"]:
        with subtests.test(name=name):
            with pytest.raises(RequestError, match=r"^(The name|A name) .*\.$") as caught:
                await companion.chat.add_person(name, is_friend=True)
            assert isinstance(caught.value, Malformed)
            with pytest.raises(RequestError):
                await companion.chat.rename_person("alice", name)
            assert await companion.chat.store.snapshot() == before


async def test_adding_or_renaming_to_an_existing_username_raises_a_conflict(companion: Companion) -> None:
    before = await companion.chat.store.snapshot()
    for refused in (
        companion.chat.add_person("erin", is_friend=True),
        companion.chat.rename_person("alice", "bob"),
        companion.chat.rename_person("alice", " frank "),
    ):
        with pytest.raises(RequestError, match="There is already a persona") as caught:
            await refused
        assert isinstance(caught.value, Conflict)
    assert await companion.chat.store.snapshot() == before


async def test_changing_an_unknown_person_raises_not_found(companion: Companion) -> None:
    before = await companion.chat.store.snapshot()
    for refused in (
        companion.chat.rename_person("zoe", "yan"),
        companion.chat.remove_person("zoe"),
        companion.chat.change_person("zoe", pinned=True),
    ):
        with pytest.raises(RequestError, match="There is no persona 'zoe'") as caught:
            await refused
        assert isinstance(caught.value, NotFound)
    assert await companion.chat.store.snapshot() == before


async def test_renaming_a_person_updates_their_messages_and_keeps_the_unread_count(companion: Companion) -> None:
    before = await history(companion, "alice")
    await companion.chat.rename_person("alice", "anna")
    after = await history(companion, "anna")
    assert await history(companion, "alice") == []
    assert [(m["from"], m["to"]) for m in after] == [
        tuple("anna" if name == "alice" else name for name in (m["from"], m["to"])) for m in before
    ]
    assert [m["text"] for m in after] == [m["text"] for m in before]
    assert (await unread(companion))["anna"] == 2


async def test_renaming_a_person_is_a_row_of_the_log(companion: Companion) -> None:
    """The lint needs it: earlier messages are from the old name, also in a recording."""
    await companion.chat.rename_person("alice", "anna")
    row = list(companion.journal)[-1]
    assert (row.event, row.note) == ("persona renamed", "alice is now anna; reload your UI to see it")


async def test_renaming_a_person_renames_their_reactions(companion: Companion) -> None:
    first, second = (await history(companion, "alice"))[:2]
    for message, by in ((first, "alice"), (first, "me"), (second, "me")):
        await companion.chat.react(message["msg_id"], "👍", by)
    await companion.chat.rename_person("alice", "anna")
    first, second = (await history(companion, "anna"))[:2]
    assert [each["from"] for each in first["reactions"]] == ["anna", "me"]
    assert [each["from"] for each in second["reactions"]] == ["me"]


@pytest.mark.parametrize("name", ["me", " me "])
async def test_a_persona_cannot_have_the_name_of_the_local_user(companion: Companion, name: str) -> None:
    before = await companion.chat.store.snapshot()
    for refused in (
        companion.chat.add_person(name, is_friend=True),
        companion.chat.rename_person("alice", name),
    ):
        with pytest.raises(Malformed, match="me is the local user"):
            await refused
    assert await companion.chat.store.snapshot() == before


async def test_removing_a_person_keeps_their_messages(companion: Companion) -> None:
    before = await history(companion, "alice")
    await companion.chat.remove_person("alice")
    assert "alice" not in await people(companion)
    assert await history(companion, "alice") == before
    await companion.chat.add_person("alice", is_friend=True)
    assert await history(companion, "alice") == before


async def test_a_reaction_is_added_to_a_message_and_removed_again(companion: Companion) -> None:
    msg_id = (await history(companion, "bob"))[0]["msg_id"]
    await companion.chat.react(msg_id, "👍", "bob")
    await companion.chat.react(msg_id, "🎉", "bob")
    assert (await history(companion, "bob"))[0]["reactions"] == [
        {"emoji": "👍", "from": "bob"},
        {"emoji": "🎉", "from": "bob"},
    ]
    await companion.chat.react(msg_id, "👍", "bob")
    await companion.chat.react(msg_id, "🎉", "bob")
    assert "reactions" not in (await history(companion, "bob"))[0]


async def test_a_user_can_have_fifty_reactions_to_a_message(companion: Companion) -> None:
    """Regression: their number was not limited, and each addition wrote all of them again."""
    msg_id = (await history(companion, "bob"))[0]["msg_id"]
    for number in range(MAX_REACTIONS):
        await companion.chat.react(msg_id, str(number), "bob")
    with pytest.raises(Conflict, match="bob already has 50 reactions"):
        await companion.chat.react(msg_id, "🎉", "bob")
    await companion.chat.react(msg_id, "🎉", "alice")
    await companion.chat.react(msg_id, "0", "bob")
    await companion.chat.react(msg_id, "🎉", "bob")
    assert len((await history(companion, "bob"))[0]["reactions"]) == MAX_REACTIONS + 1


async def test_the_chat_with_the_newest_message_comes_first(companion: Companion) -> None:
    chats = await companion.chat.conversations()
    assert [chat.person.username for chat in chats] == ["alice", "carol", "bob", "dave"]
    await companion.fire(companion.message_from("dave", "Hi"), origin=PANEL)
    first = (await companion.chat.conversations())[0]
    assert first.newest is not None
    assert (first.person.username, first.unread, first.newest["text"]) == ("dave", 1, "Hi")


async def test_the_changed_signal_is_emitted_for_every_change(companion: Companion) -> None:
    emitted: list[None] = []
    companion.chat.changed.connect(emitted.append)
    await companion.chat.add_person("zoe", is_friend=True)
    await companion.chat.change_person("zoe", pinned=True)
    await companion.fire(companion.message_from("zoe", "Hi"), origin=PANEL)
    assert len(emitted) == 3
