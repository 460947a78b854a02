"""An example of a new room: this file and one entry in the list of rooms."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from app.companion import Companion
from app.system.settings import Settings
from app.ui.plain_text import PlainTextLabel
from app.ui.room_registry import Group, Room
from app.ui.window import MainWindow


class ExampleRoom(QWidget):
    """Uses everything that the window offers to a room."""

    status_message = Signal(str)

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.calls: list[str] = []
        self.left, self.right = PlainTextLabel("left"), PlainTextLabel("right")
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.left)
        self.splitter.addWidget(self.right)
        column = QVBoxLayout(self)
        column.addWidget(self.splitter)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def layout_parts(self) -> dict[str, QSplitter]:
        return {"example/halves": self.splitter}

    def build_next_part(self) -> bool:
        self.calls.append("build")
        return self.calls.count("build") <= 2

    def fire_or_stop(self) -> None:
        self.status_message.emit(f"Fired at {self._companion.hub.connection_count} clients")

    def focus_search(self) -> None:
        self.calls.append("search")

    def follow_settings(self, settings: Settings) -> None:
        self.calls.append(f"settings of {settings.username}")

    def recolor(self) -> None:
        self.calls.append("recolor")

    def close_down(self) -> None:
        self.calls.append("close")


def create(window: MainWindow) -> ExampleRoom:
    return ExampleRoom(window.companion)


EXAMPLE = Room("example", "Example", "clients", Group.PROVE, "tests.ui.example_room:create", "Ctrl+Alt+E")
