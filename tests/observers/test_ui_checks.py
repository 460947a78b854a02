"""Warnings about frames that leave the released UI in a wrong state, with a page that a test plays."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.hub.clients import Client
from app.hub.filter import parse
from app.hub.origin import CONTROL, PRIMING, Origin
from app.hub.outgoing import Outgoing
from app.hub.rest_exchange import RestExchange
from app.hub.row import Row, Verdict
from app.hub.target import Target
from app.observers import ui_candidates, ui_checks
from app.observers.ui_checks import UiChecks
from app.observers.ui_state import UiStates
from app.protocol.envelope import Envelope
from tests.hub.doubles import NoTasks, RecordingTransport, Stage

PAGE, AGENT = "http://localhost:1420", "Chrome/140"


def sender(name: str) -> dict[str, Any]:
    """Return the field of a message that has the name of a Python keyword."""
    return {"from": name}


class Checked:
    """A hub with the checks, and pages that load their contacts. ``warnings`` checks the new rows."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.hub = self.stage.hub
        self.enabled = True
        self.states = UiStates(self.hub)
        self.checks = UiChecks(self.hub, self.states, NoTasks(), lambda: self.enabled)

    def join(self, agent: str = AGENT, origin: str = PAGE) -> Client:
        return self.hub.join(RecordingTransport(), origin=origin, user_agent=agent)

    def call(
        self, method: str, path: str, answer: Any, query: str = "", body: Any = None, status: int = 200,
        agent: str = AGENT, meanwhile: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        self.wait(0.01)
        clock = self.stage.time.clock
        started = clock.mono()
        self.wait(0.01)
        meanwhile()
        self.wait(0.01)
        request = b"" if body is None else json.dumps(body).encode()
        self.hub.rest_exchanges.emit(
            RestExchange(method, path, query, request, status, json.dumps(answer).encode(), PAGE, agent, started,
                         clock.mono())
        )  # fmt: skip

    def wait(self, seconds: float) -> None:
        self.stage.time.passed += seconds

    def friends(self, *names: str, agent: str = AGENT) -> None:
        self.call("GET", "/friends", [{"username": name, "online": True} for name in names], agent=agent)

    def page(self, *names: str, agent: str = AGENT) -> Client:
        """Return the client of a page that has loaded these contacts."""
        client = self.join(agent)
        self.friends(*(names or ("alice", "bob")), agent=agent)
        return client

    def send(self, event: str, data: dict[str, Any], to: Client | None = None, origin: Origin = CONTROL) -> int:
        """Send an event, and return the number of its row."""
        self.wait(0.01)
        target = Target(clients=frozenset({to.id})) if to else Target()
        return self.hub.send(Outgoing.of(Envelope(event, data), to=target, origin=origin)).seq

    def message(self, msg_id: str, client: Client | None = None, **changes: Any) -> int:
        """Send a message of alice, with changes."""
        data = {"msg_id": msg_id, "from": "alice", "to": "me", "text": "hi", "direction": "received",
                "timestamp": "2024-01-15T10:30:00Z"}  # fmt: skip
        return self.send("new_message", {**data, **changes}, client)

    def online(self, username: str) -> int:
        return self.send("friend_online", {"username": username})

    def open(self, peer: str, *messages: Any, meanwhile: Callable[[], object] = lambda: None) -> None:
        answer = {"messages": list(messages), "has_more": False}
        self.call("GET", "/messages", answer, f"peer={peer}&limit=50&offset=0", meanwhile=meanwhile)

    async def rows(self) -> list[Row]:
        for _ in range(5):
            self.wait(10)
            await self.checks.check()
        return self.stage.rows("ui-state")

    async def warnings(self) -> list[str]:
        return [row.note for row in await self.rows()]


@pytest.fixture
def checked() -> Iterator[Checked]:
    checked = Checked()
    yield checked
    checked.checks.close()
    checked.states.close()


async def test_a_duplicate_is_counted_as_unread_by_the_released_ui(checked: Checked) -> None:
    client = checked.page()
    first = checked.message("m1")
    assert await checked.warnings() == []
    again = checked.message("m1")
    (row,) = await checked.rows()
    assert row.note == (
        f"#{again}: unread of alice will be 2 in the released UI, 1 in a correct one: duplicate ID of #{first}"
    )
    assert (row.client, row.verdict, row.user) == (client.number, Verdict.WARNING, "me")
    assert parse("is:ui-state").matches(row)
    assert parse("event:ui-state client:1").matches(row)
    assert not parse("is:ui-state").matches(checked.stage.rows("new_message")[0])


async def test_a_third_duplicate_names_the_first(checked: Checked) -> None:
    checked.page()
    first = checked.message("m1")
    for _ in range(2):
        checked.message("m1")
    notes = await checked.warnings()
    assert [f"duplicate ID of #{first}" in note for note in notes] == [True, True]
    assert "will be 3" in notes[1]


async def test_a_duplicate_names_the_message_of_its_chat(checked: Checked) -> None:
    """Regression: it named a message of another chat with the same ID."""
    checked.page()
    checked.message("m1")
    first = checked.message("m1", **sender("bob"))
    assert await checked.warnings() == []
    again = checked.message("m1", **sender("bob"))
    assert await checked.warnings() == [
        f"#{again}: unread of bob will be 2 in the released UI, 1 in a correct one: duplicate ID of #{first}"
    ]


async def test_a_duplicate_in_the_open_chat_is_no_violation(checked: Checked) -> None:
    checked.page()
    checked.open("alice")
    checked.message("m1")
    checked.message("m1")
    assert await checked.warnings() == []


async def test_the_same_id_for_two_clients_is_no_duplicate(checked: Checked) -> None:
    one, other = checked.page(), checked.page(agent="Firefox/140")
    checked.message("m1", one)
    checked.message("m1", other)
    assert await checked.warnings() == []
    checked.message("m1", other)
    (row,) = await checked.rows()
    assert row.client == other.number


async def test_a_message_that_the_page_has_loaded_is_a_duplicate(checked: Checked) -> None:
    checked.page()
    checked.open("alice", {"msg_id": "old", "from": "alice", "to": "me"})
    checked.open("bob")
    checked.message("old")
    (note,) = await checked.warnings()
    assert note.endswith(", 0 in a correct one: duplicate ID of a message that it had loaded")


async def test_a_duplicate_after_a_reconnect_and_after_a_reload(checked: Checked) -> None:
    client = checked.page()
    checked.message("m1")
    checked.hub.leave(client)
    checked.wait(3.1)
    checked.join()
    checked.message("m1")
    assert len(await checked.warnings()) == 1
    checked.hub.leave(checked.hub.clients[0])
    checked.wait(0.1)
    checked.page()
    checked.message("m1")
    assert len(await checked.warnings()) == 1


async def test_a_sent_message_counts_as_unread_in_the_released_ui(checked: Checked) -> None:
    checked.page()
    seq = checked.message("m1", direction="sent", to="bob")
    (note,) = await checked.warnings()
    assert note.startswith(
        f"#{seq}: unread of alice will be 1 in the released UI, 0 in a correct one; the last message"
    )
    assert note.endswith("a message with the direction sent")


async def test_the_released_ui_does_not_show_the_preview_of_a_sent_message(checked: Checked) -> None:
    checked.page()
    seq = checked.message("m1", text="hello", to="bob", direction="sent", **sender("me"))
    assert await checked.warnings() == [
        f"#{seq}: the last message of bob will be none in the released UI, “hello” in a correct one: "
        "a message with the direction sent"
    ]


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("friend_online", {"username": "zoe"}),
        ("friend_offline", {"username": "zoe"}),
        ("typing", {"username": "zoe", "typing": True}),
        ("new_message", {"msg_id": "m1", "from": "zoe", "to": "me", "text": "x", "direction": "received"}),
    ],
)
async def test_an_event_about_an_unknown_user_changes_nothing(
    checked: Checked, event: str, data: dict[str, Any]
) -> None:
    checked.page()
    seq = checked.send(event, data)
    assert await checked.warnings() == [f"#{seq}: changes no contact of the UI: zoe is not in the contacts"]


