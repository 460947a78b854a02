"""Snapshots of the whole chat state: saved, loaded, and rejected with the location of the first error."""

import copy
import importlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.chat.store import ChatStore
from app.companion import Companion
from app.hub.generated_values import GeneratedValues
from app.hub.origin import PANEL
from app.protocol.backend import state_text
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.envelope import MAX_DEPTH
from app.protocol.errors import RequestError, StorageError, TooLarge
from app.storage.database import Database
from tests.conftest import MakeCompanion, examples
from tests.hub.doubles import FakeTime

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
async def seeded(make_companion: MakeCompanion) -> Companion:
    return await make_companion(clock=FakeTime().clock)


async def saved(companion: Companion, file: Path) -> dict[str, Any]:
    await companion.chat.store.save(file)
    return read(file)


def read(file: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return state


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_a_saved_state_that_is_loaded_is_saved_as_the_same_bytes(
    seeded: Companion, make_companion: MakeCompanion, tmp_path: Path
) -> None:
    await seeded.chat.add_person("Zoë 😀", is_friend=True)
    await seeded.chat.change_person("alice", pinned=True, auto_reply=True)
    message = seeded.message_from("bob", "line\nline\t\0 \u2028 👍")
    message.data["reactions"] = [{"emoji": "👍", "from": "me"}]
    await seeded.fire(message, origin=PANEL)
    await seeded.chat.store.save(tmp_path / "one.json")
    other = await make_companion(username="other user")
    await other.chat.load(tmp_path / "one.json")
    await other.chat.store.save(tmp_path / "two.json")
    assert (tmp_path / "two.json").read_bytes() == (tmp_path / "one.json").read_bytes()
    assert await other.chat.store.page("bob", 50, 0) == await seeded.chat.store.page("bob", 50, 0)
    assert files_in(tmp_path) == ["one.json", "two.json"]


async def test_loading_replaces_the_whole_state_and_is_logged(seeded: Companion, tmp_path: Path) -> None:
    before = await saved(seeded, tmp_path / "state.json")
    await seeded.chat.remove_person("alice")
    await seeded.fire(seeded.message_from("zoe", "Hi"), origin=PANEL)
    await seeded.chat.load(tmp_path / "state.json")
    assert await saved(seeded, tmp_path / "again.json") == before
    assert [row.event for row in seeded.journal][-1] == "chat state loaded"


async def test_a_state_file_with_fifty_chats_is_loaded(seeded: Companion, tmp_path: Path) -> None:
    state = await saved(seeded, tmp_path / "state.json")
    person, message = state["people"][0], next(m for m in state["messages"] if m["direction"] == "received")
    names = [f"friend{number:02}" for number in range(50)]
    state["people"] = [{**person, "username": name} for name in names]
    state["messages"] = [
        {**message, "msg_id": f"00000000-0000-0000-0000-{number:012}", "from": name, "read": number >= 3}
        for number, name in enumerate(names)
    ]
    (tmp_path / "state.json").write_text(json.dumps(state))
    await seeded.chat.load(tmp_path / "state.json")
    chats = await seeded.chat.conversations()
    assert len(chats) == 50
    assert sum(chat.unread for chat in chats) == 3


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"more": value}
    return value


async def test_a_message_with_the_deepest_nested_field_is_saved_and_loaded(
    seeded: Companion, tmp_path: Path
) -> None:
    """Regression: a saved state nests the fields of a message deeper than a frame, and could not be loaded."""
    state = await saved(seeded, tmp_path / "state.json")
    state["messages"][2]["extra"] = nested(MAX_DEPTH)
    await seeded.chat.restore(state)
    again = await saved(seeded, tmp_path / "state.json")
    assert again["messages"][2]["extra"] == nested(MAX_DEPTH)
    await seeded.chat.load(tmp_path / "state.json")
    assert await seeded.chat.store.snapshot() == again


def no_change(state: dict[str, Any]) -> None: ...


def change(*path: str | int, to: Any) -> Change:
    def apply(state: Any) -> None:
        for step in path[:-1]:
            state = state[step]
        state[path[-1]] = to

    return apply


