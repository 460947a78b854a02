"""Run the real window and request every tooltip in it: ``python -m tests.gates.hover DATA_DIR OPTION…``.

The options are those of the program. When ``DATA_DIR/hover`` appears, every room and dialog is opened, every row is
selected, and the tooltip of every widget and cell is requested. The results are written to ``DATA_DIR/hover.json``.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPersistentModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QHelpEvent
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDialog,
    QHeaderView,
    QLabel,
    QListView,
    QMenu,
    QTabBar,
    QToolTip,
    QWidget,
)
from shiboken6 import isValid
from typing_extensions import override

from app import desktop
from app.__main__ import run
from app.ui.room_registry import CHATS, EVENTS, INJECT, ROOMS
from app.ui.tray import Tray
from app.ui.widgets.banner import Banner
from app.ui.window import MainWindow
from tests.gates.window_driver import WindowDriver

BAIT = "bait"
"""This word is part of every untrusted text."""
OPENING = '<p style="white-space:pre-wrap">'
DIALOGS = ("rename", "save_as", "delete")
"""Buttons that open a dialog about the selected item."""
EDITED_ROWS = 40

Steps = Iterator[None]


class Hover(WindowDriver):
    """Opens everything in the window, and requests all tooltips."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir, "hover")
        self.tooltips = 0
        self.seen: dict[str, int] = {}
        """Number of tooltips and labels with an untrusted text, by place."""

    @override
    def report(self) -> dict[str, Any]:
        return {"tooltips": self.tooltips, "seen": self.seen}

    @override
    def steps(self) -> Steps:
        (window,) = (each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow))
        yield from self._rows_in_editor(window)
        for room in ROOMS:
            window.open_room(room.name)
            yield from self._check_all(room.title)
            yield from self._choices(room.title, window)
            for button in DIALOGS if room.title == "Fixtures" else ():
                getattr(window.fixtures.form, button).click()
                yield from self._dialog(button)
        window.open_room(CHATS)
        for view in window.chats.findChildren(QListView):
            for index in cells(view):
                if BAIT in str(index.data()):
                    view.setCurrentIndex(index)
        yield from self._check_all("Chats", hover=False)
        for action in self._menu_actions(window):
            action.trigger()
            yield from self._dialog("chats")
        for opened, what in (
            (window.open_palette, "palette"), (window.open_about, "about"), (window.show_shortcuts, "shortcuts"),
            (window.quit_requested.emit, "quit"),
        ):  # fmt: skip
            opened()
            yield from self._dialog(what)
        tray = Tray(window.events._companion)
        tray.menu.popup(QPoint(0, 0))
        yield from self._dialog("tray")
        tray.notify(OPENING, OPENING)
        tray.close_down()

    def _rows_in_editor(self, window: MainWindow) -> Steps:
        """Open rows of the log in Inject, which validates them."""
        window.open_room(EVENTS)
        yield
        model = window.events.model
        rows = [model.row(line) for line in range(model.rowCount())]
        # Invalid frames first, because Inject quotes their errors.
        rows = sorted(
            (row for row in rows if BAIT.encode() in row.payload), key=lambda row: row.verdict != "invalid"
        )
        for row in rows[:EDITED_ROWS]:
            window.inject.edit(row)
            window.open_room(INJECT)
            yield from self._check_all("edit", hover=False)

    @staticmethod
    def _menu_actions(window: MainWindow) -> list[QAction]:
        """Return the actions of Chats that open a dialog about a friend."""
        wanted = ("Rename", "Add persona")
        menus = window.chats.findChildren(QMenu)
        return [each for menu in menus for each in menu.actions() if each.text().startswith(wanted)]

    def _choices(self, name: str, window: MainWindow) -> Steps:
        """Select each tab and each row, which opens its details."""
        page = window.centralWidget()
        assert page is not None
        for tabs in page.findChildren(QTabBar):
            for number in range(tabs.count()) if tabs.isVisible() else ():
                tabs.setCurrentIndex(number)
                yield from self._check_all(name)
        for view in page.findChildren(QAbstractItemView):
            for index in cells(view, columns=1) if view.isVisible() and not isinstance(view, QHeaderView) else ():
                view.setCurrentIndex(index)
                yield from self._check_all(name, hover=False)

    def _dialog(self, name: str) -> Steps:
        yield from self._check_all(name)
        for each in QApplication.topLevelWidgets():
            if isinstance(each, QDialog | QMenu) and each.isVisible():
                each.close()
        yield

    def _check_all(self, place: str, *, hover: bool = True) -> Steps:
        """Check every label, and request the tooltip of every visible widget."""
        yield
        for top in QApplication.topLevelWidgets():
            if not isValid(top):  # a tooltip that was hidden meanwhile
                continue
            for label in top.findChildren(QLabel):
                self._check_label(place, label)
            for widget in [top, *top.findChildren(QWidget)] if hover else ():
                if isValid(widget) and widget.isVisible():
                    yield from self._hover(place, widget)

    def _check_label(self, place: str, label: QLabel) -> None:
        if label.metaObject().className() == "QTipLabel":
            return  # a tooltip, which _request_tooltip checks
        if label.text() and label.textFormat() is not Qt.TextFormat.PlainText:
            self.flaws.add(f"{place}: a label interprets HTML: {label.text()[:60]!r}")
        in_banner = any(isinstance(each, Banner) for each in ancestors(label))  # it is visible in every room
        if label.isVisible() and BAIT in label.text() and not in_banner:
            self._count(f"{place}, label")

    def _hover(self, place: str, widget: QWidget) -> Steps:
        self._request_tooltip(place, widget, widget.rect().center())
        if isinstance(widget, QAbstractItemView) and not isinstance(widget, QHeaderView):
            for index in cells(widget):
                widget.scrollTo(index)
                self._request_tooltip(place, widget.viewport(), widget.visualRect(index).center())
                if index.column() == 0:
                    yield
        if isinstance(widget, QTabBar):
            for number in range(widget.count()):
                self._request_tooltip(place, widget, widget.tabRect(number).center())

    def _request_tooltip(self, place: str, widget: QWidget, at: QPoint) -> None:
        QToolTip.hideText()
        QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, at, widget.mapToGlobal(at)))
        text = QToolTip.text()
        if not text:
            return
        self.tooltips += 1
        if GuiQt.mightBeRichText(text) and "<" in text.removeprefix(OPENING).removesuffix("</p>"):
            self.flaws.add(f"{place}: a tooltip interprets HTML: {text[:60]!r}")
        if BAIT in text:
            self._count(f"{place}, tooltip")

    def _count(self, where: str) -> None:
        self.seen[where] = self.seen.get(where, 0) + 1


