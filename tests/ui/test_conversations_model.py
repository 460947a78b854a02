"""The model and delegate of the list of chats."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QListView

from app.protocol.backend import Conversation, Person
from app.ui import theme
from app.ui.models.conversations import CHAT, ConversationDelegate, ConversationsModel
from tests.ui.messages import message

pytestmark = pytest.mark.usefixtures("styled")


def chat(name: str, *, online: bool = False, unread: int = 0, text: str | None = "Hi") -> Conversation:
    newest = None if text is None else message(text, peer=name)
    return Conversation(person=Person(username=name, online=online, is_friend=True), unread=unread, newest=newest)


@pytest.fixture
def model(qapp: QApplication) -> ConversationsModel:
    return ConversationsModel()


@pytest.fixture
def view(model: ConversationsModel, show: Any) -> QListView:
    view = QListView()
    view.setModel(model)
    view.setItemDelegate(ConversationDelegate(view))
    view.resize(260, 300)
    show(view)
    return view


def names(model: ConversationsModel) -> list[str]:
    return [model.item(line).text() for line in range(model.rowCount())]


def accessible_texts(model: ConversationsModel) -> list[str]:
    role = Qt.ItemDataRole.AccessibleTextRole
    return [model.index(line, 0).data(role) for line in range(model.rowCount())]


def grab_image(view: QListView) -> QImage:
    return view.grab().toImage()


def test_chats_are_listed_in_the_given_order(model: ConversationsModel) -> None:
    model.show_chats([chat("zoe"), chat("alice"), chat("max")])
    assert names(model) == ["zoe", "alice", "max"]
    assert [model.line_of(name) for name in ("zoe", "alice", "max", "unknown")] == [0, 1, 2, -1]


def test_the_list_can_grow_shrink_and_become_empty(model: ConversationsModel) -> None:
    for expected in (["a"], ["b", "a", "c"], ["c"], [], ["a", "b"]):
        model.show_chats([chat(name) for name in expected])
        assert names(model) == expected


def test_an_item_returns_its_current_chat(model: ConversationsModel) -> None:
    model.show_chats([chat("alice", unread=1)])
    model.show_chats([chat("alice", unread=2, online=True)])
    current = model.index(0, 0).data(CHAT)
    assert (current.unread, current.person.online) == (2, True)


def test_the_accessible_text_has_presence_and_unread_count(model: ConversationsModel) -> None:
    model.show_chats([chat("alice", online=True, unread=2), chat("bob")])
    assert accessible_texts(model) == ["alice, online, 2 unread", "bob, offline, 0 unread"]


def test_items_cannot_be_edited(model: ConversationsModel) -> None:
    model.show_chats([chat("alice")])
    assert not model.item(0).isEditable()


def test_presence_unread_count_and_last_message_are_visible(model: ConversationsModel, view: QListView) -> None:
    pictures = []
    for each in (
        chat("alice"), chat("alice", online=True), chat("alice", unread=3), chat("alice", text="Bye"),
        chat("alice", text=None),
    ):  # fmt: skip
        model.show_chats([each])
        pictures.append(grab_image(view))
    assert all(first != other for number, first in enumerate(pictures) for other in pictures[:number])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x" * 64, "y" * 10_000),
        ("ünï 🎉", "one\ntwo\tthree"),
        ("مريم", "مرحبا"),
        ("<b>bold</b> & co", "<i>no markup</i>"),
        ("alice", ""),
        ("alice", " \n "),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_unusual_names_and_messages_can_be_painted(
    model: ConversationsModel, view: QListView, qapp: QApplication, scheme: str, name: str, text: str
) -> None:
    try:
        theme.apply(qapp, scheme)
        empty = grab_image(view)
        model.show_chats([chat(name, online=True, unread=100_000, text=text)])
        view.setCurrentIndex(model.index(0, 0))
        assert grab_image(view) != empty
    finally:
        theme.apply(qapp, "light")


def test_the_tooltip_of_an_unread_count_mentions_mark_read(model: ConversationsModel) -> None:
    model.show_chats([chat("zoe", unread=3), chat("alice")])
    assert "mark_read" in model.item(0).toolTip()
    model.show_chats([chat("zoe"), chat("alice")])
    assert "mark_read" not in model.item(0).toolTip()
