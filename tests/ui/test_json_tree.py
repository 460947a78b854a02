"""The JSON tree: frames as a searchable tree whose nodes are created on demand."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from app.protocol.json_path import value_at
from app.ui.models.json_tree import GROUP, Column, JsonTreeModel, members_of, searchable
from app.ui.widgets.json_tree import MAX_BYTES, MAX_OPENED, JsonTree
from tests.conftest import LONG, examples

pytestmark = pytest.mark.usefixtures("styled")

FRAME: dict[str, Any] = {
    "event": "new_message",
    "data": {"text": "Hällo", "n": 3, "on": True, "a.b": 1, "reactions": [{"emoji": "👍"}, {"emoji": "🎉"}]},
}
KEYS = st.text(st.sampled_from("abÄ.[]0 "), min_size=1, max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture
def tree(show: Callable[[QWidget], None]) -> JsonTree:
    tree = JsonTree()
    tree.resize(500, 300)
    show(tree)
    return tree


def show_value(tree: JsonTree, value: Any) -> None:
    tree.show_frame(json.dumps(value).encode())


def rows(tree: JsonTree, parent: QModelIndex = QModelIndex()) -> list[tuple[str, str]]:  # noqa: B008
    """Return key and value of every row whose parents are expanded."""
    result = []
    for number in range(tree.model.rowCount(parent)):
        index = tree.model.index(number, 0, parent)
        result.append((index.data(), tree.model.index(number, Column.VALUE, parent).data()))
        if tree.view.isExpanded(index):
            result += rows(tree, index)
    return result


def select(tree: JsonTree, *steps: str | int) -> None:
    tree.view.setCurrentIndex(tree.model.find(steps))


def test_a_small_frame_is_shown_completely(tree: JsonTree) -> None:
    show_value(tree, FRAME)
    assert rows(tree) == [
        ("event", '"new_message"'),
        ("data", "{ 5 keys }"),
        ("text", '"Hällo"'),
        ("n", "3"),
        ("on", "true"),
        ("a.b", "1"),
        ("reactions", "[ 2 items ]"),
        ("0", "{ 1 key }"),
        ("emoji", '"👍"'),
        ("1", "{ 1 key }"),
        ("emoji", '"🎉"'),
    ]


@settings(max_examples=examples(50 if LONG else 15))
@given(VALUES)
def test_the_model_is_consistent_and_finds_every_member(value: Any) -> None:
    model = JsonTreeModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_value(value)
    for steps, _ in searchable(value):
        node = model.node(model.find(steps))
        assert node.steps == steps
        if node.path and isinstance(value, dict):
            assert value_at(value, node.path) == node.value


@pytest.mark.parametrize("value", [3, "text", None, [], {}])
def test_a_value_without_members_is_one_row(tree: JsonTree, value: Any) -> None:
    show_value(tree, value)
    assert tree.model.rowCount() == 1
    assert rows(tree)[0][0] == "value"


def test_long_lists_are_grouped_and_created_on_demand(tree: JsonTree) -> None:
    show_value(tree, {"data": list(range(12_345)), "keys": {f"k{n}": n for n in range(250)}})
    created = len(tree.model._nodes)
    assert created < 3 * GROUP
    groups = tree.model.find(("data",))
    assert tree.model.rowCount(groups) == 2
    assert tree.model.index(1, 0, groups).data() == "10000 … 12344"
    assert tree.model.index(2, 0, tree.model.find(("keys",))).data() == "k200 … k249"
    index = tree.model.find(("data", 12_344))
    assert tree.model.node(index).value == 12_344
    assert len(tree.model._nodes) < created + 4 * GROUP


def test_expanding_a_large_frame_creates_a_limited_number_of_nodes(tree: JsonTree) -> None:
    """Creating or querying all 10,000 nodes would take too long."""
    value = {"event": "x", "data": {"items": [[n] for n in range(5_000)]}}
    assert len(searchable(value)) > 10_000
    show_value(tree, value)
    assert len(tree.model._nodes) < 2 * GROUP
    tree.view.setFocus()
    tree.view.setCurrentIndex(tree.model.index(0, 0))
    tree.actions_by_title["Expand all"].trigger()
    assert MAX_OPENED - GROUP < len(rows(tree)) <= MAX_OPENED


def test_the_asterisk_key_expands_a_limited_number_of_nodes(tree: JsonTree, qtbot: Any) -> None:
    show_value(tree, {"items": [[n] for n in range(5_000)]})
    tree.view.setFocus()
    select(tree, "items")
    qtbot.keyClick(tree.view, Qt.Key.Key_Asterisk)
    assert len(rows(tree)) <= MAX_OPENED


def test_nodes_can_be_collapsed_and_expanded_with_the_keyboard(tree: JsonTree, qtbot: Any) -> None:
    show_value(tree, FRAME)
    tree.view.setFocus()
    select(tree, "data")
    qtbot.keyClick(tree.view, Qt.Key.Key_Left)
    assert [key for key, _ in rows(tree)] == ["event", "data"]
    qtbot.keyClick(tree.view, Qt.Key.Key_Right)
    assert len(rows(tree)) == 11


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"{nope", "invalid JSON"),
        (b"\xff", "not UTF-8"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b'"' + b"x" * MAX_BYTES + b'"', "larger than 128 KiB"),
        (b"[" * 60_000, "nested deeper"),
    ],
)
def test_the_reason_is_shown_if_a_frame_has_no_tree(tree: JsonTree, payload: bytes, error: str) -> None:
    tree.show_frame(payload)
    assert tree.currentWidget() is tree.problem
    assert error in tree.problem.text()
    show_value(tree, FRAME)
    assert tree.currentWidget() is tree.view


# search


def current(tree: JsonTree) -> str:
    return tree.model.node(tree.view.currentIndex()).path


def test_the_search_finds_keys_and_values_and_expands_their_parents(tree: JsonTree) -> None:
    counts: list[str] = []
    tree.found.connect(counts.append)
    show_value(tree, FRAME)
    tree.view.collapseAll()
    tree.search("EMOJI")
    assert (current(tree), counts[-1]) == ("data.reactions[0].emoji", "1 of 2")
    tree.next_match()
    assert (current(tree), counts[-1]) == ("data.reactions[1].emoji", "2 of 2")
    tree.next_match()
    assert counts[-1] == "1 of 2"
    tree.next_match(-1)
    assert counts[-1] == "2 of 2"
    tree.search("hällo")
    assert (current(tree), counts[-1]) == ("data.text", "1 of 1")
    tree.search("tru")
    assert current(tree) == "data.on"
    tree.search("nothing like this")
    assert counts[-1] == "no match"
    tree.search("")
    assert counts[-1] == ""


@pytest.mark.parametrize(("value", "text"), [("Ping", "ping"), (42, "42"), (None, "null")])
def test_the_search_finds_a_frame_that_is_a_single_value(tree: JsonTree, value: Any, text: str) -> None:
    counts: list[str] = []
    tree.found.connect(counts.append)
    show_value(tree, value)
    tree.search(text)
    assert counts[-1] == "1 of 1"
    assert tree.view.currentIndex().isValid()


def test_the_search_finds_a_member_of_a_group(tree: JsonTree) -> None:
    show_value(tree, {"data": [f"n{number}" for number in range(1_000)]})
    tree.search("n777")
    assert current(tree) == "data[777]"
    assert tree.view.visualRect(tree.view.currentIndex()).isValid()


def test_the_search_is_repeated_for_the_next_frame(tree: JsonTree) -> None:
    counts: list[str] = []
    tree.found.connect(counts.append)
    show_value(tree, {"a": 1})
    tree.search("b")
    show_value(tree, {"a": {"b": 1}})
    assert counts[-1] == "1 of 1"
    tree.show_frame(b"{")
    assert counts[-1] == "no match"


# copy


def menu(tree: JsonTree) -> dict[str, bool]:
    tree.view.customContextMenuRequested.emit(QPoint(5, 5))
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, QMenu)
    entries = {action.text(): action.isEnabled() for action in popup.actions()}
    popup.close()
    return entries


def test_values_are_copied_as_text_or_json(tree: JsonTree, qtbot: Any) -> None:
    show_value(tree, FRAME)
    tree.view.setFocus()
    select(tree, "data", "text")
    qtbot.keyClick(tree.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Hällo"
    select(tree, "data", "reactions")
    tree.copy_value()
    assert json.loads(QGuiApplication.clipboard().text()) == FRAME["data"]["reactions"]
    show_value(tree, "\ufeffa byte order mark")
    tree.view.setCurrentIndex(tree.model.index(0, 0))
    tree.copy_value()
    assert QGuiApplication.clipboard().text() == "\ufeffa byte order mark"


def test_a_group_is_copied_with_its_members_only(tree: JsonTree) -> None:
    show_value(tree, {"data": list(range(250))})
    tree.view.setCurrentIndex(tree.model.index(2, 0, tree.model.find(("data",))))
    tree.copy_value()
    assert json.loads(QGuiApplication.clipboard().text()) == list(range(200, 250))


def test_paths_are_copied_if_they_can_be_written(tree: JsonTree) -> None:
    show_value(tree, FRAME)
    messages: list[str] = []
    tree.status_message.connect(messages.append)
    select(tree, "data", "reactions", 1, "emoji")
    assert menu(tree) == dict.fromkeys(("Copy value", "Copy path", "Expand all", "Collapse all"), True)
    tree.copy_path()
    path = QGuiApplication.clipboard().text()
    assert value_at(FRAME, path) == "🎉"
    assert messages == ["Copied the path data.reactions[1].emoji"]
    select(tree, "data", "a.b")
    assert menu(tree)["Copy path"] is False
    tree.copy_path()
    assert QGuiApplication.clipboard().text() == path
    assert "cannot be written as a path" in messages[-1]
    show_value(tree, [{"a": 1}])
    select(tree, 0, "a")
    tree.copy_path()
    assert "the value at the top is a list" in messages[-1]


def test_texts_are_shown_as_plain_text_and_truncated_if_long(tree: JsonTree) -> None:
    show_value(tree, {"a": "<b>" * 1_000, "b\nc": "line\nbreak"})
    assert rows(tree)[0][1].endswith("… (3,000 characters)")
    assert rows(tree)[1] == ("b\\nc", '"line\\nbreak"')
    tip = tree.model.data(tree.model.index(0, Column.VALUE), Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;" in tip


def test_the_accessible_text_contains_key_and_value(tree: JsonTree) -> None:
    show_value(tree, FRAME)
    index = tree.model.find(("data", "n"))
    assert tree.model.data(index, Qt.ItemDataRole.AccessibleTextRole) == "n: 3"


def test_a_scalar_has_no_members() -> None:
    assert members_of("text") == ()