def ancestors(widget: QWidget) -> Iterator[QWidget]:
    """Yield the widgets that contain this one."""
    parent = widget.parentWidget()
    while parent:
        yield parent
        parent = parent.parentWidget()


def as_index(index: QPersistentModelIndex) -> QModelIndex:
    """Return the index that a persistent one points to now."""
    return QModelIndex(index)  # type: ignore[call-overload,no-any-return]  # the stubs lack the conversion


def cells(view: QAbstractItemView, columns: int = 100) -> Iterator[QModelIndex]:
    """Yield every cell of a view, including those in folders; none for the closed list of a combo box.

    The model may change between two cells, for example when its files are read again: no index is kept until then.
    """
    model = view.model()

    def below(folder: QPersistentModelIndex | None) -> Iterator[QModelIndex]:
        row = 0
        while folder is None or folder.isValid():
            parent = QModelIndex() if folder is None else as_index(folder)
            if row >= model.rowCount(parent):
                return
            first = QPersistentModelIndex(model.index(row, 0, parent))
            count = 1 if isinstance(model, QAbstractListModel) else model.columnCount(parent)
            for column in range(min(columns, count)):
                if first.isValid():
                    yield as_index(first).siblingAtColumn(column)
            if first.isValid():
                yield from below(first)
            row += 1

    return below(None) if model else iter(())


if __name__ == "__main__":
    application = desktop._open_display()
    data_dir = Path(sys.argv.pop(1))
    hovering = Hover(data_dir)
    os.chdir(data_dir)  # a relative folder in the settings is created in the working directory
    run()
