"""The preview of the UI state room, and its models: any content of the stores is shown literally and bounded."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QWidget

from app.protocol.ui_changes import MISSING
from app.protocol.ui_stores import UNKNOWN, UiStores
from app.ui.models.preview import MAX_CHARS, MAX_MESSAGES, TYPING, preview_of
from app.ui.models.state_tree import NOTE, Note, NoteKind, StateTreeModel
from app.ui.models.value_table import Line, ValueTableModel, value_or_missing, value_text
from app.ui.widgets.bubble_painter import MAX_SHOWN_CHARS, BubbleDelegate
from app.ui.widgets.state_tree import MAX_SEARCHED, StateTree
from app.ui.widgets.ui_preview import UiPreview

pytestmark = pytest.mark.usefixtures("styled")

NOW = 1_700_000_000.0
TODAY, YESTERDAY = "2023-11-14T20:00:00Z", "2023-11-13T20:00:00Z"


def friends(*names: Any, **more: Any) -> bytes:
    return json.dumps([{"username": name, "online": True, **more} for name in names]).encode()


def loaded(*names: Any) -> UiStores:
    stores = UiStores().opened().responded("GET", "/status", "", b"", 200, b"{}")
    return stores.responded("GET", "/friends", "", b"", 200, friends(*names))


def with_messages(stores: UiStores, *messages: dict[str, Any], peer: str = "bob") -> UiStores:
    page = json.dumps({"messages": list(messages), "has_more": False}).encode()
    return stores.responded("GET", "/messages", f"peer={peer}&offset=0", b"", 200, page)


def message(number: int, text: Any = "hi", **more: Any) -> dict[str, Any]:
    return {"msg_id": str(number), "from": "bob", "text": text, "timestamp": TODAY, "direction": "received", **more}


@pytest.fixture
def preview(show: Callable[[QWidget], None]) -> UiPreview:
    preview = UiPreview()
    preview.resize(640, 480)
    show(preview)
    return preview


def texts(preview: UiPreview, role: int = Qt.ItemDataRole.AccessibleTextRole) -> list[str]:
    model = preview.contacts.model()
    return [str(model.index(line, 0).data(role)) for line in range(model.rowCount())]


def test_an_empty_state_says_what_is_missing(preview: UiPreview) -> None:
    preview.show_stores(UiStores(), NOW, can_choose=True)
    assert preview.banner.text().splitlines() == [
        "Not connected to the event server (wsConnected is false)",
        "The backend does not answer GET /status (backendConnected is false)",
    ]
    assert preview.no_contacts.isVisible()
    assert (preview.no_chat.isVisible(), preview.no_chat.text()) == (True, "No chat is open")


def test_contacts_show_presence_time_unread_and_typing(preview: UiPreview) -> None:
    stores = loaded("bob", "zoe")
    data = {"msg_id": "1", "from": "bob", "text": "<b>hi</b>", "timestamp": TODAY, "direction": "received"}
    stores = stores.received(json.dumps({"event": "new_message", "data": data}), 0)
    stores = stores.received('{"event": "typing", "data": {"username": "zoe", "typing": true}}', 0)
    preview.show_stores(stores, NOW, can_choose=True)
    first, second = texts(preview)
    assert first.startswith("bob, online, 1 unread, <b>hi</b>, ")
    assert second == f"zoe, online, {TYPING}"
    assert preview.banner.isHidden()


def test_days_and_the_side_of_a_message() -> None:
    stores = with_messages(
        loaded("bob").selected("bob"),
        message(1, timestamp=YESTERDAY), message(2), message(3, direction="sent", delivered=True),
    )  # fmt: skip
    shown = preview_of(stores, NOW)
    assert [each.day for each in shown.messages] == ["Yesterday", "Today", ""]
    assert [each.data["direction"] for each in shown.messages] == ["received", "received", "sent"]


def test_a_long_message_shows_that_it_is_cut(preview: UiPreview) -> None:
    shown = preview_of(with_messages(loaded("bob").selected("bob"), message(1, "x" * 5_000)), NOW)
    delegate = preview.messages.itemDelegate()
    assert isinstance(delegate, BubbleDelegate)
    text, _ = delegate.texts(shown.messages[0].data)
    assert text == "x" * MAX_SHOWN_CHARS + " …"


def test_a_message_that_the_ui_sent_has_no_time() -> None:
    """Its time is that of the UI's clock, which is not known."""
    sent = json.dumps({"to": "bob", "text": "hi"}).encode()
    answer = json.dumps({"msg_id": "7", "delivered": True, "delivery_method": "direct"}).encode()
    stores = with_messages(loaded("bob").selected("bob")).responded("POST", "/messages", "", sent, 200, answer)
    (shown,) = preview_of(stores, NOW).messages
    assert (shown.data["text"], shown.data["time"], shown.day) == ("hi", "", "")


