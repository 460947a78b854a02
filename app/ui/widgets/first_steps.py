"""The panel of the first start: allow the address of the UI, set the user's name, fire the first event.
The UI is the developer's chat UI. If it is a web page, its origin must be allowed before it can connect; a Tauri
app is allowed already. The name is that of the user whom the UI acts as. The steps can be done in any order. *Skip*
closes the panel; Help and the command palette show it again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import usernames
from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.journal import Row
from app.protocol.counts import count
from app.system.settings import Settings
from app.system.settings_checks import check, origin_problem
from app.ui.first_delivery import FirstDelivery
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.line_edit import LineEdit

if TYPE_CHECKING:
    from app.ui.window import MainWindow

EXAMPLE = "http://localhost:5173"
FIELD_WIDTH = 240


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


class FirstSteps(FocusStart):
    """Three steps in any order, one of which is open. Each says whether it is done. The user can skip them.

    Events that were fired elsewhere, for example from a terminal, count as well.
    """

    allow_requested = Signal(str)
    name_chosen = Signal(str)
    fire_requested = Signal()
    skipped = Signal()

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self.setObjectName("firstSteps")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._companion = companion
        self.address = named(LineEdit(limit=300, placeholder=EXAMPLE), "Address of your UI")
        self.allow = named(QPushButton("Allow address"), "Allow the address of your UI")
        self._username = companion.settings.username
        """The name that is saved."""
        name = LineEdit(self._username, limit=2 * usernames.MAX_LENGTH)  # in UTF-16 code units
        self.name = named(name, "Your user name in the UI")
        self.save = named(QPushButton("Save name"), "Save your user name")
        self.fire = named(QPushButton("Fire first event"), "Fire the first event", style_id="primary")
        self.skip = named(QPushButton("Skip"), "Skip the first steps", style_id="flat")
        self.steps = (
            Step(1, "Your UI's address", "The origin of the page that may connect. A Tauri app needs none.",
                 (self.address, self.allow)),
            Step(2, "Your name", "The user that your UI acts as. Friends write to this name.",
                 (self.name, self.save)),
            Step(3, "The first event", "Open your UI, then let a friend say hi.", (self.fire,)),
        )  # fmt: skip
        self._not_sent = ""
        """Why the event of this panel reached no client."""
        self._reached = ""
        """How many clients the first event reached, or an empty text."""
        self._lay_out()
        self._connect()
        self._disconnects = [
            companion.changed.connect(lambda _: self._follow_name()),
            companion.hub.clients_changed.connect(lambda _: self.show_state()),
            companion.rejection_log.added.connect(lambda refused: self._offer(refused.origin)),
        ]
        for refused in companion.rejection_log.latest:
            self._offer(refused.origin)
        self.show_state()
        self._first_delivery = FirstDelivery(companion.journal, self._on_delivered)
        self._first_delivery.start()
        self.open_step(next((step for step in self.steps if not step.done), self.steps[-1]))

    def close_down(self) -> None:
        """Disconnect the signals of the companion."""
        self._first_delivery.close()
        for disconnect in self._disconnects:
            disconnect()

    def _lay_out(self) -> None:
        title = PlainTextLabel("First steps")
        title.setObjectName("groupTitle")
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(title)
        head.addSpacing(8)
        self._group = QButtonGroup(self)
        self._pages = QStackedWidget()
        self._pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        for step in self.steps:
            self._group.addButton(step.tab)
            head.addWidget(step.tab)
            self._pages.addWidget(step.page)
            step.tab.toggled.connect(partial(self._on_tab, step))
        head.addStretch(1)
        head.addWidget(self.skip)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 6, 12, 8)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._pages)

    def _connect(self) -> None:
        self.allow.clicked.connect(self._allow)
        self.address.returnPressed.connect(self._allow)
        self.address.textChanged.connect(lambda _: self.show_state())
        self.save.clicked.connect(self._save_name)
        self.name.returnPressed.connect(self._save_name)
        self.name.textChanged.connect(lambda _: self.show_state())
        self.fire.clicked.connect(self.fire_requested)
        self.skip.clicked.connect(self.skipped)

    @property
    def results(self) -> list[PlainTextLabel]:
        """The labels with the results of the steps."""
        return [step.result for step in self.steps]

    def open_step(self, step: Step) -> None:
        """Show the controls of a step."""
        step.tab.setChecked(True)

    def _advance(self, was_done: list[bool]) -> None:
        """If the open step has just been done elsewhere, open the next one, unless the user is at work here."""
        current = self._pages.currentIndex()
        waiting = [step for step in self.steps if not step.done]
        busy = self.underMouse() or self.isAncestorOf(QApplication.focusWidget() or self)
        if waiting and not busy and self.steps[current].done and not was_done[current]:
            self.open_step(waiting[0])

    def _on_tab(self, step: Step, checked: bool) -> None:
        if checked:
            self._pages.setCurrentWidget(step.page)
            self.start_at(step.control)

    def _follow_name(self) -> None:
        """Show a name that was saved elsewhere, unless the user is writing one here."""
        before, self._username = self._username, self._companion.settings.username
        if self.name.text().strip() == before:
            self.name.setText(self._username)
        self.show_state()

    def _allow(self) -> None:
        if self.allow.isEnabled():
            self.allow_requested.emit(_origin(self.address.text()))

    def _save_name(self) -> None:
        if self.save.isEnabled():
            self.name_chosen.emit(self.name.text().strip())

    def show_fired(self, delivery: Delivery) -> None:
        """Show the result of an event that was fired in the window."""
        if delivery.clients:
            self._reached = f"Delivered to {count(delivery.delivered, 'client')}"
        self._not_sent = "" if delivery.clients else f"{delivery.note[:1].upper()}{delivery.note[1:]}"
        self.show_state()

    def _on_delivered(self, row: Row) -> None:
        if not self._reached:
            self._reached = f"{row.event[:40]} delivered to {count(len(row.recipients), 'client')}"
        self._not_sent = ""
        self.show_state()

    def _offer(self, origin: str) -> None:
        """Enter the address of a page that was refused, if the user has entered none."""
        if origin and not self.address.text():
            self.address.setText(origin)

    def show_state(self) -> None:
        """Show what is done, and what is wrong with an entry."""
        address, name, event = self.steps
        was_done = [step.done for step in self.steps]
        settings, clients = self._companion.settings, self._companion.hub.connection_count
        own = [each for each in settings.allowed_origins if each not in Settings().allowed_origins]
        entered, problem = _origin(self.address.text()), self._address_problem()
        if clients:
            address.show_result(f"{count(clients, 'client')} connected", "ok")
        elif entered and problem:
            address.show_result(problem, "error")
        elif entered in settings.allowed_origins or (own and not entered):
            address.show_result(f"{entered or own[-1]} is allowed. Reload the page.", "ok")
        else:
            address.show_result("")
        self.allow.setEnabled(bool(entered) and not problem and entered not in settings.allowed_origins)
        written, wrong = self.name.text().strip(), self._name_problem()
        saved = written == settings.username
        name.show_result(
            wrong or (f"Your UI acts as {written}" if saved else ""), "error" if wrong else "ok", done=saved
        )
        self.save.setEnabled(not wrong and not saved)
        if self._not_sent:
            event.show_result(f"{self._not_sent}. Open your UI, then fire again.", "warning")
        else:
            event.show_result(self._reached, "ok")
        done = bool(self._reached)
        self.skip.setText("Close" if done else "Skip")
        self.skip.setAccessibleName("Close the first steps" if done else "Skip the first steps")
        self._advance(was_done)

    def _address_problem(self) -> str:
        entered = _origin(self.address.text())
        return origin_problem(entered) if entered else ""

    def _name_problem(self) -> str:
        name = self.name.text().strip()
        if name in self._companion.friends:
            return f"{name} is a friend in this chat state. Choose another name."
        return check("username", name) or ""


class Step:
    """A step: a tab with its title and whether it is done, and a page with a text and the controls."""

    def __init__(self, number: int, title: str, hint: str, controls: tuple[QWidget, ...]) -> None:
        self.control = controls[0]
        """The control that gets the keyboard focus."""
        self.done = False
        self._title = f"{number}  {title}"
        self._name = f"Step {number}, {title}"
        self.tab = QPushButton()
        self.tab.setObjectName("stepTab")
        self.tab.setCheckable(True)
        self.hint = PlainTextLabel(hint, wordWrap=True)
        self.hint.setObjectName("muted")
        self.result = named(PlainTextLabel(wordWrap=True), f"Result of step {number}", style_id="result")
        self.page = QWidget()
        row = QHBoxLayout(self.page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for control in controls:
            if isinstance(control, LineEdit):
                control.setFixedWidth(FIELD_WIDTH)
            row.addWidget(control)
        row.addSpacing(4)
        row.addWidget(self.hint, 1)
        row.addWidget(self.result, 1)
        self.show_result("")

    def show_result(self, text: str, tone: str = "muted", *, done: bool | None = None) -> None:
        """Show a result instead of the hint. ``done``: whether the step is done, by default if the tone is ok."""
        self.done = bool(text) and tone == "ok" if done is None else done
        self.result.setText(f"✓ {text}" if text and tone == "ok" else text)
        self.result.setProperty("tone", tone)
        self.result.style().polish(self.result)
        self.result.setVisible(bool(text))
        self.hint.setVisible(not text)
        self.tab.setText(f"{'✓' if self.done else '○'}  {self._title}")
        self.tab.setAccessibleName(f"{self._name}: {'done' if self.done else 'not done'}")


def _origin(address: str) -> str:
    """Return the origin of an address: ``http://localhost:5173`` for ``localhost:5173/chat``."""
    scheme, separator, rest = address.strip().partition("://")
    if not separator:
        scheme, rest = "http", scheme
    return f"{scheme.lower()}://{rest.partition('/')[0].lower()}" if rest else ""
