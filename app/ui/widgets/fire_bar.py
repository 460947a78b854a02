"""The bar at the bottom of Inject and Fixtures that fires what the room has set with ``arm``, and shows the result.
The user chooses recipients and repetitions, whether to fire in 3 s, and what the UI must send afterwards. The bar
offers what may help, such as to fire when a client connects. The floating fire bar is ``ui/fire_bar_window.py``.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.origin import PANEL
from app.hub.pipeline import offline_warning
from app.hub.server_state import ServerState
from app.hub.target import Target
from app.protocol.envelope import Envelope
from app.ui import theme
from app.ui.file_dialogs import ask_for_file
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.countdown import Countdown
from app.ui.widgets.expect_row import ExpectRow, result_text
from app.ui.widgets.fire_results import NO_REMEDIES, FireResults, Remedies, Shot
from app.ui.widgets.repeat_controls import RepeatControls
from app.ui.widgets.result_line import ResultLine
from app.ui.widgets.target_box import TargetBox

DELAY_S = 3
WAIT_S = 3600.0
"""How long one wait for a client lasts; then the bar waits again."""

Fire = Callable[[Target], Coroutine[Any, Any, Delivery]]
"""Fires an event for the given recipients."""


class FireBar(QWidget):
    """Fire the function that ``arm`` was given, once or repeatedly, and show the result."""

    status_message = Signal(str)

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self.setObjectName("fireBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._companion = companion
        self._fire: Fire | None = None
        self._why_not = ""
        self._title, self._warns = "Fire", False
        self._source, self._content = "", None
        """What the function fires: see ``arm``."""
        self._shot = Shot()
        """What was fired last."""
        self._results = FireResults(companion)
        self._series: asyncio.Task[None] | None = None
        self._expecting: asyncio.Task[None] | None = None
        self._expected_of = Shot()
        """What the expectation is about."""
        self._waiting: asyncio.Task[None] | None = None
        """Waits until a client is connected and ready."""
        self._do = RoomTasks(companion.tasks, lambda why: self._put(why, "error", self._shot))
        self._countdown = Countdown(self, companion.clock, self._show_countdown)

        self.target_box = TargetBox(companion)
        self.target_box.chosen.connect(self._check_result)
        self.repeat = RepeatControls()
        self.times, self.every = self.repeat.times, self.repeat.every
        self.later = named(QPushButton(), "Fire later", tip="Gives you time to focus your UI")
        self.later.clicked.connect(self._fire_later_or_stop)
        self.now = named(QPushButton("Fire"), "Fire", style_id="primary")
        self.now.clicked.connect(self.fire_or_stop)
        self.result = ResultLine()
        self.status, self.when_connected = self.result.status, self.result.when_connected
        self.online_first, self.send_file = self.result.online_first, self.result.send_file
        self.when_connected.clicked.connect(self._wait_for_client)
        self.online_first.clicked.connect(self._switch_online_and_fire)
        self.send_file.clicked.connect(self.choose_file)
        self.open_window = named(
            QPushButton("Show fire bar"),
            "Show fire bar",
            style_id="flat",
            tip="A small window that stays on top and fires while your UI keeps the focus (Ctrl+B)",
        )
        self.expect = ExpectRow(companion.catalog)
        self.expect.changed.connect(self._show_state)

        controls = QHBoxLayout()
        controls.setSpacing(8)
        for widget in (PlainTextLabel("Send to"), self.target_box, self.repeat):
            controls.addWidget(widget)
        controls.addStretch(1)
        controls.addWidget(self.later)
        controls.addWidget(self.now)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 12, 20, 12)
        column.setSpacing(8)
        column.addWidget(self.result)
        self.expect.add_at_end(self.open_window)
        column.addWidget(self.expect)
        column.addLayout(controls)
        self._disconnects = [
            companion.hub.clients_changed.connect(lambda _: self._clients_changed()),
            companion.changed.connect(lambda _: self._check_result()),
            companion.catalog_changed.connect(lambda _: self.expect.list_events()),
        ]
        self._check_result()
        self._show_state()

    def close_down(self) -> None:
        """Cancel running tasks and disconnect from the companion's signals."""
        self._do.close()
        self._stop()
        if self._expecting:
            self._expecting.cancel()
        for disconnect in self._disconnects:
            disconnect()

    @property
    def target(self) -> Target:
        """The chosen recipients."""
        return self.target_box.target

    def choose_client(self, number: int) -> None:
        """Choose one client as the recipient."""
        self.target_box.list_targets(Target(clients=frozenset({number})))

    def arm(
        self,
        fire: Fire | None,
        title: str = "Fire",
        why_not: str = "",
        *,
        warns: bool = False,
        source: str = "",
        content: Any = None,
    ) -> None:
        """Set what the button fires; None (with the reason) when there is nothing valid to fire.

        ``warns`` colours the button, for a frame that violates the contract.

        ``source`` names the tab or fixture that fires. Its last result is shown, and is out of date if it was about
        another ``content`` (compared with ``==``).
        """
        self._fire, self._title, self._why_not, self._warns = fire, title, why_not, warns
        self._source, self._content = source, content
        self._check_result()
        self._show_state()

    def fire_or_stop(self) -> None:
        """Fire, or stop what is running: the action of the main button."""
        if self._busy:
            self._stop_with_notice()
        else:
            self.fire()

    def fire(self, delay_s: float = 0.0) -> None:
        """Fire as often as chosen, after ``delay_s`` seconds. If that is not possible, show why."""
        if self._busy:
            return
        if self._fire is None or self.expect.problem:
            self.show_status(f"Not fired. {self._reason}", "error")
        elif self.times.value() == 1 and not delay_s:
            self.fire_this(self._fire)
        else:
            self._fire_repeatedly(self._fire, self._now(), delay_s)

    def fire_this(self, fire: Fire, ended: Callable[[], object] = lambda: None) -> None:
        """Call ``fire`` once, now, and show the result. ``ended`` is called last, also after a failure."""
        self._fire_once(fire, self._now(), ended)

    def _now(self) -> Shot:
        return Shot(
            self._source, self._content, self.target, self.expect.expected, self.expect.within.value()
        )  # fmt: skip

    def _fire_once(self, fire: Fire, shot: Shot, ended: Callable[[], object] = lambda: None) -> None:
        self._shot = shot
        again = partial(self._fire_once, fire, shot, ended)
        self._do(fire(shot.target), lambda delivery: self._show_delivery(shot, delivery, again), ended=ended)

    def _fire_repeatedly(self, fire: Fire, shot: Shot, delay_s: float) -> None:
        self._stop_with_notice()  # a remedy may fire again while another series runs
        self._shot = shot
        again = partial(self._fire_repeatedly, fire, shot, 0.0)
        times = self.times.value()

        def fired(number: int, delivery: Delivery) -> None:
            self._countdown.stop()
            self._show_delivery(shot, delivery, again, f"{number} of {times} · " if times > 1 else "")

        if delay_s:
            self._countdown.start(delay_s)
        series = self._companion.fire_series(
            partial(fire, shot.target), fired, times=times, every_s=self.every.value() / 1000, delay_s=delay_s
        )
        task: asyncio.Task[None] | None = self._do(series, ended=lambda: self._on_series_ended(task))
        self._series = task
        self._show_state()

    def _fire_later_or_stop(self) -> None:
        if self._countdown.left:
            self.fire_or_stop()
        else:
            self.fire(delay_s=DELAY_S)

    def _show_countdown(self, left: int) -> None:
        if left:
            self._put(f"Firing in {left} s. Focus your UI now.", "muted", self._shot, notice=True)
        self._show_state()

    def _show_delivery(self, shot: Shot, delivery: Delivery, again: Callable[[], None], prefix: str = "") -> None:
        """Show the result of an event, offer what may help, and check the expectation."""
        parts = [f"{prefix}{delivery.note[:1].upper()}{delivery.note[1:]}", f"#{delivery.seq}"]
        if delivery.offline:
            parts.append(offline_warning(delivery.offline))
        if expected := self._expect(shot, delivery):
            parts.append(f"waiting for {expected} …")
        companion = self._companion
        no_clients = companion.hub.connection_count == 0 and companion.state is ServerState.LISTENING
        no_clients = no_clients and shot.target.clients is None  # a client that reconnects gets another number
        online = delivery.offline if delivery.clients else ""  # it would not help
        remedies = Remedies(wait=not delivery.clients and no_clients, online=online, again=again)
        tone = "ok" if delivery.clients and not delivery.offline else "warning"
        self._put(" · ".join(parts), tone, shot, remedies)

    def _expect(self, shot: Shot, delivery: Delivery) -> str:
        """Wait for the frame that the UI must send, and return it in words. The next fire cancels this wait."""
        if self._expecting and not self._expecting.done():
            self._expecting.cancel()
            before = self._expected_of
            if before.source != shot.source:
                text = f"Another event was fired before the UI sent {before.expected}, so it was not checked."
                self._results.put(text, "warning", before, NO_REMEDIES)
        self._expecting = None
        expected, within_s = shot.expected, shot.within_s
        if not expected or not delivery.clients:
            return ""
        self._expected_of = shot
        self._expecting = self._do(
            self._companion.expect(expected, within_s, delivery.seq),
            lambda result: self._put(*result_text(expected, result, within_s), shot),
        )
        return str(expected)

    def choose_file(self) -> None:
        """Ask for a file and send its text as a raw frame to the chosen recipients."""
        ask_for_file(self.window(), "Send from file", (), self.fire_file)

    def fire_file(self, file: str | Path) -> None:
        """Send the text of a file as a raw frame, unchanged."""
        self.show_status(f"Sending {Path(file).name} …", "muted")
        self.fire_this(lambda to: self._companion.send_file(Path(file), to=to, origin=PANEL))

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text, and offer to send a file instead."""
        self._put(text, "warning", self._now(), Remedies(file=True), notice=True)

    def show_status(self, text: str, tone: str) -> None:
        """Show a notice and emit it as ``status_message``. ``tone`` is ok, warning, error or muted."""
        self._put(text, tone, self._now(), notice=True)

    def _put(
        self, text: str, tone: str, shot: Shot, remedies: Remedies = NO_REMEDIES, *, notice: bool = False
    ) -> None:
        """Keep the result of ``shot``, and show it if its tab or fixture is visible."""
        self._results.put(text, tone, shot, remedies, notice=notice)
        self._check_result()
        self.status_message.emit(text)

    def _check_result(self) -> None:
        """Show the last result of the current tab or fixture, and whether it is out of date."""
        self._results.follow(self._now(), busy=self._busy)
        self.result.show_result(self._results.of(self._source))

    @property
    def _busy(self) -> bool:
        return self._series is not None or self._waiting is not None

    @property
    def _reason(self) -> str:
        """Why nothing can be fired; empty if something can."""
        return self._why_not if self._fire is None else self.expect.problem

    def _on_series_ended(self, series: asyncio.Task[None] | None) -> None:
        if self._series is series:
            self._series = None
            self._countdown.stop()
            self._show_state()

    def _stop_with_notice(self) -> None:
        if self._busy:
            self._stop()
            self._put("Stopped", "muted", self._shot, notice=True)

    def _stop(self) -> None:
        self._countdown.stop()
        if self._series:
            self._series.cancel()
            self._series = None
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None
        self._show_state()

    def _switch_online_and_fire(self) -> None:
        remedies = self._results.of(self._source).remedies
        online = Envelope("friend_online", {"username": remedies.online})
        self._do(self._companion.fire_built_in(online, origin=PANEL), lambda _: remedies.again())

    def _wait_for_client(self) -> None:
        result = self._results.of(self._source)
        self._stop_with_notice()
        self._shot = result.shot
        self._fire_when_ready(result.shot.target, result.remedies.again)
        self._put(f"Waiting for a client at {self._companion.server.url} …", "muted", result.shot, notice=True)
        self._show_state()

    def _fire_when_ready(self, to: Target, again: Callable[[], object]) -> None:
        def waited(ready: bool) -> None:
            if not ready:
                self._fire_when_ready(to, again)
                return
            self._waiting = None
            self._show_state()
            again()

        self._waiting = self._do(self._companion.wait_for_ready_client(to, WAIT_S), waited)

    def _show_state(self) -> None:
        busy, ready = self._busy, not self._reason and self._fire is not None
        self.now.setText("Stop" if busy else self._title)
        self.now.setAccessibleName(self.now.text())
        warns = self._warns and not busy
        self.now.setIcon(ui_icon("stop" if busy else "warning" if warns else "send", theme.colors().on_accent))
        if self.now.property("warns") != warns:
            self.now.setProperty("warns", warns)
            self.now.style().polish(self.now)
        self.now.setEnabled(busy or ready)
        set_tooltip(self.now, self._reason or f"{self._title} (Ctrl+Enter)")
        left = self._countdown.left
        self.later.setText(f"Cancel ({left} s)" if left else f"Fire in {DELAY_S} s")
        self.later.setAccessibleName("Cancel the countdown" if left else f"Fire in {DELAY_S} seconds")
        self.later.setEnabled(bool(left) or (not busy and ready))

    def _clients_changed(self) -> None:
        self.target_box.follow_clients()
        self._check_result()