def test_only_the_newest_messages_are_shown(preview: UiPreview) -> None:
    stores = with_messages(loaded("bob").selected("bob"), *(message(n, str(n)) for n in range(MAX_MESSAGES + 7)))
    preview.show_stores(stores, NOW, can_choose=True)
    assert preview.older.text() == "7 older messages are not shown here"
    assert preview.messages.texts[0] == "7"
    assert len(preview.messages.texts) == MAX_MESSAGES
    bar = preview.messages.verticalScrollBar()
    assert bar.value() == bar.maximum()


@pytest.mark.parametrize("value", [None, 7, True, [1], {"a": [None]}, "x" * 100_000, "\u202eevil\n\n", UNKNOWN])
def test_any_value_can_be_shown(preview: UiPreview, value: Any) -> None:
    strange = {
        "msg_id": value, "from": value, "text": value, "timestamp": value, "direction": value,
        "reactions": value, "delivered": value,
    } if value is not UNKNOWN else message(1)  # fmt: skip
    stores = with_messages(loaded("bob", value if value is not UNKNOWN else "x").selected("bob"), strange)
    if value is UNKNOWN:
        body = json.dumps({"to": "bob", "text": "mine"}).encode()
        stores = stores.responded("POST", "/messages", "", body, 201, b'{"msg_id": "9", "delivered": true}')
    preview.show_stores(stores, NOW, can_choose=True)
    preview.grab()
    assert len(preview.messages.texts[-1]) <= MAX_CHARS
    assert "UNKNOWN" not in " ".join(texts(preview))


def test_the_past_cannot_be_changed(preview: UiPreview, qtbot: Any) -> None:
    preview.show_stores(loaded("bob"), NOW, can_choose=False)
    chosen: list[str] = []
    preview.chat_chosen.connect(chosen.append)
    preview.contacts.setFocus()
    preview.contacts.setCurrentIndex(preview.contacts.model().index(0, 0))
    qtbot.keyClick(preview.contacts, Qt.Key.Key_Return)
    assert "Go live" in preview.question.text.text()
    assert not preview.question.accept.isVisible()
    qtbot.mouseClick(preview.question.cancel, Qt.MouseButton.LeftButton)
    assert preview.question.isHidden()
    assert chosen == []


def test_a_contact_is_chosen_with_the_keyboard(preview: UiPreview, qtbot: Any) -> None:
    preview.show_stores(loaded("bob", "zoe"), NOW, can_choose=True)
    chosen: list[str] = []
    preview.chat_chosen.connect(chosen.append)
    preview.contacts.setFocus()
    preview.contacts.setCurrentIndex(preview.contacts.model().index(1, 0))
    qtbot.keyClick(preview.contacts, Qt.Key.Key_Return)
    assert chosen == []
    qtbot.mouseClick(preview.question.accept, Qt.MouseButton.LeftButton)
    assert chosen == ["zoe"]


def test_the_current_contact_stays_when_the_state_is_shown_again(preview: UiPreview, qtbot: Any) -> None:
    stores = with_messages(loaded("bob", "zoe", "yan").selected("bob"), message(1))
    preview.show_stores(stores, NOW, can_choose=True)
    contacts = preview.contacts
    contacts.setFocus()
    for _ in range(3):
        qtbot.keyClick(contacts, Qt.Key.Key_Down)
    before = contacts.currentIndex().row()
    preview.show_stores(stores, NOW + 1, can_choose=True)
    assert contacts.currentIndex().row() == before == 2
    assert [each.row() for each in contacts.selectedIndexes()] == [0], "the selection shows the open chat"


# the tree


