"""A session that replaces the chat state is played on a copy: the user's own chats are back when it ends."""

import asyncio
import json
import threading
from typing import Any

import pytest

from app.companion import Companion
from app.hub.clock import Clock
from app.hub.held_items import BreakpointOptions
from app.hub.origin import PANEL
from app.hub.session_run import Options, RunState
from app.protocol.backend import RestCaller
from app.protocol.errors import Conflict, NotFound
from app.protocol.session.steps import Header, Session
from app.protocol.session.transcript import parse_transcript
from app.system.settings import Settings
from tests.conftest import until
from tests.sources.theatre import Theatre


class Files:
    """Files in memory."""

    def __init__(self, **files: Any) -> None:
        self.files = {f"{name}.json": content for name, content in files.items()}

    async def read(self, name: str) -> Any:
        if name not in self.files:
            raise NotFound(f"There is no file {name!r}.")
        return self.files[name]

    async def write(self, name: str, content: Any) -> None:
        self.files[name] = content


async def turns_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def texts(theatre: Theatre) -> list[str]:
    state = await theatre.companion.chat.store.snapshot()
    return [each["text"] for each in state["messages"]]


async def test_the_chats_before_the_session_are_back_when_it_ends(theatre: Theatre) -> None:
    await theatre.play("alice: mine")
    before = await theatre.companion.chat.store.snapshot()
    run = await theatre.play("state reset\nalice: in the session\nalice goes offline")
    assert run.passed
    assert await theatre.companion.chat.store.snapshot() == before
    assert theatre.companion.chat.presence["alice"]


async def test_keep_keeps_the_state_that_the_session_leaves(theatre: Theatre) -> None:
    await theatre.play("alice: mine")
    await theatre.play("state reset\nalice: in the session", keep=True)
    assert "in the session" in await texts(theatre)
    assert "mine" not in await texts(theatre)


async def test_keep_does_not_keep_what_a_session_leaves_whose_steps_cannot_be_played(theatre: Theatre) -> None:
    """Regression: a mistyped file name after ``state reset`` cost the user's own chats."""
    before = await theatre.companion.chat.store.snapshot()
    run = await theatre.play("state reset\nalice: in the session\nstate load missing.json", keep=True)
    assert run.error.endswith(" 2 of 3 steps were played. Its chat state was not kept: yours is back.")
    assert await theatre.companion.chat.store.snapshot() == before


@pytest.mark.parametrize(
    ("text", "timeout_s"),
    [("expect typing within 0.01s", None), ("wait for nobody", None), ("wait for nobody", 0.2)],
    ids=["unmet", "stopped", "timeout"],
)
async def test_keep_keeps_the_state_of_a_session_that_failed_or_was_stopped(
    theatre: Theatre, text: str, timeout_s: float | None
) -> None:
    run = theatre.start(f"state reset\nalice: in the session\n{text}", keep=True, timeout_s=timeout_s)
    await until(lambda: run.totals.steps == 2)
    if timeout_s is None:
        await theatre.companion.sessions.stop(run.number)
    await theatre.companion.sessions.wait(run)
    assert run.state in (RunState.FAILED, RunState.STOPPED)
    assert "not kept" not in run.error
    assert "in the session" in await texts(theatre)


async def test_keep_does_not_keep_the_state_if_a_step_of_a_rule_cannot_be_played(theatre: Theatre) -> None:
    before = await theatre.companion.chat.store.snapshot()
    rule = "when typing\n    state reset\n    state load missing.json\n"
    run = theatre.start(f"{rule}note it began\nexpect typing within 30s", keep=True)
    await until(lambda: run.totals.steps)
    theatre.send("typing", to="alice", typing=True)
    await theatre.companion.sessions.wait(run)
    assert (run.state, run.error) == (RunState.FAILED, "Its chat state was not kept: yours is back.")
    assert await theatre.companion.chat.store.snapshot() == before


async def test_a_state_is_saved_and_loaded(theatre: Theatre) -> None:
    files = Files()
    steps = "state reset\nalice: kept\nstate save a.json\nalice: lost\nstate load a.json\nstate save b.json"
    await theatre.play(steps, files=files)
    texts = [[each["text"] for each in state["messages"]] for state in files.files.values()]
    assert "kept" in texts[0]
    assert "lost" not in texts[1]


