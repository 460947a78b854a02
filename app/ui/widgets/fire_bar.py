"""The bar that fires an event: recipients, repeat, delay, expectation and result. Inject and Fixtures share it."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.origin import PANEL
from app.hub.pipeline import offline_warning
from app.hub.server_state import ServerState
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.log_text import recipients
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named, number_box
from app.ui.widgets.expect_row import ExpectRow, result_text

DELAY_S = 3
WAIT_S = 3600.0
"""How long one wait for a client lasts; then the bar waits again."""
EVERYONE = "Everyone"
SEND_FILE = "Send from file …"
SEND_FILE_TIP = "Send the content of a file as one frame, unchanged"

Fire = Callable[[], Coroutine[Any, Any, Delivery]]


class FireBar(QWidget):
    """Fire the function that ``arm`` was given, once or repeatedly, and show the result."""

    status_message = Signal(str)

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self.setObjectName("fireBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._companion = companion
        self._fire: Fire | None = None
        self._again: Callable[[], None] = self.fire
        """Repeats the last fire."""
        self._title = "Fire"
        self._series: asyncio.Task[None] | None = None
        self._expecting: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None
        """Waits until a client is connected and ready."""
        self._do = RoomTasks(companion.tasks, self._on_failure)

        self.target_box = named(QComboBox(), "Send to", tip="Clients that receive the event")
        self.target_box.setMinimumWidth(136)
        self.times = number_box("Repeat", 1, 100_000, tip="How often to fire the event")
        self.times.setPrefix("× ")
        self.every = number_box("Interval in milliseconds", 0, 3_600_000, tip="Time between two repeats")
        self.every.setValue(1000)
        self.every.setSuffix(" ms")
        self.every.setSingleStep(100)
        self.later = named(
            QPushButton(f"Fire in {DELAY_S} s"), f"Fire in {DELAY_S} seconds", tip="Gives you time to focus your UI"
        )
        self.later.clicked.connect(lambda: self.fire(delay_s=DELAY_S))
        self.now = named(QPushButton("Fire"), "Fire", style_id="primary")
        self.now.clicked.connect(self.fire_or_stop)
        self.status = named(PlainTextLabel(wordWrap=True), "Result", style_id="result")
        self.when_connected = named(QPushButton("Fire when a client connects"), "Fire when a client connects")
        self.when_connected.clicked.connect(self._wait_for_client)
        self.when_connected.setVisible(False)
        self.online_first = named(QPushButton(), "Switch the friend online and fire again")
        self.online_first.clicked.connect(self._switch_online_and_fire)
        self.online_first.setVisible(False)
        self._offline = ""
        """The sender of the last message, if that friend is offline."""

        self.expect = ExpectRow(companion.catalog)

        self.send_file = named(QPushButton(SEND_FILE), "Send a frame from a file", tip=SEND_FILE_TIP)
        self.send_file.clicked.connect(self.choose_file)
        self.send_file.setVisible(False)
        result = QHBoxLayout()
        result.addWidget(self.status, 1)
        result.addWidget(self.send_file)
        result.addWidget(self.when_connected)
        result.addWidget(self.online_first)
        controls = QHBoxLayout()
        controls.setSpacing(8)
        for widget in (PlainTextLabel("Send to"), self.target_box, self.times, self.every):
            controls.addWidget(widget)
        controls.addStretch(1)
        controls.addWidget(self.later)
        controls.addWidget(self.now)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 10, 20, 14)
        column.setSpacing(8)
        column.addLayout(result)
        column.addWidget(self.expect)
        column.addLayout(controls)
        self._disconnects = [
            companion.hub.clients_changed.connect(self._clients_changed),
            companion.catalog_changed.connect(lambda _: self.expect.list_events()),
        ]
        self._list_targets()
        self._show_state()

    def close_down(self) -> None:
        """Cancel running tasks and stop listening to the companion."""
        self._do.close()
        self._stop()
        if self._expecting:
            self._expecting.cancel()
        for disconnect in self._disconnects:
            disconnect()

    @property
    def target(self) -> Target:
        """The chosen recipients."""
        chosen = self.target_box.currentData()
        return chosen if isinstance(chosen, Target) else ALL

    def choose_client(self, number: int) -> None:
        """Choose one client as the recipient."""
        self._list_targets(Target(clients=frozenset({number})))

    def arm(self, fire: Fire | None, title: str = "Fire", why_not: str = "") -> None:
        """Set what the button fires; None (with the reason) when there is nothing valid to fire."""
        self._fire = fire
        self._title = title
        set_tooltip(self.now, why_not or f"{title} (Ctrl+Enter)")
        self._show_state()

    def fire_or_stop(self) -> None:
        """Fire, or stop what is running: the action of the main button."""
        if self._busy:
            self._stop()
            self.show_status("Stopped", "muted")
        else:
            self.fire()

    def fire(self, delay_s: float = 0.0) -> None:
        """Fire as often as chosen, after ``delay_s`` seconds."""
        if self._fire is None or self._busy:
            return
        if self.times.value() == 1 and not delay_s:
            self.fire_this(self._fire)
        else:
            self._fire_repeatedly(self._fire, delay_s)

    def fire_this(self, fire: Fire) -> None:
        """Call ``fire`` once, now, and show the result."""
        self._again = partial(self.fire_this, fire)
        self._do(fire(), self.show_delivery)

    def _fire_repeatedly(self, fire: Fire, delay_s: float) -> None:
        self._again = partial(self._fire_repeatedly, fire, 0.0)
        if delay_s:
            self.show_status(f"Firing in {delay_s:.0f} s. Focus your UI now.", "muted")
        series = self._companion.fire_series(
            fire,
            self._show_delivery_of_series,
            times=self.times.value(),
            every_s=self.every.value() / 1000,
            delay_s=delay_s,
        )
        self._series = self._do(series, ended=self._on_series_ended)
        self._show_state()

    def _on_failure(self, why: str) -> None:
        self.show_status(why, "error")

    def show_delivery(self, delivery: Delivery) -> None:
        """Show the result of an event, offer a remedy if it reached no client, and check the expectation."""
        parts = [f"{delivery.note[:1].upper()}{delivery.note[1:]}", f"#{delivery.seq}"]
        if delivery.offline:
            parts.append(offline_warning(delivery.offline))
        self.show_status(" · ".join(parts), "ok" if delivery.clients and not delivery.offline else "warning")
        companion = self._companion
        no_clients = companion.hub.connection_count == 0 and companion.state is ServerState.LISTENING
        no_clients = no_clients and self.target.clients is None  # a client that reconnects gets another number
        self.when_connected.setVisible(not delivery.clients and no_clients)
        self._offline = delivery.offline
        self.online_first.setText(f"Switch {delivery.offline[:20]} online and fire again".replace("&", "&&"))
        self.online_first.setVisible(bool(delivery.offline))
        self._expect(delivery)

    def _expect(self, delivery: Delivery) -> None:
        """Wait for the frame that the UI must send. The next fire cancels this wait."""
        if self._expecting:
            self._expecting.cancel()
            self._expecting = None
        expected = self.expect.expected
        if expected and delivery.clients:
            self.status.setText(f"{self.status.text()} · waiting for {expected} …")
            within_s = self.expect.within.value()
            self._expecting = self._do(
                self._companion.expect(expected, within_s, delivery.seq),
                lambda result: self.show_status(*result_text(expected, result, within_s)),
            )

    def choose_file(self) -> None:
        """Ask for a file and send its text as a raw frame to the chosen recipients."""
        dialog = QFileDialog(self.window(), "Send from file")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.fire_file)
        dialog.open()

    def fire_file(self, file: str) -> None:
        """Send the text of a file as a raw frame, unchanged."""
        self.show_status(f"Sending {Path(file).name} …", "muted")
        self.fire_this(lambda: self._companion.send_file(Path(file), to=self.target, origin=PANEL))

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text, and offer to send a file instead."""
        self.show_status(text, "warning")
        self.send_file.setVisible(True)

    def show_status(self, text: str, tone: str) -> None:
        """Show a result and emit it as ``status_message``. ``tone`` is ok, warning, error or muted."""
        self.send_file.setVisible(False)
        self.when_connected.setVisible(False)
        self.online_first.setVisible(False)
        self.status.setText(text)
        self.status_message.emit(text)
        self.status.setProperty("tone", tone)
        self.status.style().polish(self.status)

    @property
    def _busy(self) -> bool:
        return self._series is not None or self._waiting is not None

    def _show_delivery_of_series(self, number: int, delivery: Delivery) -> None:
        self.show_delivery(delivery)
        if self.times.value() > 1 or number > 1:
            self.status.setText(f"{number} of {self.times.value()} · {self.status.text()}")

    def _on_series_ended(self) -> None:
        self._series = None
        self._show_state()

    def _stop(self) -> None:
        if self._series:
            self._series.cancel()
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None
        self._show_state()

    def _switch_online_and_fire(self) -> None:
        again = self._again
        online = Envelope("friend_online", {"username": self._offline})
        self._do(self._companion.fire(online, origin=PANEL), lambda _: again())

    def _wait_for_client(self) -> None:
        self._fire_when_ready(self._again)
        self.show_status(f"Waiting for a client at {self._companion.server.url} …", "muted")
        self._show_state()

    def _fire_when_ready(self, again: Callable[[], None]) -> None:
        def waited(ready: bool) -> None:
            if not ready:
                self._fire_when_ready(again)
                return
            self._waiting = None
            self._show_state()
            again()

        self._waiting = self._do(self._companion.wait_for_ready_client(self.target, WAIT_S), waited)

    def _show_state(self) -> None:
        busy = self._busy
        self.now.setText("Stop" if busy else self._title)
        self.now.setAccessibleName(self.now.text())
        self.now.setIcon(ui_icon("stop" if busy else "send", theme.colors().on_accent))
        self.now.setEnabled(busy or self._fire is not None)
        self.later.setEnabled(not busy and self._fire is not None)

    def _clients_changed(self, _: None) -> None:
        if self.isVisible():  # with many clients, filling the list takes a while
            self._list_targets()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._list_targets()

    def _list_targets(self, choose: Target | None = None) -> None:
        chosen = choose or self.target
        clients = self._companion.hub.clients
        offers = [(EVERYONE, ALL)]
        offers += [
            (f"All clients of {name}", Target(user=name))
            for name in sorted({client.username for client in clients})
        ]
        offers += [
            (f"{client.id} · {client.username}", Target(clients=frozenset({client.id}))) for client in clients
        ]
        if chosen not in [target for _, target in offers]:
            title = recipients(str(chosen)).capitalize() if chosen.user is None else f"All clients of {chosen.user}"
            offers.append((f"{title} (disconnected)", chosen))
        self.target_box.clear()
        for title, target in offers:
            self.target_box.addItem(title, target)
        self.target_box.setCurrentIndex([target for _, target in offers].index(chosen))
