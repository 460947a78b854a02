"""UI state: the room that shows what the stores of a client's UI must hold."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton

from app.companion import Companion
from app.hub.origin import PANEL
from app.hub.target import Target
from app.protocol.envelope import Envelope
from app.protocol.errors import NotFound
from app.protocol.ui_changes import MISSING, ValueChange
from app.protocol.ui_comparison import as_plain
from app.protocol.ui_stores import Flavour
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui.models.state_tree import NOTE, Note, NoteKind
from app.ui.rooms.ui_state import UiStateRoom, _notes
from app.ui.widgets import state_head
from app.ui.window import EVENTS, MainWindow
from tests.conftest import Connect, until
from tests.ui.conftest import close_and_destroy
from tests.ui.test_clipping import cut_texts

LEFT = Qt.MouseButton.LeftButton
PAGE = "http://localhost:1420"
AGENT = "a browser"
UI_STATE = "ui-state"


class Page:
    """A page of the chat UI: REST calls, and one WebSocket with the same origin and user agent."""

    def __init__(self, companion: Companion, session: aiohttp.ClientSession, connect_client: Connect) -> None:
        self._companion = companion
        self._session = session
        self._connect = connect_client

    async def rest(self, method: str, path: str, body: Any = None) -> None:
        headers = {"Origin": PAGE, "User-Agent": AGENT, "Content-Type": "application/json"}
        content = json.dumps(body) if body is not None else None
        url = self._companion.rest.url + path
        async with self._session.request(method, url, data=content, headers=headers) as answer:
            await answer.read()

    async def load(self) -> Any:
        await self.rest("GET", "/status")
        await self.rest("GET", "/friends")
        return await self._connect(origin=PAGE, user_agent_header=AGENT)

    async def connect(self, agent: str) -> Any:
        """Connect a page of another browser."""
        return await self._connect(origin=PAGE, user_agent_header=agent)

    async def open_chat(self, name: str) -> None:
        await self.rest("GET", f"/messages?peer={name}&limit=50&offset=0")


@pytest.fixture
async def companion() -> AsyncIterator[Companion]:
    companion = Companion(Settings(port=0, rest_port=0, allowed_origins=[PAGE], prime_browsers=False))
    assert await companion.start(), companion.services["events"].error
    yield companion
    await companion.close()


@pytest.fixture
async def page(companion: Companion, connect_client: Connect) -> AsyncIterator[Page]:
    for name in ("carol", "dave"):
        await companion.chat.remove_friend(name)
    assert await companion.start_service("rest")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Page(companion, session, connect_client)


@pytest.fixture
def first_room() -> str:
    return UI_STATE


def room_of(window: MainWindow) -> UiStateRoom:
    window.open_room(UI_STATE)
    room = window.rooms.page(UI_STATE)
    assert isinstance(room, UiStateRoom)
    return room


async def shown(room: UiStateRoom, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Wait until the room shows a state that meets a condition, and return it."""

    def state() -> dict[str, Any]:
        last = room.follower.last
        return as_plain(last.view.stores.to_json()) if last else {}

    await until(lambda: (found := state()) and condition(found))
    return state()


def contact(state: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in state["contactStore"]["contacts"] if each["username"] == name)
    return dict(found)


def cell(room: UiStateRoom, *steps: str | int, column: int = 1) -> str:
    index = room.state.tree.model.find(steps)
    return str(index.siblingAtColumn(column).data())


async def say(companion: Companion, friend: str, text: str) -> int:
    return (await companion.fire(companion.message_from(friend, text), origin=PANEL)).seq


