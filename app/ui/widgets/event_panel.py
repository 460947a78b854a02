"""Edit an event in the room Inject, as a form derived from its schema or as JSON, and check it at each change.

A panel has forms for one event, or for several to choose from, and can show one-click controls above. It does not
fire: the room does.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.companion import Companion
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.event_type import EventProblem, EventType
from app.protocol.summary import summarize
from app.protocol.templates import ME, PERSONA, TemplateError
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.code_completion import Offers, offers_of
from app.ui.widgets.code_editor import CodeEditor
from app.ui.widgets.event_toolbar import FORM, JSON, EventToolbar
from app.ui.widgets.fold import Fold
from app.ui.widgets.form_view import FormView, as_text
from app.ui.widgets.schema_form import GRID, SchemaForm

MAX_PROBLEM_LINES = 5
"""At most this many problems are listed below the JSON."""


class Draft(NamedTuple):
    """What a panel shows: the event, the values of all forms, the view and the text of the editor."""

    event: str
    values: dict[str, dict[str, Any]]
    view: int
    text: str


class EventPanel(QWidget):
    """Edit an event of one of ``types``.

    ``quick`` is a widget with one-click controls to show above it. Form and JSON are folded then.
    """

    changed = Signal()
    """Emitted when the event or its ``problems`` may have changed."""
    notice = Signal(str)
    """Emitted with the reason when an action is not possible."""

    def __init__(self, companion: Companion, types: Sequence[EventType], quick: QWidget | None = None) -> None:
        super().__init__()
        self._companion = companion
        self.quick = quick
        self._types = {each.name: each for each in types}
        self.problems: list[EventProblem] = []
        self._replaced: Draft | None = None
        """What *Undo* brings back, until something is changed."""
        self._changing = False
        """Whether the panel itself is changing the event."""

        self.fold: Fold | None = None
        """Shows or hides form and JSON, if there are one-click controls."""
        self.choice = named(QComboBox(), "Event")
        self.choice.addItems(list(self._types))
        if len(types) == 1:  # setVisible(len(types) > 1) would open a window: the widget has no parent yet
            self.choice.hide()
        self.choice.currentTextChanged.connect(self._switch_event)
        self._help = PlainTextLabel(_help_of(types[0]), wordWrap=True)
        self._help.setObjectName("muted")
        self.views = QStackedWidget()
        self._defaults = {each.name: self._default(each) for each in types}
        """The data with which the forms were filled."""
        self._forms = {each.name: self._form(each) for each in types}
        self._untouched = {name: form.value() for name, form in self._forms.items()}
        self.form_view = FormView(list(self._forms.values()))
        self.preview = self.form_view.preview
        self.editor = CodeEditor("Event as JSON", partial(_offers, companion))
        self.editor.textChanged.connect(self._on_change)
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.warning = named(PlainTextLabel(wordWrap=True), "Warning", style_id="result")
        self.warning.setProperty("tone", "warning")
        self.toolbar = EventToolbar()
        self.toolbar.format.clicked.connect(self._format)
        self.toolbar.reset.clicked.connect(self.reset_or_undo)
        self.toolbar.view_chosen.connect(self.show_view)
        self._lay_out()
        self._on_change()

    def _lay_out(self) -> None:
        self.views.addWidget(self.form_view)
        self.views.addWidget(self.editor)
        top = QHBoxLayout()
        top.setSpacing(GRID)
        top.addWidget(self.choice)
        top.addWidget(self._help, 1)
        top.addWidget(self.toolbar)
        body = QWidget()
        inner = QVBoxLayout(body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(2 * GRID)
        inner.addLayout(top)
        inner.addWidget(self.views, 1)
        inner.addWidget(self.problem)
        inner.addWidget(self.warning)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(20, 2 * GRID, 20, GRID)
        column.setSpacing(2 * GRID)
        if self.quick:
            self.fold = Fold(
                "Write the event", body, "Show or hide the form and the JSON of the event that Fire sends"
            )
            column.addWidget(self.quick)
            column.addWidget(self.fold)
        column.addWidget(body, 1)
        if self.quick:
            column.addStretch(0)

    def _form(self, event_type: EventType) -> SchemaForm:
        form = SchemaForm(event_type, self._companion.personas, self._companion.clock.wall)
        form.set_value(self._defaults[event_type.name])
        form.changed.connect(self._on_change)
        return form

    def _default(self, event_type: EventType) -> dict[str, Any]:
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

    @property
    def content(self) -> Envelope | str:
        """What is written: the event, or the text if it is not one. To compare with ``==``."""
        try:
            return self.template()
        except BadFrame:
            return self.editor.toPlainText()

    def knows(self, event: str) -> bool:
        """Return whether this panel has a form for that event."""
        return event in self._types

    # showing an event

    def load(self, event: Envelope) -> None:
        """Show an event: in its form, or as JSON if the form cannot show all of it. It can be undone."""
        before = self._replaced or (None if self._is_default else self._current_draft())
        self._changing = True
        self._fill(event)
        self._replaced = before
        self._on_change()
        self._changing = False

    def _fill(self, event: Envelope) -> None:
        if self.fold:
            self.fold.show_part()
        if self.knows(event.event):
            self.choice.setCurrentText(event.event)
        if self.knows(event.event) and self._forms[event.event].has_room_for(event.data):
            self._forms[event.event].set_value(event.data)
            self._forms[event.event].unfold_changes(self._untouched[event.event])
            self._show(FORM)
        elif self._write(event):
            self._show(JSON)

    def show_view(self, view: int) -> None:
        """Switch between form and JSON, and keep the event.

        If the form cannot show the JSON, the JSON stays, and ``notice`` says why.
        """
        if view != self.views.currentIndex():
            self._changing = True
            self._switch_view(view)
            self._changing = False

    def _switch_view(self, view: int) -> None:
        try:
            event = self.template()
        except BadFrame as bad:
            self._show(JSON)
            self.notice.emit(f"The form cannot show this text: {bad}. Correct it or {self._or_click}.")
            return
        if view == JSON:
            self._show(JSON if self._write(event) else FORM)
            return
        self._fill(event)
        if self.views.currentIndex() == JSON:
            self.notice.emit(self._why_no_form(event))

    @property
    def _or_click(self) -> str:
        return f"click {self.toolbar.reset.text()}"

    def _why_no_form(self, event: Envelope) -> str:
        if not self.knows(event.event):
            return f"This tab has no form for the event {event.event[:80]!r}. Correct its name or {self._or_click}."
        names = self._forms[event.event].without_room(event.data)
        what = ", ".join(f"data.{name[:80]}{'' if name in event.data else ' (missing)'}" for name in names)
        return f"The form cannot show {what}. Correct the JSON or {self._or_click}."

    def _write(self, event: Envelope) -> bool:
        """Put an event into the JSON editor. Return False if it is too large."""
        with QSignalBlocker(self.editor):
            return self.editor.set_text(as_text(event))

    def _show(self, view: int) -> None:
        self.views.setCurrentIndex(view)
        self._on_change()

    def _switch_event(self, name: str) -> None:
        previous = self.form_view.stack.currentIndex()
        kept = list(self._forms.values())[previous].value()
        self.form_view.stack.setCurrentIndex(list(self._forms).index(name))
        shared = {key: value for key, value in kept.items() if key in self._forms[name].value()}
        self._forms[name].merge(shared)
        self._help.setText(_help_of(self._types[name]))
        if self.views.currentIndex() == JSON:
            with suppress(BadFrame):  # keep JSON that is not valid
                self._write(Envelope(name, self.template().data))
        self._on_change()

    # drafts

    def take_over(self, older: "EventPanel") -> None:
        """Take over the drafts of an earlier panel for these events. A form that was not edited keeps its defaults.

        If the schema of an event has changed, copy only the fields that the new form can show. The JSON editor
        itself is moved, with its cursor and its undo history.
        """
        view = older.views.currentIndex()
        self.choice.setCurrentText(older.event_name)
        if self.fold and older.fold:
            self.fold.show_part(older.fold.open)
        for name, form in self._forms.items():
            if (draft := older._draft(name)) is not None:
                form.merge(draft)
            if name in older._forms:
                form.fold.setChecked(older._forms[name].fold.isChecked())
        self._use_editor_of(older)
        self._show(view)

    def _use_editor_of(self, older: "EventPanel") -> None:
        replaced, self.editor = self.editor, older.editor
        self.editor.textChanged.disconnect(older._on_change)
        self.editor.textChanged.connect(self._on_change)
        self.views.removeWidget(replaced)
        replaced.deleteLater()
        self.views.addWidget(self.editor)

    def can_follow(self, quick: QWidget | None) -> bool:
        """Return whether ``follow_names`` can replace the one-click controls: there are some before and after."""
        return (quick is None) is (self.quick is None)

    def follow_names(self, quick: QWidget | None) -> None:
        """Suggest the current personas, and fill the current names into forms that were not edited.

        ``quick`` replaces the one-click controls. What the user has typed, the cursor and the undo history stay.
        """
        self._changing = True
        for name, form in self._forms.items():
            form.set_names(self._companion.personas)
            before, self._defaults[name] = self._defaults[name], self._default(self._types[name])
            news = {key: value for key, value in self._defaults[name].items() if value != before[key]}
            if self._draft(name) is None:
                form.merge(news)
                self._untouched[name] = form.value()
            else:
                self._untouched[name] |= news
        if quick and self.quick:
            self._column.replaceWidget(self.quick, quick)
            self.quick.hide()
            self.quick.deleteLater()
            self.quick = quick
            quick.show()
        self._on_change()
        self._changing = False

    def _draft(self, event: str) -> dict[str, Any] | None:
        """Return the values of an event's form. None if it was not edited or does not exist."""
        form = self._forms.get(event)
        return form.values() if form and form.value() != self._untouched[event] else None

    def reset_or_undo(self) -> None:
        """Show the default form; or bring back what a reset or ``load`` replaced, if nothing has changed since."""
        undo = self._replaced
        before = None if undo else self._current_draft()
        self._changing = True
        self._replaced = before  # first: a button that is disabled for a moment loses the focus
        self._restore(undo or Draft(self.event_name, self._untouched, FORM, ""))
        self._on_change()
        self._changing = False

    def _current_draft(self) -> Draft:
        values = {name: form.value() for name, form in self._forms.items()}
        return Draft(self.event_name, values, self.views.currentIndex(), self.editor.toPlainText())

    def _restore(self, draft: Draft) -> None:
        self.choice.setCurrentText(draft.event)
        for name, form in self._forms.items():
            form.set_value(draft.values[name])
        self.editor.set_text(draft.text)
        self._show(draft.view)

    @property
    def _is_default(self) -> bool:
        if any(self._draft(name) is not None for name in self._forms):
            return False
        default = as_text(Envelope(self.event_name, self._untouched[self.event_name]))
        return self.views.currentIndex() == FORM or self.editor.toPlainText() == default

    # checking

    def _format(self) -> None:
        if why := self.editor.format_text():
            self.notice.emit(why)

    def _on_change(self) -> None:
        event, warning = None, ""
        try:
            event = self.template()
            expanded = self._companion.composer.preview(event)
            self.problems = self._companion.catalog.problems(expanded)
            warning = "" if self.problems else self._companion.chat.unknown_user_warning(expanded)
        except BadFrame as bad:
            self.problems = [EventProblem(bad.where, bad.reason)]
        except TemplateError as error:
            self.problems = [EventProblem("data", f"has {error}")]
        in_json = self.views.currentIndex() == JSON
        own = [EventProblem(each.path.removeprefix("data."), each.message) for each in self.problems]
        self.form().show_problems([] if in_json else own)
        if in_json:
            self.editor.show_problems(self.problems)
        self.problem.setText(_list_of(self.problems) if in_json else "")
        self.problem.setVisible(in_json and bool(self.problems))
        self.warning.setText(f"{warning}.")
        self.warning.setVisible(bool(warning))
        if not self._changing:
            self._replaced = None
        self.toolbar.show_state(
            self.views.currentIndex(), can_undo=self._replaced is not None, can_reset=not self._is_default
        )
        if event and not in_json:
            self.form_view.show_event(event)
        if self.fold:
            self.fold.summary.setText(f"Fire sends {event.event} · {summarize(event.data)}" if event else "")
            if self.problems:
                self.fold.show_part()
        self.changed.emit()


def _offers(companion: Companion) -> Offers:
    """Return what the JSON editor completes. An editor may outlive the panel that has created it."""
    return offers_of(companion.catalog, [*companion.personas, companion.local_user], with_templates=True)


def _help_of(event: EventType) -> str:
    """Return the help of an event. If its tab shows a title, the name of the event comes first."""
    if not event.title:
        return event.help
    return f"{event.name}: {event.help}" if event.help else event.name


def _list_of(problems: Sequence[EventProblem]) -> str:
    lines = [str(each) for each in problems]
    more = len(lines) - MAX_PROBLEM_LINES
    return "\n".join(lines if more <= 0 else [*lines[:MAX_PROBLEM_LINES], f"and {more:,} more"])
