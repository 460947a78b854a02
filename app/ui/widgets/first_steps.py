"""The panel of the first start: allow the address of the UI, set the user's name, fire the first event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.hub.hub import Delivery, count
from app.system.settings import Settings, check, origin_problem
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit

if TYPE_CHECKING:
    from app.ui.window import MainWindow

EXAMPLE = "http://localhost:5173"


def create(window: MainWindow) -> FirstSteps:
    """Build the panel and connect it to the window."""
    steps = FirstSteps(window.companion)
    steps.allow_requested.connect(window.allow)
    steps.name_chosen.connect(
        lambda name: window.save_requested.emit(replace(window.companion.settings, username=name))
    )
    steps.fire_requested.connect(window.firing.fire_first_event)
    steps.skipped.connect(steps.hide)
    window.firing.fired.connect(steps.show_fired)
    return steps


class FirstSteps(QFrame):
    """Three steps in any order. Each says whether it is done; the user can skip them at any time."""

    allow_requested = Signal(str)
    name_chosen = Signal(str)
    fire_requested = Signal()
    skipped = Signal()

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self.setObjectName("firstSteps")
        self._companion = companion
        self.address = named(LineEdit(limit=300, placeholder=EXAMPLE), "Address of your UI")
        self.allow = named(QPushButton("Allow address"), "Allow the address of your UI")
        self.name = named(LineEdit(companion.settings.username, limit=64), "Your user name in the UI")
        self.save = named(QPushButton("Save name"), "Save your user name")
        self.fire = named(QPushButton("Fire first event"), "Fire the first event", style_id="primary")
        self.skip = named(QPushButton("Skip"), "Skip the first steps", style_id="flat")
        self.results = [
            named(PlainTextLabel(wordWrap=True), f"Result of step {step}", style_id="result") for step in (1, 2, 3)
        ]
        self._fired: Delivery | None = None
        self._lay_out()
        self._connect()
        self._disconnects = [
            companion.changed.connect(lambda _: self.show_state()),
            companion.hub.clients_changed.connect(lambda _: self.show_state()),
            companion.rejection_log.added.connect(lambda refused: self._offer(refused.origin)),
        ]
        for refused in companion.rejection_log.latest:
            self._offer(refused.origin)
        self.show_state()

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        for disconnect in self._disconnects:
            disconnect()

    def _lay_out(self) -> None:
        title = PlainTextLabel("First steps")
        title.setObjectName("emptyTitle")
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(self.skip)
        steps = QGridLayout()
        steps.setHorizontalSpacing(24)
        steps.setVerticalSpacing(6)
        for number, (heading, hint, parts) in enumerate(
            (
                ("Your UI's address", "The origin of the page that may connect. A Tauri app needs none.",
                 (self.address, self.allow)),
                ("Your name", "The user that your UI acts as. Friends write to this name.", (self.name, self.save)),
                ("The first event", "Open your UI, then send it a message from a friend.", (self.fire,)),
            )
        ):  # fmt: skip
            steps.setColumnStretch(number, 1)
            self._add_step(steps, number, heading, hint, parts)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 10)
        column.setSpacing(6)
        column.addLayout(head)
        column.addLayout(steps)

    def _add_step(
        self, steps: QGridLayout, number: int, heading: str, hint: str, parts: tuple[QWidget, ...]
    ) -> None:
        """Add the column of one step. The rows of all steps are in line."""
        title = PlainTextLabel(f"{number + 1}  {heading}")
        title.setObjectName("groupTitle")
        note = PlainTextLabel(hint, wordWrap=True, alignment=Qt.AlignmentFlag.AlignTop)
        note.setObjectName("muted")
        row = QHBoxLayout()
        row.setSpacing(8)
        for part in parts:
            row.addWidget(part, 1 if isinstance(part, LineEdit) else 0)
        if len(parts) == 1:
            row.addStretch(1)
        steps.addWidget(title, 0, number)
        steps.addWidget(note, 1, number)
        steps.addLayout(row, 2, number)
        steps.addWidget(self.results[number], 3, number)

    def _connect(self) -> None:
        self.allow.clicked.connect(self._allow)
        self.address.returnPressed.connect(self._allow)
        self.address.textChanged.connect(lambda _: self.show_state())
        self.save.clicked.connect(self._save_name)
        self.name.returnPressed.connect(self._save_name)
        self.name.textChanged.connect(lambda _: self.show_state())
        self.fire.clicked.connect(self.fire_requested)
        self.skip.clicked.connect(self.skipped)

    def _allow(self) -> None:
        if self.allow.isEnabled():
            self.allow_requested.emit(_origin(self.address.text()))

    def _save_name(self) -> None:
        if self.save.isEnabled():
            self.name_chosen.emit(self.name.text().strip())

    def show_fired(self, delivery: Delivery) -> None:
        """Show the result of an event."""
        self._fired = delivery
        self.show_state()

    def _offer(self, origin: str) -> None:
        """Enter the address of a page that was refused, if the user has entered none."""
        if origin and not self.address.text():
            self.address.setText(origin)

    def show_state(self) -> None:
        """Show what is done, and what is wrong with an entry."""
        settings, clients = self._companion.settings, self._companion.hub.connection_count
        own = [each for each in settings.allowed_origins if each not in Settings().allowed_origins]
        entered, problem = _origin(self.address.text()), self._address_problem()
        if clients:
            self._show(0, f"✓ {count(clients, 'client')} connected", "ok")
        elif entered and problem:
            self._show(0, problem, "error")
        elif entered in settings.allowed_origins or (own and not entered):
            self._show(0, f"✓ {entered or own[-1]} is allowed. Reload the page.", "ok")
        else:
            self._show(0, "", "muted")
        self.allow.setEnabled(bool(entered) and not problem and entered not in settings.allowed_origins)
        name, wrong = self.name.text().strip(), self._name_problem()
        saved = name == settings.username
        self._show(1, wrong or (f"✓ Your UI acts as {name}" if saved else ""), "error" if wrong else "ok")
        self.save.setEnabled(not wrong and not saved)
        if self._fired is None:
            self._show(2, "", "muted")
        elif self._fired.clients:
            self._show(2, f"✓ Delivered to {count(self._fired.delivered, 'client')}", "ok")
        else:
            note = self._fired.note
            self._show(2, f"{note[:1].upper()}{note[1:]}. Open your UI, then fire again.", "warning")
        done = bool(self._fired and self._fired.clients)
        self.skip.setText("Close" if done else "Skip")
        self.skip.setAccessibleName("Close the first steps" if done else "Skip the first steps")

    def _show(self, step: int, text: str, tone: str) -> None:
        label = self.results[step]
        label.setText(text)
        label.setProperty("tone", tone)
        label.style().polish(label)

    def _address_problem(self) -> str:
        entered = _origin(self.address.text())
        return origin_problem(entered) if entered else ""

    def _name_problem(self) -> str:
        name = self.name.text().strip()
        if name in self._companion.personas:
            return f"{name} is a friend in this chat state. Choose another name."
        return check("username", name) or ""


def _origin(address: str) -> str:
    """Return the origin of an address: ``http://localhost:5173`` for ``localhost:5173/chat``."""
    scheme, separator, rest = address.strip().partition("://")
    if not separator:
        scheme, rest = "http", scheme
    return f"{scheme.lower()}://{rest.partition('/')[0].lower()}" if rest else ""