def drop(*path: str | int) -> Change:
    def apply(state: Any) -> None:
        for step in path[:-1]:
            state = state[step]
        del state[path[-1]]

    return apply


INVALID_STATES: dict[str, tuple[Change, str]] = {
    "no version": (drop("version"), '"version": 1'),
    "version 2": (change("version", to=2), '"version": 1'),
    "no people": (drop("people"), "people"),
    "people is not a list": (change("people", to={}), "people"),
    "a person without name": (drop("people", 1, "username"), "people.*1"),
    "an empty name": (change("people", 1, "username", to=""), "people.*1.*empty"),
    "a name with a slash": (change("people", 1, "username", to="a/b"), "people.*1.*slash"),
    "a name twice": (change("people", 1, "username", to="alice"), "people.*twice"),
    "online is not a boolean": (change("people", 1, "online", to="yes"), r"people.*1.*online"),
    "a time beyond all calendars": (change("people", 1, "last_seen", to=1e300), r"people.*1.*last_seen"),
    "a time before all calendars": (change("people", 1, "added_at", to=-1e15), r"people.*1.*added_at"),
    "no messages": (drop("messages"), "messages"),
    "messages is not a list": (change("messages", to={}), "messages"),
    "a message that is not an object": (change("messages", 2, to="Hi"), r"messages\[2\]"),
    "no read mark": (drop("messages", 2, "read"), r"messages\[2\].*read"),
    "a read mark that is not a boolean": (change("messages", 2, "read", to=1), r"messages\[2\].*read"),
    "a message without id": (drop("messages", 2, "msg_id"), r"messages\[2\].msg_id: is missing"),
    "an id that is not a UUID": (change("messages", 2, "msg_id", to="7"), r"messages\[2\].msg_id: must be a UUID"),
    "an id twice": (
        lambda state: state["messages"].append(state["messages"][2]),
        r"messages\[14\].msg_id: .* twice",
    ),
    "an invalid time": (
        change("messages", 2, "timestamp", to="now"),
        r"messages\[2\].timestamp: must be a time",
    ),
    "an invalid direction": (change("messages", 2, "direction", to="up"), r"messages\[2\].direction"),
    "an unknown field": (change("messages", 2, "colour", to="red"), r"messages\[2\].colour: unknown field"),
    "a field that is nested too deep": (
        change("messages", 2, "extra", to=nested(MAX_DEPTH + 1)),
        r"messages\[2\].extra: nested deeper than 32 levels",
    ),
}


