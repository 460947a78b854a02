"""The base class of the main window, without rooms (pages): navigation, banner, strip, space for the status bar.
It is painted first, before the rest of the program is loaded; the subclass in ``window`` adds the rooms. The strip
shows why frames or REST calls are not handled normally, for example because of armed faults; the banner shows other
notices. The shell also restores the geometry and the selected room.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QByteArray, QCoreApplication, QEvent, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app import __version__
from app.system.paths import Folders
from app.ui import theme
from app.ui.icons import icon
from app.ui.input_guard import InputGuard
from app.ui.plain_text import PlainTextLabel
from app.ui.room_registry import ROOMS, Room
from app.ui.widgets.accessible_names import named
from app.ui.widgets.banner import Banner
from app.ui.widgets.condition_strip import ConditionStrip
from app.ui.widgets.navigation import Navigation
from app.ui.widgets.palette_button import PaletteButton

STATUS_BAR_HEIGHT = 32


class MainWindowShell(QMainWindow):
    """The empty window. It does not use the companion, so it can be painted before the companion is loaded.

    ``closed`` is emitted when the user closes the window; the tray program decides what to do.
    """

    closed = Signal()

    def __init__(self, folders: Folders, rooms: Sequence[Room] = ROOMS) -> None:
        super().__init__()
        theme.style_window(self)
        self.folders = folders
        self.room_list = rooms
        self._memory = QSettings(str(folders.window_file), QSettings.Format.IniFormat)
        self.setWindowTitle("P2P Chat Companion")
        self.setWindowIcon(icon("app"))
        self.setMinimumSize(QSize(880, 560).boundedTo(self.screen().availableSize()))
        self.strip = ConditionStrip()
        self.banner = Banner()
        self.navigation = Navigation(rooms)
        self.palette_button = PaletteButton()
        self._place = QVBoxLayout()
        """The layout that will contain the rooms."""
        self._foot = QWidget()
        """A placeholder for the status bar."""
        self._input_guard = InputGuard(self)
        self._lay_out()
        self.resize(QSize(1120, 720).boundedTo(self.screen().availableSize()))
        self.recall("geometry", self.restoreGeometry)
        self.navigation.focus_current()  # now that it is in the window

    def _lay_out(self) -> None:
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.strip)
        right.addWidget(self.banner)
        right.addLayout(self._place, 1)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addWidget(self._make_navigation())
        body.addLayout(right, 1)
        whole = QWidget()
        self._whole = QVBoxLayout(whole)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(0)
        self._whole.addLayout(body, 1)
        self._foot.setObjectName("statusBar")
        self._foot.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._foot.setFixedHeight(STATUS_BAR_HEIGHT)
        self._whole.addWidget(self._foot)
        self.setCentralWidget(whole)

    def _insert_rooms(self, rooms: QWidget, status_bar: QWidget) -> None:
        """Insert the rooms, and replace the placeholder of the status bar."""
        self._place.addWidget(rooms, 1)
        self._whole.replaceWidget(self._foot, status_bar)
        self._foot.deleteLater()
        rooms.show()
        status_bar.show()

    def _paint_rooms(self) -> None:
        """Paint what was inserted. Without the layout, which Qt postpones, it would not be visible yet."""
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        self.repaint()

    def _make_navigation(self) -> QWidget:
        side = QWidget()
        side.setObjectName("navigation")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        side.setFixedWidth(168)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 14, 0, 12)
        column.setSpacing(4)
        title = PlainTextLabel("P2P Chat\nCompanion")
        title.setObjectName("brand")
        brand = QHBoxLayout()
        brand.setContentsMargins(16, 0, 10, 8)
        brand.setSpacing(10)
        picture = PlainTextLabel()
        picture.setPixmap(icon("app").pixmap(32, 32))
        brand.addWidget(picture)
        brand.addWidget(title, 1)
        column.addLayout(brand)
        search = QHBoxLayout()
        search.setContentsMargins(10, 0, 10, 4)
        search.addWidget(self.palette_button)
        column.addLayout(search)
        column.addWidget(self.navigation, 1)
        self.version = named(QPushButton(f"Version {__version__}"), "About", style_id="flat", tip="About")
        foot = QHBoxLayout()
        foot.setContentsMargins(10, 0, 10, 0)
        foot.addWidget(self.version, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(foot)
        self._recall_navigation()
        return side

    def _recall_navigation(self) -> None:
        """Select the room and collapse the groups of the last time."""
        collapsed = self._memory.value("navigation/collapsed", "", str)
        self.navigation.collapse(str(collapsed).split(","))
        last = str(self._memory.value("navigation/room", "", str))
        self.navigation.select(last if self.navigation.has(last) else self.room_list[0].name)

    def _remember_navigation(self) -> None:
        self._memory.setValue("navigation/collapsed", ",".join(self.navigation.collapsed))
        self._memory.setValue("navigation/room", self.navigation.current)

    def recall(self, key: str, restore: Callable[[QByteArray], object]) -> None:
        """Pass what the state file has under a key to ``restore``, if it has anything."""
        if isinstance(saved := self._memory.value(key), QByteArray):
            restore(saved)

    @property
    def memory(self) -> QSettings:
        """The window's state file: sizes, hints that were shown, recent commands."""
        return self._memory

    def present(self) -> None:
        """Show the window and bring it to the front, even if it is minimized or hidden."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.navigation.recolor()
        self.palette_button.recolor()
        self.strip.recolor()

    def first_hint(self, name: str) -> bool:
        """Return whether a one-time hint has not been shown yet, and record that it has."""
        due = not self._memory.value(f"hints/{name}", False, bool)
        self._memory.setValue(f"hints/{name}", True)
        return bool(due)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Start filtering accidental input: the native window exists now."""
        super().showEvent(event)
        self._input_guard.watch(self.windowHandle())

    @override
    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Move the keyboard focus for Tab. If the focused control was hidden or disabled, focus the window instead.

        Qt would focus a neighbouring control, and a second press of Space or Enter would trigger it.
        """
        focused = self.focusWidget()
        if focused is None or (focused.isVisible() and focused.isEnabled()):
            return super().focusNextPrevChild(forwards)
        self.setFocus()
        return True

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the window open and emit ``closed``: the tray program decides whether to hide it or to quit."""
        event.ignore()
        self.closed.emit()
