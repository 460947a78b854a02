"""The status bar: server state, address, number of clients, last message, log rows per second, and two buttons.
One pauses and resumes sending to clients, the other stops and starts the event server. A message disappears after a
few seconds. ``status_line`` returns state, address and number as one line, which the tray and the tooltip of the
fire bar window show, too.
"""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.companion import Companion
from app.hub.server_state import ServerState
from app.protocol.counts import count
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.sparkline import Sparkline

MESSAGE_MS = 8000
"""A message disappears after this time, because it may no longer be true."""
TITLES = {
    ServerState.LISTENING: "Listening",
    ServerState.PAUSED: "Paused",
    ServerState.BLOCKED: "Port busy",
    ServerState.STOPPED: "Stopped",
}
TONES = {
    ServerState.LISTENING: "ok",
    ServerState.PAUSED: "warning",
    ServerState.BLOCKED: "error",
    ServerState.STOPPED: "muted",
}


def status_line(companion: Companion) -> str:
    """Return ``Listening · 127.0.0.1:8081 · 2 clients``."""
    address = companion.server.url.removeprefix("ws://").partition("/")[0]
    host, _, port = address.rpartition(":")
    parts = [TITLES[companion.state], f"{host}, any free port" if port == "0" else address]
    if companion.server.listening:
        parts.append(count(companion.hub.connection_count, "client"))
    return " · ".join(parts)


class StatusBar(QWidget):
    """The line at the bottom of the window."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self.setObjectName("statusBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._companion = companion
        self._do = RoomTasks(companion.tasks, self.show_message)
        self.state = named(PlainTextLabel(), "State of the event server", style_id="result")
        self.message = named(ElidedLabel(), "Last message", style_id="muted")
        self._expiry = QTimer(self, interval=MESSAGE_MS, singleShot=True)
        self._expiry.timeout.connect(lambda: self.message.setText(""))
        self.rate = Sparkline(companion.journal)
        self.pause = named(QPushButton(), "Pause or resume sending", style_id="flat")
        self.pause.clicked.connect(lambda: companion.pause(not companion.hub.paused))
        self.power = named(QPushButton(), "Stop or start the event server", style_id="flat")
        self.power.clicked.connect(lambda: self.switch(not companion.server.listening))
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 12, 4)
        row.setSpacing(10)
        row.addWidget(self.state)
        row.addWidget(self.message, 1)
        row.addWidget(self.rate)
        row.addWidget(self.pause)
        row.addWidget(self.power)
        self._disconnects = [
            companion.changed.connect(lambda _: self.show_state()),
            companion.hub.clients_changed.connect(lambda _: self.show_state()),
        ]
        self.show_state()

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        self._do.close()
        self._expiry.stop()
        for disconnect in self._disconnects:
            disconnect()

    def show_message(self, text: str) -> None:
        """Show a message for eight seconds, or until the next one replaces it."""
        self.message.setText(text)
        self._expiry.start()

    def show_state(self) -> None:
        """Show the companion's current state."""
        companion = self._companion
        self.state.setText(f"● {status_line(companion)}")
        self.state.setProperty("tone", TONES[companion.state])
        self.state.style().polish(self.state)
        listening = companion.server.listening
        self.pause.setText("Resume sending" if companion.hub.paused else "Pause sending")
        set_tooltip(self.pause, "While paused, clients stay connected but receive no events")
        self.pause.setEnabled(listening or companion.hub.paused)
        self.power.setText("Stop server" if listening else "Start server")

    def switch(self, on: bool) -> None:
        """Start or stop the event server."""
        self._do(self._companion.start() if on else self._companion.stop())