async def test_an_invalid_saved_state_is_rejected_with_its_location_and_changes_nothing(
    seeded: Companion, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    file = tmp_path / "state.json"
    before = await saved(seeded, file)
    for case in INVALID_STATES:
        with subtests.test(case=case):
            state = copy.deepcopy(before)
            break_it, place = INVALID_STATES[case]
            break_it(state)
            file.write_text(json.dumps(state))
            with pytest.raises(RequestError, match=f"^This is not a saved chat state: .*{place}"):
                await seeded.chat.load(file)
            assert await saved(seeded, file) == before


async def test_a_name_with_surrounding_whitespace_is_rejected_or_stripped(
    seeded: Companion, tmp_path: Path
) -> None:
    """Otherwise, requests could not find a person named `` bob ``."""
    file = tmp_path / "state.json"
    state = await saved(seeded, file)
    state["people"][1]["username"] = " bob "
    file.write_text(json.dumps(state))
    with suppress(RequestError):
        await seeded.chat.load(file)
    assert "bob" in [each.username for each in await seeded.chat.store.friends()]


async def test_an_invalid_json_file_is_rejected_and_changes_nothing(
    seeded: Companion, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    before = await seeded.chat.store.snapshot()
    for text in [
        b"", b"{", b"[]", b"null", b"NaN", b'{"version":1,"version":1}',
        b'{"version":1,"people":[],"messages":"\\ud800"}',
        b"[" * 100_000, b'{"version":1,"people":[' + b"[" * 40 + b"]" * 40 + b'],"messages":[]}',
        b"\xff\xfe", b'{"version":1e999}', b'{"version":' + b"1" * 5_000 + b"}",
    ]:  # fmt: skip
        with subtests.test(text=text):
            (tmp_path / "state.json").write_bytes(text)
            with pytest.raises((RequestError, StorageError), match=r"not a saved chat state|could not be read"):
                await seeded.chat.load(tmp_path / "state.json")
            assert await seeded.chat.store.snapshot() == before


async def test_a_missing_or_unwritable_file_raises_a_storage_error(seeded: Companion, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nowhere\.json could not be read"):
        await seeded.chat.load(tmp_path / "nowhere.json")
    with pytest.raises(StorageError, match=r"state\.json could not be written: No such file"):
        await seeded.chat.store.save(tmp_path / "no folder" / "state.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(StorageError, match="could not be written"):
        await seeded.chat.store.save(tmp_path / "folder.json")
    assert files_in(tmp_path) == ["folder.json"]


async def test_a_state_that_could_not_be_loaded_is_not_saved(
    seeded: Companion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: a file of more than 64 MB was written, and then could not be loaded."""
    monkeypatch.setattr("app.chat.store.state_text", partial(state_text, limit=1024))
    with pytest.raises(TooLarge, match="at most 0 MB can be loaded"):
        await seeded.chat.store.save(tmp_path / "state.json")
    assert files_in(tmp_path) == []


async def test_saving_and_loading_do_not_block_the_event_loop(
    seeded: Companion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the window and the servers stood still for seconds with a large state."""
    threads: dict[str, int] = {}

    def watch(name: str) -> None:
        module, _, function = name.rpartition(".")
        original = getattr(importlib.import_module(module), function)

        def watched(*given: Any) -> Any:
            threads[function] = threading.get_ident()
            return original(*given)

        monkeypatch.setattr(name, watched)

    for name in ("app.chat.store.state_text", "app.chat.store.parse_json", "app.chat.snapshot.parse_snapshot"):
        watch(name)
    await seeded.chat.store.save(tmp_path / "state.json")
    await seeded.chat.load(tmp_path / "state.json")
    assert threads.keys() == {"state_text", "parse_json", "parse_snapshot"}
    assert threading.get_ident() not in threads.values()


# any change to a saved state

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=80)
)
VALUES = (
    SCALARS
    | st.just(10**400)
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.text(max_size=5), SCALARS, max_size=2)
)


@pytest.fixture
async def backend() -> AsyncIterator[ChatStore]:
    database = Database(None)
    backend = ChatStore(database, built_in(), GeneratedValues(FakeTime().clock), lambda: "me")
    await backend.open()
    yield backend
    await database.close()


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every item of a JSON value that can be replaced or removed."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, child in inner for place in ((*path, key), *places(child, (*path, key)))]


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_changed_state_is_loaded_completely_or_not_at_all(
    backend: ChatStore, tmp_path: Path, data: st.DataObject
) -> None:
    await backend.reset()
    before = await backend.snapshot()
    state = copy.deepcopy(before)
    for _ in range(data.draw(st.integers(1, 3))):
        every = places(state)
        if not every:
            break
        place = data.draw(st.sampled_from(every))
        (drop(*place) if data.draw(st.booleans()) else change(*place, to=data.draw(VALUES)))(state)
    (tmp_path / "state.json").write_text(json.dumps(state), encoding="utf-8")
    try:
        await backend.replace(await backend.read(tmp_path / "state.json"))
    except (RequestError, StorageError):
        assert await backend.snapshot() == before
        return
    await assert_it_can_be_used(backend)


async def assert_it_can_be_used(backend: ChatStore) -> None:
    contract = built_in().get(Direction.TO_UI, "new_message")
    assert contract is not None
    for friend in await backend.friends():
        json.dumps(friend.friend(), allow_nan=False).encode()
        messages, _ = await backend.page(friend.username, 50, 0)
        assert [contract.problems(message) for message in messages] == [[]] * len(messages)
    await backend.conversations()
    await backend.primers()
    json.dumps(await backend.snapshot(), allow_nan=False).encode()
