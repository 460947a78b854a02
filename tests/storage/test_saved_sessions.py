"""The saved sessions of the program: changes are made in the order of the calls."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.protocol.errors import NotFound
from app.protocol.session.saved import EditableText
from app.storage import saved_sessions as module
from app.storage.saved_sessions import SavedSessions
from app.storage.session_library import SessionLibrary

T = TypeVar("T")

LONG, SHORT = "# Long\nalice: hi\n", "# Short\nalice: hi\n"
LINES = '{"session": 1, "title": "Long"}\n{"mark": "x"}\n'


class Disk:
    """Does the work at once."""

    async def run_in_thread(self, work: Callable[[], T]) -> T:
        return work()


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """An event for which the first computation waits, as that of a long text does. The others take no time."""
    parsed, calls = asyncio.Event(), list[object]()

    async def compute(function: Callable[..., T], *args: Any) -> T:
        calls.append(function)
        if len(calls) == 1:
            await parsed.wait()
        return function(*args)

    monkeypatch.setattr(module, "compute", compute)
    return parsed


@pytest.fixture
def sessions(tmp_path: Path) -> SavedSessions:
    library = SessionLibrary(tmp_path / "own", tmp_path / "built-in")
    library.save("x", "# Old\nalice: hi\n", ".chat")
    return SavedSessions(library, Disk())


async def _in_order(parsed: asyncio.Event, *calls: Awaitable[object]) -> None:
    """Make calls, each when the ones before it have got as far as they can, then let the first text be parsed."""
    tasks = []
    for call in calls:
        tasks.append(asyncio.ensure_future(call))
        for _ in range(10):
            await asyncio.sleep(0)
    parsed.set()
    await asyncio.gather(*tasks)


async def test_the_text_that_was_saved_last_stays(sessions: SavedSessions, parsed: asyncio.Event) -> None:
    """Regression: a short text was written first, and a long one that was saved before it replaced it."""
    await _in_order(parsed, sessions.save("x", LONG, ".chat"), sessions.save("x", SHORT, ".chat"))
    assert await sessions.text(sessions.find("x")) == SHORT


async def test_an_edited_text_in_another_notation_does_not_replace_a_later_one(
    sessions: SavedSessions, parsed: asyncio.Event
) -> None:
    edited = EditableText(LINES, ".session.jsonl")
    await _in_order(parsed, sessions.save_edited("x", edited, ".chat"), sessions.save("x", SHORT, ".chat"))
    assert await sessions.text(sessions.find("x")) == SHORT


async def test_a_session_that_is_deleted_while_it_is_saved_does_not_come_back(
    sessions: SavedSessions, parsed: asyncio.Event
) -> None:
    await _in_order(parsed, sessions.save("x", LONG, ".chat"), sessions.delete("x"))
    with pytest.raises(NotFound):
        sessions.find("x")


async def test_a_session_that_is_renamed_while_it_is_saved_has_only_the_new_name(
    sessions: SavedSessions, parsed: asyncio.Event
) -> None:
    await _in_order(parsed, sessions.save("x", LONG, ".chat"), sessions.rename("x", "y"))
    assert [each.name for each in sessions.all] == ["y"]
    assert await sessions.text(sessions.find("y")) == LONG