async def test_without_a_client_the_room_shows_the_address_to_connect_to(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    room = room_of(window)
    assert room.body.currentWidget() is room.empty
    assert companion.server.url in room.empty.hint.text()
    qtbot.mouseClick(room.empty.findChild(QPushButton), LEFT)
    assert QGuiApplication.clipboard().text() == companion.server.url


async def test_the_tree_and_the_preview_follow_the_log(
    window: MainWindow, companion: Companion, page: Page
) -> None:
    room = room_of(window)
    await page.load()
    await page.open_chat("alice")
    await say(companion, "alice", "first")
    await say(companion, "bob", "second")
    state = await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1)
    assert state["chatStore"]["activeChat"] == "alice"
    assert cell(room, "contactStore", "contacts", 1, "lastMessage") == '"second"'
    assert cell(room, "contactStore", "contacts", 1, "lastMessage", column=NOTE) == "was null"
    assert cell(room, "chatStore", "messages", "bob", column=NOTE) == "new"
    assert cell(room, "chatStore", column=NOTE) == "messages.bob: new"
    assert cell(room, "contactStore", "contacts", 1) == "{ bob, offline, 1 unread }"
    assert room.preview.messages.texts[-1] == "first"
    assert (room.preview.title.text(), room.preview.presence.text()) == ("alice", "online")
    contacts = room.preview.contacts.model()
    assert [contacts.index(line, 0).data(Qt.ItemDataRole.AccessibleTextRole) for line in range(2)][1].startswith(
        "bob, offline, 1 unread, second"
    )
    assert room.preview.banner.isHidden()
    await companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin=PANEL)
    await until(lambda: room.preview.typing.text() == "alice is typing …")


async def test_a_disconnected_page_says_so(window: MainWindow, page: Page) -> None:
    room = room_of(window)
    ui = await page.load()
    await shown(room, lambda state: state["uiStore"]["wsConnected"])
    await ui.close()
    await until(lambda: room.head.clients.currentText() == "1 · me · disconnected")
    await shown(room, lambda state: not state["uiStore"]["wsConnected"])
    assert "Not connected to the event server" in room.preview.banner.text()


async def test_a_reloaded_page_is_followed(window: MainWindow, page: Page) -> None:
    room = room_of(window)
    ui = await page.load()
    await until(lambda: room.follower.client == 1)
    await ui.close()
    await page.load()
    await until(lambda: room.follower.client == 2)
    assert room.head.clients.count() == 2


async def test_two_pages_of_one_browser_are_a_guess(window: MainWindow, page: Page) -> None:
    room = room_of(window)
    await page.load()
    await page.load()
    await until(lambda: room.notice.isVisible())
    assert room.notice.text() == "REST calls may belong to another page: several pages of this browser match."


async def test_the_flavours_differ_for_a_duplicate_and_the_choice_is_remembered(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    await page.load()
    event = companion.message_from("bob", "again")
    for _ in range(2):
        await companion.fire(event, origin=PANEL, strict=False)
    await until(lambda: room.head.hint.text() == "≠ 1 value")
    qtbot.mouseClick(room.head.hint, LEFT)
    assert room.tabs.currentWidget() is room.lists.flavours
    (line,) = room.lists.flavours.model.lines
    assert (line.path, line.left, line.right) == ("contactStore.contacts[bob].unreadCount", 1, 2)
    qtbot.mouseClick(room.head.flavours.button(1), LEFT)
    await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 2)
    assert UiStateRoom(companion, window.memory).follower.flavour.value == "shipped"