async def test_a_session_that_is_stopped_gives_the_chats_back(theatre: Theatre) -> None:
    before = await theatre.companion.chat.store.snapshot()
    run = theatre.start("state reset\nalice: in the session\nwait for nobody within 60s")
    await until(lambda: run.totals.steps == 2)
    assert await theatre.companion.chat.store.snapshot() != before
    await theatre.companion.sessions.stop(run.number)
    assert await theatre.companion.chat.store.snapshot() == before


@pytest.mark.parametrize("content", [{"version": 99}, "text", None])
async def test_an_invalid_state_ends_the_session_and_changes_nothing(theatre: Theatre, content: Any) -> None:
    before = await theatre.companion.chat.store.snapshot()
    run = await theatre.play("state load a.json", files=Files(a=content))
    assert run.state is RunState.ERROR
    assert run.error.startswith("Line 1: This is not a saved chat state")
    assert await theatre.companion.chat.store.snapshot() == before


async def test_a_missing_file_ends_the_session(theatre: Theatre) -> None:
    assert (await theatre.play("state load a.json")).error == (
        "Line 1: There is no file 'a.json': the session has no folder. 0 of 1 step was played."
    )


async def test_only_one_session_can_replace_the_state_at_a_time(theatre: Theatre) -> None:
    run = theatre.start("state reset\nwait for nobody within 60s")
    with pytest.raises(Conflict, match="Another session that replaces the chat state is running"):
        theatre.start("state reset")
    await theatre.companion.sessions.stop(run.number)
    assert (await theatre.play("state reset")).passed


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_a_session_that_is_stopped_while_the_copy_is_made_gives_the_chats_back(
    theatre: Theatre, turns: int
) -> None:
    listeners = tuple(theatre.companion.journal.appended._listeners)
    run = theatre.start("state reset\nwait for nobody within 60s")
    for _ in range(turns):
        await asyncio.sleep(0)
    await theatre.companion.sessions.stop(run.number)
    assert run.state is RunState.STOPPED
    assert tuple(theatre.companion.journal.appended._listeners) == listeners
    assert not theatre.companion.chat.store._database.in_scratch
    assert (await theatre.play("state reset")).passed


@pytest.mark.parametrize("again", ["stop", "stop_all", "stop_those_of_agents"])
async def test_a_session_that_is_stopped_again_while_the_copy_is_made_gives_the_chats_back(
    theatre: Theatre, again: str
) -> None:
    sessions, database = theatre.companion.sessions, theatre.companion.chat.store._database
    before = await theatre.companion.chat.store.snapshot()
    storage_goes_on, storage_waits = threading.Event(), threading.Event()

    def occupy_storage() -> None:
        storage_waits.set()
        storage_goes_on.wait(10)

    occupied = asyncio.create_task(database.run_in_thread(occupy_storage))
    await until(storage_waits.is_set)
    run = theatre.start("state reset\nwait for nobody within 60s", by_agent=True)
    await until(lambda: database._thread._work_queue.qsize() == 1)
    stops: list[asyncio.Task[Any]] = [asyncio.create_task(sessions.stop(run.number))]
    await turns_of_the_loop()  # now the run waits for its copy, to drop it
    if again == "stop_those_of_agents":
        sessions.stop_those_of_agents()
    elif again == "stop_all":
        stops.append(asyncio.create_task(sessions.stop_all()))
    else:
        stops.append(asyncio.create_task(sessions.stop(run.number)))
    await turns_of_the_loop()
    storage_goes_on.set()
    await asyncio.gather(occupied, *stops)
    assert run.state is RunState.STOPPED
    assert not database.in_scratch
    assert await theatre.companion.chat.store.snapshot() == before
    assert (await theatre.play("state reset")).passed


