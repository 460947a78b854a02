"""About: which version this is, of what it is made, and under which licences."""

import asyncio
import platform

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import Qt, QUrl, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import __version__
from app.companion import Companion
from app.system.about import Component, libraries, licence_texts, python
from app.system.updates import Release, UpdateError, look
from app.ui.icons import icon
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.updates import open_page
from app.ui.widgets.naming import named

SHOWN = ("qasync", "websockets")


def versions(inside: list[Component]) -> dict[str, str]:
    """Return what a bug report needs to say: names and versions, the program first."""
    known = {each.name: each.version for each in inside}
    return {
        "P2P Chat Companion": __version__,
        "Python": platform.python_version(),
        "Qt": qVersion(),
        "PySide6": pyside_version,
        **{name: known.get(name, "?") for name in SHOWN},
        "Event loop": loop_description(),
        "System": platform.platform(terse=True),
    }


def loop_description() -> str:
    """Return which event loop the program runs on, and why if it is not the usual one."""
    loop = asyncio.get_running_loop()
    return str(getattr(loop, "description", type(loop).__name__))


class About(QDialog):
    """``open()`` it; it does not block."""

    def __init__(self, parent: QWidget, companion: Companion, updates_address: str) -> None:
        super().__init__(parent)
        self._address = updates_address
        self._do = RoomTasks(companion.tasks, self._look_failed, errors=(UpdateError,))
        self.finished.connect(lambda _: self._do.close())
        self.setWindowTitle("About P2P Chat Companion")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(600, 560)
        inside = [python(), *libraries()]
        self.versions = versions(inside)
        self.table = self._make_table(inside)
        self.copy = named(QPushButton("Copy versions"), "Copy versions", tip="For a bug report")
        self.texts = named(QPushButton("Open licence texts"), "Open licence texts")
        self.look = named(QPushButton("Look for a newer version"), "Look for a newer version")
        self.heard = named(PlainTextLabel(wordWrap=True), "Newer version", style_id="muted")
        self.page = named(QPushButton("Open its page"), "Open the newer version's page")
        self.close_button = named(QPushButton("Close"), "Close", style_id="primary")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(14)
        column.addLayout(self._make_head())
        licences = PlainTextLabel("It is under the MIT licence, and stands on these libraries:")
        licences.setObjectName("muted")
        column.addWidget(licences)
        column.addWidget(self.table, 1)
        news = QHBoxLayout()
        news.addWidget(self.heard, 1)
        news.addWidget(self.page)
        column.addLayout(news)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.look, self.copy, self.texts):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        column.addLayout(buttons)
        self.heard.hide()
        self.page.hide()
        self.look.setVisible(bool(self._address))
        self.texts.setVisible(licence_texts() is not None)
        self.close_button.setDefault(True)
        self.close_button.setFocus()  # or the table would have it, and look chosen from

    def _make_head(self) -> QHBoxLayout:
        picture = PlainTextLabel()
        picture.setPixmap(icon("app").pixmap(64, 64))
        name = PlainTextLabel(f"P2P Chat Companion {__version__}")
        name.setObjectName("emptyTitle")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        for row, (what, version) in enumerate(list(self.versions.items())[1:]):
            title = PlainTextLabel(what)
            title.setObjectName("muted")
            value = PlainTextLabel(version, wordWrap=True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(title, row, 0)
            grid.addWidget(value, row, 1)
        grid.setColumnStretch(1, 1)
        text = QVBoxLayout()
        text.setSpacing(8)
        text.addWidget(name)
        text.addLayout(grid)
        head = QHBoxLayout()
        head.setSpacing(18)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(text, 1)
        return head

    def _make_table(self, inside: list[Component]) -> QTableWidget:
        table = named(QTableWidget(len(inside), 3), "Libraries and their licences", style_id="libraries")
        table.setHorizontalHeaderLabels(["Library", "Version", "Licence"])
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(26)
        for row, component in enumerate(inside):
            for column, text in enumerate(component):
                item = QTableWidgetItem(text)
                set_tooltip(item, text)
                table.setItem(row, column, item)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.setTabKeyNavigation(False)
        table.setColumnWidth(0, 180)
        table.setColumnWidth(1, 110)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        return table

    def _connect(self) -> None:
        self.close_button.clicked.connect(self.accept)
        self.copy.clicked.connect(self._copy)
        self.texts.clicked.connect(self._open_texts)
        self.look.clicked.connect(self._look)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(
            "\n".join(f"{what} {version}" for what, version in self.versions.items())
        )

    def _open_texts(self) -> None:
        if folder := licence_texts():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _look(self) -> None:
        self.look.setEnabled(False)
        self._say("Asking …")
        self._do(look(self._address), self._looked)

    def _look_failed(self, why: str) -> None:
        self.look.setEnabled(True)
        self._say(f"The check for a newer version failed: {why}.")

    def _looked(self, answer: Release | None) -> None:
        self.look.setEnabled(True)
        if answer is None:
            self._say(f"{__version__} is the newest version.")
            return
        self._say(f"Version {answer.version} is there.")
        self.page.clicked.connect(lambda: open_page(answer))
        self.look.hide()
        self.page.show()

    def _say(self, text: str) -> None:
        self.heard.setText(text)
        self.heard.show()