async def test_an_event_without_a_user_changes_nothing(checked: Checked) -> None:
    checked.page()
    seq = checked.send("friend_online", {"username": None})
    assert await checked.warnings() == [f"#{seq}: changes no contact of the UI: the event names no user"]


async def test_a_new_friend_is_known_after_the_next_poll(checked: Checked) -> None:
    checked.page()
    checked.online("zoe")
    assert len(await checked.warnings()) == 1
    checked.friends("alice", "bob", "zoe")
    checked.online("zoe")
    assert len(await checked.warnings()) == 1


async def test_an_event_before_the_contacts_are_loaded_changes_nothing(checked: Checked) -> None:
    checked.join()
    seq = checked.online("alice")
    await checked.checks.check()
    checked.friends("alice")
    assert await checked.warnings() == [
        f"#{seq}: changes no contact of the UI: alice is not in the contacts, which are not loaded yet"
    ]


async def test_priming_is_no_violation(checked: Checked) -> None:
    checked.join()
    data = {"msg_id": "m1", "from": "me", "to": "alice", "text": "x", "direction": "sent"}
    for _ in range(2):
        checked.send("new_message", data, origin=PRIMING)
        checked.friends("alice")
    assert await checked.warnings() == []


async def test_a_message_during_a_fetch_of_its_chat_is_lost(checked: Checked) -> None:
    checked.page()
    seqs: list[int] = []
    checked.open("alice", meanwhile=lambda: seqs.append(checked.message("m1")))
    assert await checked.warnings() == [
        f"#{seqs[0]}: the message is lost in the UI: the response of GET /messages replaces the messages of alice"
    ]


