"""The form of *Inject after …*: an event that is fired after items held by a breakpoint have continued.
An item is an event, a frame or a REST call. The user chooses an event or a fixture (a saved event), its JSON and
the recipients. The form validates the event and emits it; ``held_strip`` lets the items continue and fires it.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.hub.held_items import HeldItem
from app.hub.target import ALL, Target
from app.protocol.breakpoints import BreakpointDirection
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.event_type import EventProblem, InvalidEvent
from app.protocol.fixture import Fixture
from app.protocol.templates import ME, PERSONA, TemplateError
from app.ui.models.held_items import title_of
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.code_completion import offers_of
from app.ui.widgets.code_editor import CodeEditor
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.form_view import as_text
from app.ui.widgets.held_editor import CHECK_MS, LOOSE, in_one_line
from app.ui.widgets.target_box import TargetBox

FIRST_EVENT = "new_message"
GONE = "The item is no longer held. Copy the text if you need it, then cancel."
LOOSE_TIP = "Fire the event even if it violates the contract"


class InjectAfter(QWidget):
    """A form for the event. It fires nothing: the strip of held items does."""

    fire_requested = Signal(object, object, bool)
    """Emitted with a ``Fixture`` whose templates are not expanded, a ``Target``, and whether it may be invalid."""
    cancelled = Signal()

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.title = named(ElidedLabel(), "Item that continues first", style_id="detailHead")
        self.choice = named(QComboBox(), "Event to fire", tip="An event with default values, or a fixture")
        self.target = TargetBox(companion)
        self.loose = named(QCheckBox(LOOSE), LOOSE, tip=LOOSE_TIP)
        self.cancel = named(QPushButton("Cancel"), "Cancel the event", tip="Discard the event (Esc)")
        self.fire_button = named(
            QPushButton("Continue and fire"),
            "Continue and fire",
            style_id="primary",
            tip="Let the item continue, then fire the event (Ctrl+Enter or F8)",
        )
        self.editor = CodeEditor(
            "Event to fire as JSON",
            lambda: offers_of(companion.catalog, [*companion.personas, companion.local_user], with_templates=True),
        )
        self.problem = named(ElidedLabel(), "Problem of the event", style_id="problem")
        self._soon = QTimer(self, interval=CHECK_MS, singleShot=True)
        self._soon.timeout.connect(self.check)
        self._original = ""
        self._gone = False
        self._make: list[Callable[[], Envelope]] = []
        """Functions that return the event of each choice."""
        self._lay_out()
        self.choice.activated.connect(self._show_choice)
        self.editor.textChanged.connect(lambda: None if self._soon.isActive() else self._soon.start())
        self.editor.inserted.connect(self.check)
        self.loose.toggled.connect(lambda _: self.check())
        self.cancel.clicked.connect(self.cancelled)
        self.fire_button.clicked.connect(self.fire)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.title, 1)
        for widget in (self.loose, self.cancel, self.fire_button):
            top.addWidget(widget)
        what = QHBoxLayout()
        what.setSpacing(8)
        what.addWidget(self.choice, 1)
        what.addWidget(PlainTextLabel("Send to"))
        what.addWidget(self.target)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(top)
        column.addLayout(what)
        column.addWidget(self.editor, 1)
        column.addWidget(self.problem)

    def begin(self, items: list[HeldItem]) -> None:
        """Offer all events and fixtures, for the recipients of the last item. Give the form the keyboard focus."""
        self._gone = False
        self.show_items(items)
        self.loose.setChecked(False)
        self.target.list_targets(_target_of(items[-1]))
        self._list_choices()
        self.choice.setFocus()

    def show_items(self, items: list[HeldItem]) -> None:
        """Name the items that continue before the event is fired."""
        self.title.setText(f"Fire after {title_of(items[0]) if len(items) == 1 else f'{len(items)} items'}")

    @property
    def changed(self) -> bool:
        """Whether the text differs from that of the choice."""
        return self.editor.toPlainText() != self._original

    def show_gone(self) -> None:
        """Say that no item is held any more. The text stays, so that the user can copy it."""
        self._gone = True
        self.check()

    def stop(self) -> None:
        """Forget the event."""
        self._soon.stop()
        self._original = ""
        self.editor.set_text("")

    def fire(self) -> bool:
        """Emit the event if it is valid. Return False if it is not."""
        if not self.check():
            return False
        event = decode(self.editor.toPlainText())
        fixture = Fixture(event=event.event, data=event.data)
        self.fire_requested.emit(fixture, self.target.target, self.loose.isChecked())
        return True

    def check(self) -> bool:
        """Validate the event, and show what is wrong with it. Return whether it can be fired."""
        self._soon.stop()
        problems, must_fix = ([EventProblem("", GONE)], True) if self._gone else self._problems()
        self.editor.show_problems(problems)
        blocked = must_fix or (bool(problems) and not self.loose.isChecked())
        self.problem.setText(in_one_line(problems) if blocked else "")
        self.fire_button.setEnabled(not blocked and not self.editor.inserting)
        return self.fire_button.isEnabled()

    def _problems(self) -> tuple[list[EventProblem], bool]:
        """Return what is wrong with the event, and whether not even an invalid event may have these problems."""
        try:
            event = decode(self.editor.toPlainText())
            return self._companion.catalog.problems(self._companion.composer.preview(event)), False
        except BadFrame as bad:
            return [EventProblem(bad.where, bad.reason)], True
        except TemplateError as error:
            return [EventProblem("data", f"has {error}")], True

    def _list_choices(self) -> None:
        self.choice.clear()
        self._make = []
        names = self._companion.catalog.names(Direction.TO_UI)
        for name in names:
            self.choice.addItem(name)
            self._make.append(partial(self._default, name))
        for saved in self._companion.fixtures.all:
            if not saved.fixture.raw:
                self.choice.addItem(f"Fixture: {saved.title}")
                self._make.append(saved.fixture.envelope)
        first = FIRST_EVENT if FIRST_EVENT in names else next(iter(names), "")
        self.choice.setCurrentText(first)
        self._show_choice(self.choice.currentIndex())

    def _show_choice(self, number: int) -> None:
        if not 0 <= number < len(self._make):
            return
        try:
            event = self._make[number]()
        except InvalidEvent:  # it has left the contract since the form was opened
            event = Envelope(self.choice.itemText(number), {})
        was_changed, self._original = self.changed, as_text(event)
        if was_changed:
            self.editor.replace_text(self._original)  # can be undone
        else:
            self.editor.set_text(self._original)
        self.check()

    def _default(self, name: str) -> Envelope:
        """Return an event with default values, and with the names of the local user and a persona filled in."""
        context = self._companion.composer.context()
        names = {ME: context.me, PERSONA: context.persona}
        template = self._companion.composer.fixture_for_event(name).envelope()
        data = {
            key: names.get(value, value) if isinstance(value, str) else value
            for key, value in template.data.items()
        }
        return Envelope(name, data)


def _target_of(item: HeldItem) -> Target:
    return Target.parse(item.client) if item.direction is BreakpointDirection.TO_UI else ALL