async def test_the_arrows_go_through_the_changes_and_back_to_the_present(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    await page.load()
    first, _ = await say(companion, "bob", "one"), await say(companion, "bob", "two")
    await shown(room, lambda state: contact(state, "bob")["lastMessage"] == "two")
    qtbot.keyClick(room.state.tree.view, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    await shown(room, lambda state: contact(state, "bob")["lastMessage"] == "one")
    assert f"row #{first} of {companion.journal.last_seq}" in room.bar.text.text()
    assert [each.path for each in room.lists.changes.model.lines][-1] == "contactStore.contacts[bob].unreadCount"
    await say(companion, "bob", "three")
    qtbot.keyClick(room.state.tree.view, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    await shown(room, lambda state: contact(state, "bob")["lastMessage"] == "two")
    assert room.bar.badge.text() == "Go live"
    qtbot.mouseClick(room.bar.badge, LEFT)
    await shown(room, lambda state: contact(state, "bob")["lastMessage"] == "three")
    assert room.bar.badge.text() == "Live"
    room.bar.slider.setValue(0)
    await shown(room, lambda state: state["contactStore"]["contacts"] == [])
    assert room.bar.text.text().endswith("Page loaded")


@pytest.mark.parametrize("choice", ["client", "flavour", "moment", "origin"])
async def test_a_step_is_dropped_if_something_else_is_chosen_before_its_result(
    window: MainWindow, companion: Companion, page: Page, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    room = room_of(window)
    await page.load()
    await page.connect("another browser")
    first, second = (client.id for client in companion.hub.clients)
    await say(companion, "bob", "one")
    follower, states = room.follower, companion.ui_states
    follower.show_client(first)
    await shown(room, lambda state: contact(state, "bob")["lastMessage"] == "one")
    may_end, held, step = asyncio.Event(), list[Any](), states.step

    async def hold() -> None:
        held.append(asyncio.current_task())
        await may_end.wait()

    async def step_later(*args: Any) -> Any:
        result = await step(*args)
        await hold()
        return result

    async def find_later(*args: Any) -> Any:
        await hold()
        raise NotFound("The row is not in the log.")

    monkeypatch.setattr(states, "step", step_later)
    monkeypatch.setattr(states, "origin", find_later)
    errors: list[str] = []
    follower.failed.connect(errors.append)
    if choice == "origin":
        follower.find_origin("contactStore.contacts[bob].lastMessage")
    else:
        room.bar.step_requested.emit(-1)
    await until(lambda: bool(held))
    if choice == "flavour":
        follower.show_flavour(Flavour.SHIPPED)
    elif choice == "moment":
        room.bar.live_requested.emit()
    else:
        follower.show_client(second)
    may_end.set()
    await held[0]
    assert follower.moment is None
    assert errors == []


async def show_three_messages(room: UiStateRoom, companion: Companion, page: Page) -> None:
    """Load the page, let bob say "one", "two" and "three", and wait until the room shows the last of them."""
    await page.load()
    for text in ("one", "two", "three"):
        await say(companion, "bob", text)
    await shown(room, lambda state: contact(state, "bob")["lastMessage"] == "three")


@pytest.mark.parametrize("method", ["step", "moment_at"])
async def test_the_first_result_is_shown_while_a_key_is_held_or_the_slider_is_dragged(
    window: MainWindow, companion: Companion, page: Page, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Regression: nothing was shown if a result took longer than the time to the next key press."""
    room = room_of(window)
    await show_three_messages(room, companion, page)
    first, others, compute = asyncio.Event(), asyncio.Event(), getattr(companion.ui_states, method)
    calls: list[Any] = []

    async def compute_later(*args: Any) -> Any:
        calls.append(args)
        await (first if len(calls) == 1 else others).wait()
        return await compute(*args)

    monkeypatch.setattr(companion.ui_states, method, compute_later)
    follower, last = room.follower, room.follower.last
    assert last

    for _ in range(3):
        if method == "step":
            follower.step(-1)
        else:
            follower.seek(last.view.steps - 1)
    first.set()
    await shown(room, lambda state: contact(state, "bob")["lastMessage"] == "two")
    others.set()


async def test_the_last_of_several_positions_is_shown(
    window: MainWindow, companion: Companion, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = room_of(window)
    await show_three_messages(room, companion, page)
    last = room.follower.last
    assert last
    for number in (1, 2, last.view.steps - 1):
        room.follower.seek(number)
    await shown(room, lambda state: contact(state, "bob")["lastMessage"] == "two")


async def test_a_value_leads_to_its_row(window: MainWindow, companion: Companion, page: Page, qtbot: Any) -> None:
    room = room_of(window)
    await page.load()
    first = await say(companion, "bob", "one")
    await say(companion, "alice", "two")
    await shown(room, lambda state: contact(state, "alice")["unreadCount"] == 1)
    window.events.filter.setText("event:typing")
    room.state.tree.reveal(("contactStore", "contacts", 1, "lastMessage"))
    qtbot.keyClick(room.state.tree.view, Qt.Key.Key_O)
    await until(lambda: window.rooms.current == EVENTS)
    assert window.events.selected is not None
    assert window.events.selected.seq == first
    assert window.events.filter.text() == ""


async def test_a_value_without_a_row_leads_to_the_moment_of_its_response(
    window: MainWindow, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    await page.load()
    await shown(room, lambda state: state["uiStore"]["wsConnected"])
    room.state.tree.reveal(("contactStore", "contacts", 0, "username"))
    qtbot.mouseClick(room.state.origin, LEFT)
    await until(room.lists.changes.isVisible)
    await until(lambda: room.lists.changes.heading.text().endswith(" · GET /friends → 200"))
    assert window.status.message.text() == "No row of the log made this value: GET /friends → 200"


async def test_the_open_chat_is_corrected_only_after_a_question(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    await page.load()
    await page.open_chat("alice")
    await shown(room, lambda state: state["chatStore"]["activeChat"] == "alice")
    await until(lambda: room.head.open_chat.text() == "Open chat: alice")
    assert "from GET /messages" in room.head.open_chat.toolTip()
    room.tabs.setCurrentIndex(1)
    contacts = room.preview.contacts
    qtbot.mouseClick(contacts.viewport(), LEFT, pos=contacts.visualRect(contacts.model().index(1, 0)).center())
    assert room.preview.question.text.text() == "Is the chat with bob open in your UI?"
    assert contacts.selectedIndexes()[0].data() == "alice"
    assert (await companion.ui_states.expected(1, room.follower.flavour)).stores.active_chat == "alice"
    qtbot.mouseClick(room.preview.question.accept, LEFT)
    await shown(room, lambda state: state["chatStore"]["activeChat"] == "bob")
    assert "set by you" in room.head.open_chat.toolTip()


async def test_a_report_is_compared_with_the_expected_state(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    await page.load()
    await say(companion, "bob", "hi")
    state = await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1)
    assert room.head.report_text == "The UI has not reported its stores"
    companion.ui_states.report(1, state)
    await until(lambda: room.head.report_text.startswith("✓ Reported"))
    contact_of_bob = state["contactStore"]["contacts"][1]
    contact_of_bob["unreadCount"] = 2
    companion.ui_states.report(1, json.loads(json.dumps(state)))
    await until(lambda: "differs in 1 value" in room.head.report_text)
    assert cell(room, "contactStore", "contacts", 1, "unreadCount", column=NOTE) == "UI has 2"
    qtbot.mouseClick(room.head.show_report, LEFT)
    assert room.tabs.currentWidget() is room.lists.report
    (line,) = room.lists.report.model.lines
    assert (line.path, line.left, line.right) == ("contactStore.contacts[bob].unreadCount", 1, 2)
    room.lists.report.table.selectRow(0)
    room.lists.report.table.activated.emit(room.lists.report.model.index(0, 0))
    assert room.tabs.currentWidget() is room.state
    assert room.state.tree.path == "contactStore.contacts[bob].unreadCount"


async def test_the_manual_explains_how_to_report(window: MainWindow, page: Page, qtbot: Any) -> None:
    room = room_of(window)
    await page.load()
    qtbot.mouseClick(room.lists.how_to_report, LEFT)
    assert window.rooms.current == "help"
    assert window.help.page == "cli-ui-state"


async def test_nothing_is_computed_while_the_room_is_hidden(
    window: MainWindow, companion: Companion, page: Page
) -> None:
    room = room_of(window)
    await page.load()
    await shown(room, lambda state: state["uiStore"]["wsConnected"])
    window.open_room(EVENTS)
    await say(companion, "bob", "hi")
    assert not room.follower._timer.isActive()
    before = room.follower.last
    for _ in range(50):
        QApplication.processEvents()
    assert room.follower.last is before


async def test_open_nodes_and_the_selection_stay_when_the_state_changes(
    window: MainWindow, companion: Companion, page: Page
) -> None:
    room = room_of(window)
    await page.load()
    await say(companion, "bob", "one")
    await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1)
    tree = room.state.tree
    tree.reveal(("chatStore", "messages", "bob", 0, "text"))
    folded = tree.model.find(("uiStore",))
    tree.view.collapse(folded)
    await say(companion, "bob", "two")
    await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 2)
    assert tree.model.node(tree.view.currentIndex()).steps == ("chatStore", "messages", "bob", 0, "text")
    assert tree.view.isExpanded(tree.model.find(("chatStore", "messages", "bob")))
    assert not tree.view.isExpanded(tree.model.find(("uiStore",)))


@pytest.mark.usefixtures("styled")
async def test_the_preview_is_beside_the_state_in_a_wide_room(window: MainWindow, page: Page) -> None:
    room = room_of(window)
    await page.load()
    window.resize(1000, 640)
    await until(lambda: room.tabs.indexOf(room._tab) == 1)
    assert not room._beside.isVisible()
    window.resize(1400, 900)
    await until(room._beside.isVisible)
    assert room.tabs.indexOf(room._tab) == -1
    assert room.preview.isVisible()


async def test_a_row_of_the_log_leads_to_the_state_after_it(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    window.open_room(EVENTS)
    await page.load()
    first = await say(companion, "bob", "one")
    await say(companion, "bob", "two")
    assert window.events.show_row(first)
    qtbot.keyClick(window.events.table, Qt.Key.Key_U)
    assert window.rooms.current == UI_STATE
    room = room_of(window)
    await shown(room, lambda state: contact(state, "bob")["lastMessage"] == "one")
    assert not room.follower.live
    assert room.bar.property("past") is True


async def test_a_row_to_another_client_leads_to_the_state_of_that_client(
    window: MainWindow, companion: Companion, page: Page, connect_client: Connect
) -> None:
    room = room_of(window)
    await page.load()
    await connect_client("zoe")
    event = companion.message_from("bob", "hi")
    seq = (await companion.fire(event, to=Target(clients=frozenset({2})), origin=PANEL)).seq
    room.show_after(seq)
    state = await shown(room, lambda state: "bob" in state["chatStore"]["messages"])
    assert state["contactStore"]["contacts"] == []
    assert room.head.clients.currentText().startswith("2 · zoe")


async def test_the_row_after_which_the_ui_differed_is_named(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    await page.load()
    state = await shown(room, lambda state: state["uiStore"]["wsConnected"] and state["contactStore"]["contacts"])
    companion.ui_states.report(1, state)
    seq = await say(companion, "bob", "hi")
    companion.ui_states.report(1, state)
    report = room.lists.report
    await until(lambda: any(line.seq == seq for line in report.model.lines))
    lines = {line.path: line for line in report.model.lines}
    assert lines["contactStore.contacts[bob].unreadCount"].note == f"#{seq} new_message"
    room.tabs.setCurrentWidget(report)
    report.table.selectRow(list(lines).index("contactStore.contacts[bob].unreadCount"))
    qtbot.mouseClick(room.lists.show_first_row, LEFT)
    assert window.rooms.current == EVENTS
    assert window.events.selected
    assert window.events.selected.seq == seq
    companion.ui_states.report(1, await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1))
    window.open_room(UI_STATE)
    await until(lambda: room.head.report_text.startswith("✓ Reported"))
    assert {line.note for line in report.model.lines if line.path.endswith("unreadCount")} == {
        f"earlier: #{seq} new_message"
    }


async def test_a_row_about_a_client_leads_to_the_state_of_that_client(
    window: MainWindow, page: Page, connect_client: Connect
) -> None:
    room = room_of(window)
    await page.load()
    await connect_client("zoe")
    rows = window.companion.journal
    (seq,) = [row.seq for row in rows if row.event == "connected" and row.client == "2"]
    room.show_after(seq)
    await until(lambda: room.head.clients.currentText().startswith("2 · zoe"))
    await shown(room, lambda state: state["uiStore"]["wsConnected"])


async def test_a_row_leads_to_a_client_that_is_not_in_the_list_if_its_page_is_known(
    window: MainWindow, companion: Companion, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the state of another client was shown without a word."""
    monkeypatch.setattr(state_head, "MAX_DISCONNECTED", 1)
    room = room_of(window)
    rows = []
    for name in ("first", "second", "third"):
        client = await page.connect(name)
        await until(lambda: companion.hub.connection_count == 1)
        rows.append(await say(companion, "bob", name))
        await client.close()
        await until(lambda: companion.hub.connection_count == 0)
    await page.connect("fourth")
    await until(lambda: room.head.client == 4)
    assert [room.head.clients.itemData(line) for line in range(room.head.clients.count())] == [4, 3]
    room.show_after(rows[0])
    await shown(room, lambda state: "bob" in state["chatStore"]["messages"])
    assert (room.head.client, room.follower.client) == (1, 1)
    assert room.follower.last
    assert room.follower.last.view.moment.seq == rows[0]
    room.head.refresh()
    assert room.head.client == 1
    messages: list[str] = []
    room.status_message.connect(messages.append)
    monkeypatch.setattr(companion.ui_states, "page_number", lambda client: client if client != 2 else None)
    room.show_after(rows[1])
    assert messages == ["The page of client 2 is no longer known"]
    assert (room.head.client, room.follower.client) == (1, 1)


async def test_the_focus_does_not_jump_to_another_button_when_one_is_disabled(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    await page.load()
    await say(companion, "bob", "hi")
    await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1)
    room.bar.previous.setFocus()
    for _ in range(20):
        if not room.bar.previous.isEnabled():
            break
        before = room.follower.last
        qtbot.keyClick(room.bar.previous, Qt.Key.Key_Space)
        await until(lambda before=before: room.follower.last is not before)
    assert not room.bar.previous.isEnabled()
    assert room.bar.slider.hasFocus()
    room.bar.badge.setFocus()
    qtbot.keyClick(room.bar.badge, Qt.Key.Key_Space)
    await until(lambda: room.bar.badge.text() == "Live")
    assert room.bar.slider.hasFocus()


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("size", [(1000, 640), (1400, 900)])
async def test_no_text_is_cut_in_any_view(
    window: MainWindow, companion: Companion, page: Page, size: tuple[int, int]
) -> None:
    room = room_of(window)
    window.resize(*size)
    await page.load()
    await page.open_chat("alice")
    event = companion.message_from("bob", "a long text " * 30)
    for _ in range(2):
        await companion.fire(event, origin=PANEL, strict=False)
    state = await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1)
    contact_of_bob = state["contactStore"]["contacts"][1]
    contact_of_bob["unreadCount"] = 99
    companion.ui_states.report(1, state)
    await until(lambda: "differs" in room.head.report_text)
    room.preview.question.ask("a-friend-with-a-name-that-is-rather-long")
    cut = set()
    for live in (True, False):
        if not live:
            room.bar.previous.click()
            await until(lambda: room.bar.badge.text() == "Go live")
        for tab in range(room.tabs.count()):
            room.tabs.setCurrentIndex(tab)
            await asyncio.sleep(0.02)  # lets Qt lay out the widgets
            cut |= set(cut_texts(room))
    assert sorted(cut) == []


async def test_a_disconnected_page_that_was_chosen_stays_chosen(
    window: MainWindow, page: Page, connect_client: Connect, qtbot: Any
) -> None:
    room = room_of(window)
    ui = await page.load()
    await ui.close()
    await until(lambda: room.head.clients.currentText().endswith("disconnected"))
    await connect_client("zoe")
    await until(lambda: room.follower.client == 2)
    qtbot.keyClick(room.head.clients, Qt.Key.Key_Down)
    assert room.head.clients.currentText() == "1 · me · disconnected"
    await until(lambda: room.follower.client == 1)
    await connect_client("yan")
    await until(lambda: room.head.clients.count() == 3)
    assert room.follower.client == 1


async def test_a_chosen_page_stays_chosen_when_it_reconnects(
    window: MainWindow,
    companion: Companion,
    page: Page,
    connect_client: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.observers.ui_pages.RECONNECT_S", 0.0)
    room = room_of(window)
    ui = await page.load()
    await until(lambda: room.follower.client == 1)
    await connect_client("zoe")
    await until(lambda: room.head.clients.count() == 2)
    room.head.clients.setCurrentIndex(room.head.clients.findData(2))
    assert "2 · zoe" in room.head.clients.toolTip()
    line = room.head.clients.findData(1)
    room.head.clients.setCurrentIndex(line)
    room.head.clients.activated.emit(line)
    assert "1 · me" in room.head.clients.toolTip()
    room.preview.question.ask("bob")
    ui.transport.abort()  # no page closes or reloads
    await until(lambda: companion.hub.connection_count == 1)
    ui = await connect_client(origin=PAGE, user_agent_header=AGENT)
    await until(lambda: room.follower.client == 3)
    assert room.preview.question.isHidden(), "it was about another client"
    ui.transport.abort()  # no page closes or reloads
    await until(lambda: "disconnected" in room.head.clients.currentText())
    assert room.follower.client == 3


async def test_a_reload_does_not_leave_the_past_that_is_shown(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    ui = await page.load()
    await say(companion, "bob", "one")
    await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1)
    qtbot.mouseClick(room.bar.previous, LEFT)
    await until(lambda: room.bar.badge.text() == "Go live")
    await ui.close()
    await page.load()
    await until(lambda: room.head.clients.count() == 2)
    assert room.follower.client == 1
    assert not room.follower.live


async def test_a_message_of_the_preview_leads_to_its_row(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    await page.load()
    await page.open_chat("bob")
    seq = await say(companion, "bob", "one")
    await say(companion, "bob", "two")
    await until(lambda: room.preview.messages.texts[-2:] == ["one", "two"])
    room.tabs.setCurrentIndex(1)
    messages = room.preview.messages
    messages.setFocus()
    messages.setCurrentIndex(messages.model().index(messages.model().rowCount() - 2, 0))
    qtbot.keyClick(messages, Qt.Key.Key_O)
    await until(lambda: window.rooms.current == EVENTS)
    assert window.events.selected
    assert window.events.selected.seq == seq


@pytest.mark.usefixtures("styled")
async def test_the_preview_has_a_width_after_a_start_in_a_narrow_window(
    companion: Companion, page: Page, tmp_path: Path
) -> None:
    await page.load()
    for size in ((1000, 640), (1400, 900)):
        window = MainWindow(Folders.of(tmp_path)).fill(companion)
        room = room_of(window)
        window.resize(*size)
        window.present()
        await until(window.isActiveWindow)
        if size[0] > 1000:
            await until(room._beside.isVisible)
            assert min(room.splitter.sizes()) >= 200
        await close_and_destroy(window, companion)


async def test_a_slider_that_is_dragged_does_not_jump(window: MainWindow, companion: Companion, page: Page) -> None:
    room = room_of(window)
    await page.load()
    await say(companion, "bob", "one")
    await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1)
    room.bar.slider.setSliderDown(True)
    room.bar.slider.setSliderPosition(1)
    await until(lambda: not room.follower.live)
    room.bar.slider.setSliderPosition(2)
    room.follower.refresh()
    await until(lambda: room.follower.last and room.follower.last.view.moment.number == 2)
    assert room.bar.slider.value() == 2
    room.bar.slider.setSliderDown(False)


async def test_the_history_lists_the_last_changes_and_goes_to_them(
    window: MainWindow, companion: Companion, page: Page, qtbot: Any
) -> None:
    room = room_of(window)
    await page.load()
    first = await say(companion, "bob", "one")
    second = await say(companion, "bob", "two")
    await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 2)
    room.lists.open_changes()
    history = room.lists.history

    def cell(line: int, column: int) -> str:
        return str(history.model().index(line, column).data())

    await until(lambda: history.moments and history.moments[0].seq == second)
    assert [cell(line, 1) for line in range(2)] == [f"#{second}", f"#{first}"]
    assert cell(1, 2) == "new_message · bob → me: one"
    assert [index.row() for index in history.selectionModel().selectedRows()] == [0]
    history.setFocus()
    qtbot.keyClick(history, Qt.Key.Key_Down)
    await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1)
    assert not room.follower.live
    await say(companion, "bob", "three")
    assert [index.row() for index in history.selectionModel().selectedRows()] == [1]
    assert history.moments[0].seq == second, "the list does not move while the past is shown"
    qtbot.mouseClick(room.bar.next, LEFT)
    await until(lambda: [index.row() for index in history.selectionModel().selectedRows()] == [0])
    qtbot.mouseClick(room.bar.badge, LEFT)
    await until(lambda: history.moments[0].seq > second)
    assert [index.row() for index in history.selectionModel().selectedRows()] == [0]


async def test_a_quiet_log_costs_nothing(window: MainWindow, companion: Companion, page: Page) -> None:
    room = room_of(window)
    await page.load()
    await page.rest("GET", "/friends")
    await until(lambda: companion.hub.clients[0].ready)  # the list of clients changes, and the state is shown again
    await say(companion, "bob", "hi")
    await shown(room, lambda state: contact(state, "bob")["unreadCount"] == 1)
    await until(
        lambda: not room.follower._running and room.follower.last and room.follower.last.flavours is not None
    )
    ticks: list[None] = []
    states: list[object] = []
    room.follower._timer.timeout.connect(lambda: ticks.append(None))
    room.follower.shown.connect(states.append)
    await until(lambda: len(ticks) >= 3)
    assert states == []
    await say(companion, "bob", "again")
    await until(lambda: states)


@pytest.mark.usefixtures("styled")
async def test_long_names_do_not_widen_the_window(window: MainWindow, companion: Companion, page: Page) -> None:
    window.resize(1000, 640)
    room = room_of(window)
    await page.load()
    companion.hub.identify(companion.hub.clients[0], "W" * 64)
    companion.ui_states.select(1, "M" * 64)
    await until(lambda: "MMM" in room.head.open_chat.text())
    assert room.head.clients.currentText().startswith("1 · WWW")
    assert room.minimumSizeHint().width() <= 712
    assert sorted(cut_texts(room.head)) == []


def test_a_note_about_removed_members_replaces_a_guess_and_names_several() -> None:
    path: tuple[str | int, ...] = ("chatStore", "messages", "bob")
    changes = [ValueChange((*path, number), "", "x", MISSING) for number in range(5)]
    shown: Any = SimpleNamespace(changes=changes[:1], differences=())
    assert _notes(shown, {}, [path])[path] == Note(NoteKind.CHANGED, "removed: [0]")
    shown.changes = changes
    assert _notes(shown, {}, [])[path].text == "removed: [0], [1], [2] and 2 more"
