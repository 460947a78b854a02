"""The bar with an Undo button, and labels that elide their text."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.undo_bar import UndoBar

pytestmark = pytest.mark.usefixtures("styled")

LEFT = Qt.MouseButton.LeftButton
Show = Callable[[QWidget], None]


@pytest.fixture
def bar(show: Show) -> UndoBar:
    frame = QWidget()
    bar = UndoBar()
    bar.setParent(frame)
    show(frame)
    return bar


def test_the_bar_is_shown_for_the_last_action_until_it_is_undone(bar: UndoBar, qtbot: Any) -> None:
    undone: list[str] = []
    assert not bar.isVisible()
    bar.offer("Deleted a", lambda: undone.append("a"))
    bar.offer("Deleted b", lambda: undone.append("b"))
    assert bar.isVisible()
    assert bar.text.text() == "Deleted b"
    qtbot.mouseClick(bar.undo, LEFT)
    assert undone == ["b"]
    assert not bar.isVisible()
    bar.undo.click()
    assert undone == ["b"]


def test_the_bar_can_be_closed(bar: UndoBar, qtbot: Any) -> None:
    undone: list[str] = []
    bar.offer("Deleted a", lambda: undone.append("a"))
    qtbot.mouseClick(bar.close_button, LEFT)
    assert not bar.isVisible()
    assert undone == []


def test_a_label_that_is_too_narrow_has_a_tooltip_with_its_full_text(show: Show) -> None:
    label = ElidedLabel("a rather long text <b>")
    show(label)
    label.resize(400, 24)
    wide = label.grab().toImage()
    assert label.toolTip() == ""
    label.resize(60, 24)
    assert "a rather long text" in label.toolTip()
    assert label.text() == "a rather long text <b>"
    assert label.minimumSizeHint().width() < 60
    assert label.grab().toImage() != wide.copy(0, 0, 60, 24)
    label.setText("a")
    assert label.toolTip() == ""