async def test_a_message_during_a_fetch_that_contains_it_is_not_lost(checked: Checked) -> None:
    checked.page()
    checked.open("alice", {"msg_id": "m1", "from": "alice"}, meanwhile=lambda: checked.message("m1"))
    checked.open("alice", meanwhile=lambda: checked.message("m2", **sender("bob")))
    assert await checked.warnings() == []


async def test_a_friend_that_a_poll_lists_first_is_in_the_contacts_twice(checked: Checked) -> None:
    checked.page()
    checked.call(
        "POST", "/friends", {"username": "zoe"}, body={"username": "zoe"}, status=201,
        meanwhile=lambda: checked.friends("alice", "bob", "zoe"),
    )  # fmt: skip
    (note,) = await checked.warnings()
    assert note == "zoe is in the contacts of the UI twice until the next GET /friends: a poll listed it first"
    checked.call("POST", "/friends", {"username": "carol"}, body={"username": "carol"}, status=201)
    checked.online("carol")
    assert len(await checked.warnings()) == 1


async def test_clients_that_are_no_pages_of_the_stand_in_are_not_checked(checked: Checked) -> None:
    checked.join(origin="")
    checked.join(agent="a page without REST")
    for _ in range(2):
        checked.message("m1")
    checked.send("typing", {"username": "zoe", "typing": True})
    assert await checked.warnings() == []
    assert not checked.checks._finder.queue


async def test_two_pages_of_one_browser_are_a_guess(checked: Checked) -> None:
    checked.page()
    second = checked.join()
    checked.friends("alice")
    for _ in range(2):
        checked.message("m1", second)
    (note,) = await checked.warnings()
    assert note.endswith("(a guess: several pages of this browser are open)")


async def test_at_most_some_warnings_per_second_and_then_a_summary(checked: Checked) -> None:
    checked.page()
    for _ in range(100):
        checked.message("m1")
    rows = await checked.rows()
    summaries = [row.note for row in rows if "further cases" in row.note]
    assert len(rows) - len(summaries) <= ui_candidates.MAX_QUEUED
    assert summaries[0].endswith("cases were not examined: too many. The released UI may be in a wrong state")
    stamps = [row.mono for row in rows if row.note not in summaries]
    assert all(later - stamps[i] >= 1 for i, later in enumerate(stamps[ui_checks.MAX_ROWS_PER_S :]))


async def test_a_frame_to_many_pages_examines_a_few(checked: Checked) -> None:
    for number in range(5):
        checked.page(agent=f"Chrome/{number}")
    for _ in range(2):
        checked.message("m1")
    notes = await checked.warnings()
    assert len(notes) == ui_candidates.MAX_PAGES
    assert all(note.endswith("; 2 more clients got this frame") for note in notes)


