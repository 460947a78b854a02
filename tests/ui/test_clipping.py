"""No text in the window is cut off, unless a tooltip shows the full text."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLabel,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)

from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from app.ui.widgets.short_button import ShortButton
from app.ui.window import INJECT, ROOMS, MainWindow
from tests.conftest import LONG, Connect

pytestmark = pytest.mark.usefixtures("styled")

SIZES = [(1000, 640), (1400, 900)]
SCALE = float(os.environ.get("QT_SCALE_FACTOR", "1"))
ROUNDING = 1
"""Font metrics are rounded to whole pixels."""
MAX_ROWS = 60


def cut_texts(root: QWidget) -> Iterator[str]:
    """Yield the texts of visible widgets that do not fit and have no tooltip with the full text."""
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or widget.visibleRegion().isEmpty():
            continue
        match widget:
            case QLabel() if widget.text() and not widget.wordWrap():
                text_width = max(
                    widget.fontMetrics().horizontalAdvance(line) for line in widget.text().splitlines() or [""]
                )
                if text_width > widget.contentsRect().width() + ROUNDING and widget.text() not in widget.toolTip():
                    yield f"label {widget.text()!r}: {text_width} px in {widget.contentsRect().width()} px"
            case QLabel() if widget.text():
                needed = widget.heightForWidth(widget.width())
                if needed > widget.height() + ROUNDING and widget.text() not in widget.toolTip():
                    yield f"label {widget.text()!r}: {needed} px high in {widget.height()} px"
            case ShortButton() if widget.is_short:
                if not widget.toolTip() or not widget.accessibleName():
                    yield f"button {widget.text()!r}: no tooltip or accessible name"
            case QAbstractButton() if widget.text():
                text_width = widget.fontMetrics().horizontalAdvance(widget.text())
                text_width += widget.iconSize().width() if not widget.icon().isNull() else 0
                if text_width > widget.width() + ROUNDING:
                    yield f"button {widget.text()!r}: {text_width} px in {widget.width()} px"
            case QComboBox():
                yield from _cut_in_combo_box(widget)
            case QHeaderView() if widget.orientation() is Qt.Orientation.Horizontal:
                yield from _cut_in_header(widget)
            case QAbstractItemView():
                yield from _cut_in_view(widget)


def _cut_in_combo_box(box: QComboBox) -> Iterator[str]:
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    part = QStyle.SubControl.SC_ComboBoxEditField
    available = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, box).width()
    text_width = box.fontMetrics().horizontalAdvance(box.currentText())
    if text_width > available + ROUNDING and box.currentText() not in box.toolTip():
        yield f"combo box {box.currentText()!r}: {text_width} px in {available} px"


def _cut_in_header(header: QHeaderView) -> Iterator[str]:
    model = header.model()
    for section in range(header.count()):
        title = str(model.headerData(section, Qt.Orientation.Horizontal) or "")
        tip = model.headerData(section, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        text_width = header.fontMetrics().horizontalAdvance(title)
        if not header.isSectionHidden(section) and text_width > header.sectionSize(section) and not tip:
            yield f"column {title!r}: {text_width} px in {header.sectionSize(section)} px"


def _cut_in_view(view: QAbstractItemView) -> Iterator[str]:
    model = view.model()
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount()
    for line in range(min(model.rowCount() if model else 0, MAX_ROWS)):
        for column in range(columns):
            index = model.index(line, column, QModelIndex())
            box: QRect = view.visualRect(index)
            text = str(index.data() or "")
            if not box.intersects(view.viewport().rect()):
                continue
            text_width = view.fontMetrics().horizontalAdvance(text)
            if text_width > box.width() and not index.data(Qt.ItemDataRole.ToolTipRole):
                yield f"cell {text[:60]!r} of {view.accessibleName()}: {text_width} px in {box.width()} px"


async def test_no_text_is_cut_without_a_tooltip(
    window: MainWindow, connect_client: Connect, subtests: pytest.Subtests
) -> None:
    await connect_client("alice", origin="http://localhost:1420")
    await window.companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    window.companion.rejection_log.add("events", "origin not allowed", "http://localhost:5555")
    window.inject.bar.fire()
    await asyncio.sleep(0)
    window.events.model.flush()
    window.events.table.selectRow(1)
    window.clients.table.selectRow(0)
    window.fixtures.choose("nasty/markup")
    for size in SIZES if LONG and SCALE == 1 else SIZES[:1]:
        window.resize(*size)
        for room in (each.name for each in ROOMS):
            with subtests.test(room=room, size=size):
                window.open_room(room)
                cut = set()
                for tab in range(window.inject.tabs.count() if room == INJECT else 1):
                    window.inject.tabs.setCurrentIndex(tab)
                    await asyncio.sleep(0.02)  # lets Qt lay out the widgets
                    cut |= set(cut_texts(window))
                assert sorted(cut) == []


def test_a_cut_text_is_found(show: Callable[[QWidget], None]) -> None:
    parent = QWidget()
    label = QLabel("a text that is too long", parent)
    show(parent)
    label.resize(20, 20)
    assert [text.partition(":")[0] for text in cut_texts(parent)] == ["label 'a text that is too long'"]
    label.setToolTip(label.text())
    assert list(cut_texts(parent)) == []


@pytest.mark.e2e
@pytest.mark.skipif(SCALE != 1, reason="this is the run at twice the scale")
def test_no_text_is_cut_at_twice_the_scale() -> None:
    """The scale is fixed at the start of a process, so the first test runs again in another process."""
    test = f"{__file__}::{test_no_text_is_cut_without_a_tooltip.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-n0", test]
    done = subprocess.run(
        command,
        env={**os.environ, "QT_SCALE_FACTOR": "2"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(ROOMS)} subtests passed" in done.stdout