def test_the_tree_describes_contacts_messages_and_values_of_the_ui(qapp: Any) -> None:
    model = StateTreeModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    stores = with_messages(loaded("bob"), message(1), message(2, "yo", direction="sent")).to_json()
    note = Note(NoteKind.CHANGED, "was 2")
    model.set_state(stores, {("contactStore", "contacts", 0, "unreadCount"): note})

    def cell(*steps: str | int, column: int = 1) -> str:
        return str(model.find(steps).siblingAtColumn(column).data())

    assert cell("contactStore", "contacts", 0) == "{ bob, online }"
    assert cell("chatStore", "messages", "bob", 0) == "{ bob: hi }"
    assert cell("chatStore", "messages", "bob", 1) == "{ you: yo }"
    assert cell("uiStore", "theme") == "set by the UI"
    assert cell("contactStore", "contacts", 0, "unreadCount", column=NOTE) == "was 2"
    assert cell("contactStore", column=NOTE) == "contacts[bob].unreadCount: was 2"
    index = model.find(("contactStore", "contacts", 0, "unreadCount"))
    assert index.data(Qt.ItemDataRole.BackgroundRole) is not None
    assert model.find(("uiStore",)).data(Qt.ItemDataRole.BackgroundRole) is None


def test_differences_are_counted_before_changes(qapp: Any) -> None:
    model = StateTreeModel()
    path: tuple[str | int, ...] = ("contactStore", "contacts", 0)
    notes = {
        (*path, "unreadCount"): Note(NoteKind.CHANGED, "was 2"),
        (*path, "online"): Note(NoteKind.DIFFERS, "UI has false"),
    }
    model.set_state(loaded("bob").to_json(), notes)
    assert model.find(path).siblingAtColumn(NOTE).data() == "1 difference"


def test_a_group_of_a_long_list_counts_only_the_notes_about_its_members(qapp: Any) -> None:
    model = StateTreeModel()
    stores = with_messages(loaded("bob"), *(message(number) for number in range(250)))
    path: tuple[str | int, ...] = ("chatStore", "messages", "bob")
    model.set_state(stores.to_json(), {(*path, 249): Note(NoteKind.CHANGED, "new")})
    parent = model.find(path)
    assert [model.index(row, NOTE, parent).data() for row in range(3)] == ["", "", "[249]: new"]
    assert parent.siblingAtColumn(NOTE).data() == "[249]: new"


@pytest.fixture
def tree(show: Callable[[QWidget], None]) -> StateTree:
    tree = StateTree()
    tree.resize(500, 400)
    show(tree)
    return tree


def test_a_search_goes_on_from_the_selection_after_the_state_has_changed(tree: StateTree) -> None:
    tree.show_state(loaded("bob", "zoe").to_json(), {})
    found: list[str] = []
    tree.found.connect(found.append)
    tree.search("username")
    assert found[-1] == "1 of 2"
    tree.show_state(loaded("bob", "zoe", "alice").to_json(), {})
    assert tree.path == "contactStore.contacts[bob].username", "a new state does not move the selection"
    tree.next_match()
    assert found[-1] == "2 of 3"
    assert tree.path == "contactStore.contacts[zoe].username"


def test_the_search_of_a_large_state_is_limited(tree: StateTree) -> None:
    stores = with_messages(loaded("bob"), *(message(n, "needle" if n == 9_999 else "") for n in range(10_000)))
    tree.show_state(stores.to_json(), {})
    tree.search("needle")
    assert len(tree._searched or ()) == MAX_SEARCHED


def test_copied_values_are_plain_json(tree: StateTree, qapp: Any) -> None:
    tree.show_state(loaded("bob").to_json(), {})
    tree.reveal(("uiStore",))
    tree.copy_value()
    assert json.loads(qapp.clipboard().text()) == {
        "theme": None, "sidebarWidth": None, "backendConnected": True, "wsConnected": True,
    }  # fmt: skip


# the table


def test_the_table_shows_added_removed_and_unknown_values(qapp: Any) -> None:
    model = ValueTableModel(("Path", "Before", "After"))
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show_lines([Line((), "a", MISSING, {"b": "ä"}), Line((), "c", UNKNOWN, None)])
    shown = [[model.index(line, column, QModelIndex()).data() for column in range(3)] for line in range(2)]
    assert shown == [["a", "–", '{"b": "ä"}'], ["c", "set by the UI", "null"]]
    assert value_text([UNKNOWN]) == "[null]"


def test_a_reported_value_that_is_missing_is_not_null() -> None:
    path = "chatStore.activeChat"
    assert value_or_missing(None, {"chatStore": {}}, path) is MISSING
    assert value_or_missing(None, {"chatStore": {"activeChat": None}}, path) is None
    assert value_or_missing("bob", {}, path) == "bob"