async def test_too_many_rows_are_not_replayed(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui_checks, "CALM", ui_checks.CALM._replace(rows=3))
    checked.page()
    for number in range(5):
        checked.message(f"m{number}")
    checked.message("m1")
    (note,) = await checked.warnings()
    assert note == "1 further case was not examined: too many. The released UI may be in a wrong state"


async def test_a_burst_is_not_examined_but_a_duplicate_after_it_is(checked: Checked) -> None:
    checked.page()
    for number in range(ui_checks.BUSY.rows + 10):
        checked.message(f"m{number}")
    checked.message("m1")
    await checked.checks.check()
    checked.wait(2)
    await checked.checks.check()
    assert [row.note[:14] for row in checked.stage.rows("ui-state")] == ["1 further case"]
    checked.message("m2")
    notes = await checked.warnings()
    assert "duplicate ID of #4" in notes[-1]


async def test_the_ids_are_bounded(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui_candidates, "MAX_IDS", 3)
    checked.page()
    for number in range(20):
        checked.message(f"m{number}")
    await checked.warnings()
    finder = checked.checks._finder
    assert len(finder._new_ids) + len(finder._old_ids) <= 6


@pytest.mark.parametrize(
    "payload",
    [b"{", b"[]", b'{"event":"new_message"}', b'{"event":"new_message","data":[]}',
     b'{"event":"new_message","data":{"msg_id":{"a":[]},"from":{"b":1},"direction":[]}}',
     b'{"event":"typing","data":{"username":["x"]}}', b"[" * 10_000],
)  # fmt: skip
async def test_hostile_frames_are_not_fatal(checked: Checked, payload: bytes) -> None:
    checked.page()
    for event in ("new_message", "typing"):
        checked.hub.send(Outgoing(event, payload, Target(), CONTROL))
    await checked.warnings()


@pytest.mark.parametrize("name", [[], {}])
async def test_a_message_whose_names_are_no_texts_is_examined(checked: Checked, name: Any) -> None:
    checked.page()
    for _ in range(2):
        checked.message("m1", **{"from": name})
    checked.message("m2", to=name, direction="sent")
    assert any("unread of alice" in note for note in await checked.warnings())


async def test_the_checks_go_on_after_an_error(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, expected_warnings: list[str]
) -> None:
    expected_warnings.append("a check of the UI's state failed")
    checked.page()
    with monkeypatch.context() as patched:
        patched.setattr(checked.states, "around", None)
        for _ in range(2):
            checked.message("m1")
        await checked.checks._run()
    checked.message("m1")
    assert len(await checked.warnings()) == 1


async def test_a_message_whose_id_is_no_text_may_be_lost(checked: Checked) -> None:
    checked.page()
    data = {"msg_id": [], "from": "alice", "to": "me", "text": "hi", "direction": "received"}
    checked.open("alice", meanwhile=lambda: checked.send("new_message", data))
    (note,) = await checked.warnings()
    assert "the message is lost in the UI" in note


async def test_a_friend_that_a_browser_without_a_client_adds_is_no_case(checked: Checked) -> None:
    checked.page()
    gone = checked.page(agent="Firefox/140")
    checked.hub.leave(gone)
    checked.call("POST", "/friends", {"username": "bob"}, status=201, agent="Firefox/140")
    assert await checked.warnings() == []


@pytest.mark.parametrize(("name", "why"), [("zed", "not loaded yet"), ("alice", "not loaded yet")])
async def test_an_event_directly_before_the_contacts_are_loaded_is_reported_once(
    checked: Checked, name: str, why: str
) -> None:
    checked.join()
    checked.checks.activate()
    checked.online(name)
    checked.friends("alice")
    (note,) = await checked.warnings()
    assert note.endswith(why)


async def test_the_checks_can_be_switched_off(checked: Checked) -> None:
    checked.enabled = False
    checked.page()
    for _ in range(2):
        checked.message("m1")
    assert not checked.checks.active
    checked.enabled = True
    checked.checks.activate()
    assert checked.checks.active
    assert await checked.warnings() == []
