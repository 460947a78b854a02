"""Edit an event in the room Inject, as a form derived from its schema or as JSON, and check it at each change.

A panel is for one kind of event, or for several to choose from. It does not fire: the room does.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.companion import Companion
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.event_type import EventProblem, EventType
from app.protocol.templates import ME, PERSONA, TemplateError
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.schema_form import SchemaForm

FORM, JSON = 0, 1


class EventPanel(QWidget):
    """Edit an event of one of ``types``. ``quick`` is a widget with one-click controls to show above it."""

    changed = Signal()
    """Emitted when the event or its ``problems`` may have changed."""

    def __init__(self, companion: Companion, types: Sequence[EventType], quick: QWidget | None = None) -> None:
        super().__init__()
        self._companion = companion
        self.quick = quick
        self._types = {each.name: each for each in types}
        self.problems: list[EventProblem] = []

        self.choice = named(QComboBox(), "Event")
        self.choice.addItems(list(self._types))
        if len(types) == 1:  # setVisible(len(types) > 1) would open a window: the widget has no parent yet
            self.choice.hide()
        self.choice.currentTextChanged.connect(self._switch_event)
        help_line = PlainTextLabel(types[0].help, wordWrap=True)
        help_line.setObjectName("muted")
        self._help = help_line

        self.views = QStackedWidget()
        self._forms = {each.name: self._form(each) for each in types}
        self._untouched = {name: form.value() for name, form in self._forms.items()}
        self._form_stack = QStackedWidget()
        for form in self._forms.values():
            self._form_stack.addWidget(_scrolled(form))
        self.editor = JsonView("Event as JSON")
        self.editor.textChanged.connect(self._on_change)
        self.views.addWidget(self._form_stack)
        self.views.addWidget(self.editor)
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.warning = named(PlainTextLabel(wordWrap=True), "Warning", style_id="result")
        self.warning.setProperty("tone", "warning")

        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.choice)
        top.addWidget(help_line, 1)
        top.addLayout(self._view_buttons())
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 14, 20, 8)
        column.setSpacing(12)
        if quick:
            column.addWidget(quick)
        column.addLayout(top)
        column.addWidget(self.views, 1)
        column.addWidget(self.problem)
        column.addWidget(self.warning)
        self._on_change()

    def _form(self, event_type: EventType) -> SchemaForm:
        form = SchemaForm(event_type, self._companion.personas, self._companion.clock.wall())
        form.set_value(self._defaults(event_type))
        form.changed.connect(self._on_change)
        return form

    def _view_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(0)
        group = QButtonGroup(self)
        for number, title in ((FORM, "Form"), (JSON, "JSON")):
            button = named(QPushButton(title), f"Show as {title}", style_id=f"segment{title}")
            button.setCheckable(True)
            group.addButton(button, number)
            row.addWidget(button)
        group.button(FORM).setChecked(True)
        group.idClicked.connect(self.show_view)
        self._view_group = group
        return row

    def _defaults(self, event_type: EventType) -> dict[str, Any]:
        """Return the event's template with the names of the local user and of a persona filled in."""
        context = self._companion.composer.context()
        names = {ME: context.me, PERSONA: context.persona}
        return {key: names.get(value, value) if isinstance(value, str) else value
                for key, value in event_type.template.items()}  # fmt: skip

    @property
    def event_name(self) -> str:
        """The name of the chosen event."""
        return self.choice.currentText()

    def form(self) -> SchemaForm:
        """Return the form of the chosen event."""
        return self._forms[self.event_name]

    def template(self) -> Envelope:
        """Return the event as written, with unresolved templates. Raises ``BadFrame`` if the JSON is not valid."""
        if self.views.currentIndex() == JSON:
            return decode(self.editor.toPlainText())
        return Envelope(self.event_name, self.form().value())

    def load(self, event: Envelope) -> None:
        """Show an event: in its form, or as JSON if the form cannot show all of it."""
        if event.event in self._types:
            self.choice.setCurrentText(event.event)
        if event.event in self._types and self._forms[event.event].has_room_for(event.data):
            self._forms[event.event].set_value(event.data)
            self._show(FORM)
        elif self._write(event):
            self._show(JSON)

    def take_over(self, older: "EventPanel") -> None:
        """Copy the drafts of an earlier panel for these events. A form that was not edited keeps its defaults.

        If the schema of an event has changed, copy only the fields that the new form can show.
        """
        self.choice.setCurrentText(older.event_name)
        for name, form in self._forms.items():
            if (draft := older._draft(name)) is not None:
                form.set_value(draft if form.has_room_for(draft) else form.fitting(draft))
        with QSignalBlocker(self.editor):
            self.editor.setPlainText(older.editor.toPlainText())
        self._show(older.views.currentIndex())

    def _draft(self, event: str) -> dict[str, Any] | None:
        """Return the edited value of an event's form. None if it was not edited or does not exist."""
        if event not in self._forms:
            return None
        written = self._forms[event].value()
        return None if written == self._untouched[event] else written

    def show_view(self, view: int) -> None:
        """Switch between form and JSON, and keep the event. JSON that is not valid stays as it is."""
        if view == self.views.currentIndex():
            return
        try:
            event = self.template()
        except BadFrame:
            self._show(JSON)  # a form cannot show it
            return
        if view == JSON:
            self._show(JSON if self._write(event) else FORM)
        else:
            self.load(event)

    def knows(self, event: str) -> bool:
        """Return whether this panel has a form for that event."""
        return event in self._types

    def _write(self, event: Envelope) -> bool:
        """Put an event into the JSON editor. Return False if it is too large."""
        with QSignalBlocker(self.editor):
            return self.editor.set_text(
                json.dumps({"event": event.event, "data": event.data}, indent=2, ensure_ascii=False)
            )

    def _show(self, view: int) -> None:
        self.views.setCurrentIndex(view)
        self._view_group.button(view).setChecked(True)
        self._on_change()

    def _switch_event(self, name: str) -> None:
        previous = self._form_stack.currentIndex()
        kept = list(self._forms.values())[previous].value()
        self._form_stack.setCurrentIndex(list(self._forms).index(name))
        shared = {key: value for key, value in kept.items() if key in self._forms[name].value()}
        self._forms[name].set_value(shared)
        self._help.setText(self._types[name].help)
        if self.views.currentIndex() == JSON:
            with suppress(BadFrame):  # keep JSON that is not valid
                self._write(Envelope(name, self.template().data))
        self._on_change()

    def _on_change(self) -> None:
        try:
            event = self._companion.composer.preview(self.template())
            self.problems = self._companion.catalog.problems(event)
            warning = "" if self.problems else self._companion.chat.unknown_user_warning(event)
        except BadFrame as bad:
            self.problems, warning = [EventProblem(bad.where, bad.reason)], ""
        except TemplateError as error:
            self.problems, warning = [EventProblem("data", f"has {error}")], ""
        in_json = self.views.currentIndex() == JSON
        own = [EventProblem(each.path.removeprefix("data."), each.message) for each in self.problems]
        self.form().show_problems([] if in_json else own)
        self.problem.setText("\n".join(map(str, self.problems)) if in_json else "")
        self.problem.setVisible(in_json and bool(self.problems))
        self.warning.setText(f"{warning}.")
        self.warning.setVisible(bool(warning))
        self.changed.emit()


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea(widgetResizable=True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(widget)
    return area