@pytest.mark.parametrize("again", ["stop", "stop_all"])
async def test_a_session_that_is_stopped_while_the_copy_is_dropped_ends_after_that(
    theatre: Theatre, again: str
) -> None:
    """Regression: it ended at once, so that what the next session stored was lost with the copy."""
    sessions, chat = theatre.companion.sessions, theatre.companion.chat
    ending, goes_on = asyncio.Event(), asyncio.Event()

    async def hold(why: str) -> None:
        if "the session ends" in why:
            ending.set()
            await goes_on.wait()

    chat.before_switch.append(hold)
    run = theatre.start("state reset\nalice: in the session")
    await ending.wait()
    stop = asyncio.create_task(sessions.stop_all() if again == "stop_all" else sessions.stop(run.number))
    await turns_of_the_loop()
    assert not stop.done()
    goes_on.set()
    await stop
    assert run.state is RunState.STOPPED
    assert not chat.store._database.in_scratch
    await theatre.play("alice: mine")
    assert "mine" in await texts(theatre)


@pytest.mark.parametrize(
    "state",
    [
        {"version": 1, "people": None, "messages": []},
        {"version": 1, "people": [{"username": "alice", "last_seen": 10**400}], "messages": []},
    ],
)
async def test_an_invalid_state_in_the_header_ends_the_session(theatre: Theatre, state: Any) -> None:
    run = theatre.start_session(Session(Header(kind="recording", state=state), ()))
    await theatre.companion.sessions.wait(run)
    assert run.state is RunState.ERROR
    assert run.error.startswith("This is not a saved chat state")


def held_messages(theatre: Theatre) -> None:
    theatre.companion.breakpoints.add(BreakpointOptions(filter="event:new_message"))


async def test_what_is_held_when_the_session_ends_continues_in_its_copy(theatre: Theatre) -> None:
    held_messages(theatre)
    before = await theatre.companion.chat.store.snapshot()
    run = await theatre.play("state reset\nalice: in the session")
    assert run.passed
    assert theatre.companion.breakpoints.held == []
    assert [json.loads(row.payload)["data"]["text"] for row in theatre.sent()] == ["in the session"]
    assert await theatre.companion.chat.store.snapshot() == before
    (row,) = [each for each in theatre.companion.journal if each.event == "continued"]
    assert row.note.endswith("the session ends that uses a copy of the chat state")


async def test_what_is_held_when_the_session_begins_continues_before_the_copy_is_made(theatre: Theatre) -> None:
    held_messages(theatre)
    companion = theatre.companion
    await companion.fire(companion.message_from("alice", "mine"), origin=PANEL)
    assert "mine" not in await texts(theatre)
    assert (await theatre.play("state reset")).passed
    assert companion.breakpoints.held == []
    assert "mine" in await texts(theatre)
    (row,) = [each for each in companion.journal if each.event == "continued"]
    assert row.note.endswith("a session begins that uses a copy of the chat state")


async def test_a_rule_of_a_session_that_is_stopped_does_not_change_the_users_chats(theatre: Theatre) -> None:
    before = await theatre.companion.chat.store.snapshot()
    rules = "when typing\n    repeat 1000\n        alice: again\n"
    run = theatre.start(f"state reset\n{rules}wait for nobody within 60s")
    await until(lambda: run.totals.steps == 2)
    theatre.send("typing", peer="alice", typing=True)
    await until(theatre.sent)
    await theatre.companion.sessions.stop(run.number)
    assert await theatre.companion.chat.store.snapshot() == before


async def test_an_auto_reply_to_a_message_of_the_session_is_not_sent_after_it() -> None:
    pauses_end = asyncio.Event()

    async def sleep(_: float) -> None:
        await pauses_end.wait()

    def replies() -> list[asyncio.Task[Any]]:
        return [each for each in asyncio.all_tasks() if each.get_name().startswith("auto-reply of ")]

    companion = Companion(Settings(), clock=Clock(sleep=sleep))
    await companion.open()
    run = companion.sessions.start(
        "morning", parse_transcript("state reset\nwait for nobody within 60s"), Options()
    )
    await until(lambda: run.totals.steps == 1)
    await companion.chat.change_person("alice", auto_reply=True)
    await companion.chat.post_message("alice", "Hi", RestCaller("", ""), {})
    await until(replies)
    await companion.sessions.stop(run.number)
    assert replies() == []
    await companion.close()
