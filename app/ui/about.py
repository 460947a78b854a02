"""The About dialog: versions of the program and its libraries, licences, and a button that checks for updates.
Other buttons copy the main versions for a bug report, and open the licence texts, the manual, the README and the
issue tracker. Buttons without a target, such as that of the README in a build from source, are hidden. The dialog
checks for updates only on a click; ``updates`` does so at start and once a day if the setting is on.
"""

import asyncio
import platform

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import Qt, QUrl, Signal, qVersion
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
from app.system.updates import Release, UpdateError, look, project_page
from app.ui.browser import open_in_browser
from app.ui.icons import icon
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.updates import open_page
from app.ui.widgets.accessible_names import named

SHOWN = ("qasync", "websockets")


def versions(inside: list[Component]) -> dict[str, str]:
    """Return names and versions for a bug report, the program first. ``inside`` lists the bundled libraries."""
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
    """Return the name of the running event loop, and the reason if it is not the default one."""
    loop = asyncio.get_running_loop()
    return str(getattr(loop, "description", type(loop).__name__))


class About(QDialog):
    """The dialog. Call ``open()``; it does not block. ``help_requested`` is emitted to open the manual."""

    help_requested = Signal()

    def __init__(self, parent: QWidget, companion: Companion, updates_address: str) -> None:
        super().__init__(parent)
        self._address = updates_address
        self._do = RoomTasks(companion.tasks, self._on_failure, errors=(UpdateError,))
        self._do.close_with(self)
        self.setWindowTitle("About P2P Chat Companion")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(600, 560)
        inside = [python(), *libraries()]
        self.versions = versions(inside)
        self.table = self._make_table(inside)
        self.copy = named(QPushButton("Copy versions"), "Copy versions", tip="For a bug report")
        self.texts = named(QPushButton("Open licence texts"), "Open licence texts")
        self.manual = named(QPushButton("Open Help"), "Open Help", style_id="flat")
        self.readme = named(QPushButton("Open README"), "Open README in the web browser", style_id="flat")
        self.issues = named(QPushButton("Report an issue"), "Report an issue in the web browser", style_id="flat")
        self.check = named(QPushButton("Check for updates"), "Check for updates")
        self.update_status = named(PlainTextLabel(wordWrap=True), "Result of the update check", style_id="muted")
        self.release_page = named(QPushButton("Open release page"), "Open the release page of the newer version")
        self.close_button = named(QPushButton("Close"), "Close", style_id="primary")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(14)
        column.addLayout(self._make_head())
        licences = PlainTextLabel("MIT licence. Built with:")
        licences.setObjectName("muted")
        links = QHBoxLayout()
        links.addWidget(licences, 1)
        for button in (self.manual, self.readme, self.issues):
            links.addWidget(button)
        column.addLayout(links)
        column.addWidget(self.table, 1)
        updates = QHBoxLayout()
        updates.addWidget(self.update_status, 1)
        updates.addWidget(self.release_page)
        column.addLayout(updates)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.check, self.copy, self.texts):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        column.addLayout(buttons)
        self.update_status.hide()
        self.release_page.hide()
        self.check.setVisible(bool(self._address))
        self.texts.setVisible(licence_texts() is not None)
        for button in (self.readme, self.issues):
            button.setVisible(bool(project_page()))
        self.close_button.setDefault(True)
        self.close_button.setFocus()  # otherwise the table has it and seems to have a selection

    def _make_head(self) -> QHBoxLayout:
        picture = PlainTextLabel()
        picture.setPixmap(icon("app").pixmap(64, 64))
        name = PlainTextLabel(f"P2P Chat Companion {__version__}")
        name.setObjectName("emptyTitle")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        for row, (name_of_part, version) in enumerate(list(self.versions.items())[1:]):
            title = PlainTextLabel(name_of_part)
            title.setObjectName("muted")
            # Selectable like the value: Qt lays out selectable text a pixel lower.
            title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
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
        self.manual.clicked.connect(self.accept)
        self.manual.clicked.connect(self.help_requested)
        self.readme.clicked.connect(lambda: open_in_browser(f"{project_page()}#readme"))
        self.issues.clicked.connect(lambda: open_in_browser(f"{project_page()}/issues"))
        self.check.clicked.connect(self._check)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(
            "\n".join(f"{name} {version}" for name, version in self.versions.items())
        )

    def _open_texts(self) -> None:
        if folder := licence_texts():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _check(self) -> None:
        self.check.setEnabled(False)
        self._show_status("Checking …")
        self._do(look(self._address), self._show_result)

    def _on_failure(self, why: str) -> None:
        self.check.setEnabled(True)
        self._show_status(f"The check for updates failed: {why}.")

    def _show_result(self, release: Release | None) -> None:
        self.check.setEnabled(True)
        if release is None:
            self._show_status(f"{__version__} is the latest version.")
            return
        self._show_status(f"Version {release.version} is available.")
        self.release_page.clicked.connect(lambda: open_page(release))
        self.check.hide()
        self.release_page.show()

    def _show_status(self, text: str) -> None:
        self.update_status.setText(text)
        self.update_status.show()
