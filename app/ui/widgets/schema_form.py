"""A form in Inject for the data of an event, generated from its JSON Schema: label, input and error per property.
Properties that users rarely change are folded into *Details*, unless there are fewer than three. The caller
validates the event, and passes the errors.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.protocol.event_type import EventProblem, EventType
from app.protocol.templates import BY_FORMAT
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.fields import ABSENT, Field, field_for, optional_field_for

WIDTH = 640
"""The largest width of a form."""
GRID = 8
"""All distances are multiples of this."""
MIN_DETAILS = 3
"""Fewer details are not worth folding."""


def main_fields(event_type: EventType) -> list[str]:
    """Return the properties that a form shows first, in their order. The others are details.

    Most users change what an event says: its required names, texts, numbers and objects. Its generated values,
    flags, enumerations and optional properties are details, unless these are few.
    """
    properties = event_type.fields
    required = set(event_type.schema.get("required", ()))
    main = [name for name, each in properties.items() if name in required and _is_content(each)]
    return main if main and len(properties) - len(main) >= MIN_DETAILS else list(properties)


def _is_content(schema: Mapping[str, Any]) -> bool:
    return "enum" not in schema and schema.get("type") != "boolean" and schema.get("format", "") not in BY_FORMAT


class SchemaForm(QWidget):
    """A label, an input and an error message per property. ``names`` are suggestions for user names."""

    changed = Signal()

    def __init__(self, event_type: EventType, names: Sequence[str], now: Callable[[], float]) -> None:
        super().__init__()
        schema, properties = event_type.schema, event_type.fields
        optional = properties.keys() - set(schema.get("required", ()))
        self._fields: dict[str, Field] = {}
        self._problems: dict[str, PlainTextLabel] = {}
        self._shown: set[str] = set()
        """The details with a problem."""
        for name, each in properties.items():
            make = optional_field_for if name in optional else field_for
            field = make(name, each, names, schema.get("$defs"), now)
            field.changed.connect(self.changed)
            hint = each.get("description", "") + (" (optional)" if name in optional else "")
            set_tooltip(field, hint)
            field.setAccessibleDescription(hint)
            self._fields[name] = field
        main = main_fields(event_type)
        self._details = [name for name in self._fields if name not in main]
        self._lay_out(properties, main)
        self.setMaximumWidth(WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    def _lay_out(self, properties: Mapping[str, Any], main: Sequence[str]) -> None:
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setColumnStretch(1, 1)
        if self._details and any("contentMediaType" in properties[name] for name in main):
            heading = PlainTextLabel("Message")
            heading.setObjectName("detailHead")
            self._grid.addWidget(heading, 0, 0, 1, 2)
        for name in main:
            self._add_row(name, properties[name])
        self.fold = named(QPushButton(), "Details", style_id="fold", tip="Show or hide the other fields")
        self.fold.setCheckable(True)
        self._folded = named(PlainTextLabel(wordWrap=True), "Folded fields", style_id="muted")
        line = QHBoxLayout()
        line.setSpacing(GRID)
        line.addWidget(self.fold)
        line.addWidget(self._folded, 1)
        self._grid.addLayout(line, self._grid.rowCount(), 0, 1, 2)
        self._detail_widgets = [
            widget for name in self._details for widget in self._add_row(name, properties[name])
        ]
        self._folded.setText(", ".join(self._details))
        self.fold.setVisible(bool(self._details))
        self._folded.setVisible(bool(self._details))
        self.fold.toggled.connect(self._show_details)
        self._show_details(not self._details)

    def _add_row(self, name: str, schema: Mapping[str, Any]) -> list[QWidget]:
        field = self._fields[name]
        label = named(PlainTextLabel(name), name, style_id="fieldName", tip=schema.get("description", ""))
        label.setBuddy(field)
        problem = named(PlainTextLabel(wordWrap=True), f"{name}: problem", style_id="problem")
        problem.setVisible(False)
        self._problems[name] = problem
        cell = QVBoxLayout()
        cell.setSpacing(GRID // 2)
        cell.addWidget(field)
        cell.addWidget(problem)
        line = self._grid.rowCount()
        self._grid.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addLayout(cell, line, 1, Qt.AlignmentFlag.AlignTop)
        return [label, field]

    def _show_details(self, shown: bool) -> None:
        self.fold.setText("▾ Details" if shown else "▸ Details")
        self._folded.setVisible(bool(self._details) and not shown)
        for each in self._detail_widgets:
            each.setVisible(shown)
        for name in self._details:
            self._problems[name].setVisible(shown and bool(self._problems[name].text()))

    def field(self, name: str) -> Field:
        """Return the input of a property."""
        return self._fields[name]

    def value(self) -> dict[str, Any]:
        """Return the event's data. Generated values are templates, e.g. ``{{uuid}}``."""
        return {name: value for name, value in self.values().items() if value is not ABSENT}

    def values(self) -> dict[str, Any]:
        """Return the value of each field, which is ``ABSENT`` if the event's data lacks the property."""
        return {name: field.value() for name, field in self._fields.items()}

    def set_value(self, data: dict[str, Any]) -> None:
        """Show ``data``. A property that it lacks is omitted, or unchanged if its field always has a value."""
        for name, field in self._fields.items():
            value = data.get(name, ABSENT)
            if value is not ABSENT or field.accepts(ABSENT):
                field.set_value(value)

    def merge(self, values: dict[str, Any]) -> None:
        """Show those of ``values`` that the form can show. The other fields are unchanged."""
        for name, value in values.items():
            if name in self._fields and self._fields[name].accepts(value):
                self._fields[name].set_value(value)

    def set_names(self, names: Sequence[str]) -> None:
        """Suggest other user names."""
        for field in self._fields.values():
            field.set_names(names)

    def unfold_changes(self, untouched: Mapping[str, Any]) -> None:
        """Show the details if one of them differs from ``untouched``."""
        if any(self._fields[name].value() != untouched.get(name, ABSENT) for name in self._details):
            self.fold.setChecked(True)

    def has_room_for(self, data: dict[str, Any]) -> bool:
        """Return whether the form can show ``data`` and return it unchanged."""
        return not self.without_room(data)

    def without_room(self, data: dict[str, Any]) -> list[str]:
        """Return the properties whose values, or whose absence from ``data``, the form cannot show."""
        names = dict.fromkeys([*data, *self._fields])
        return [
            name
            for name in names
            if name not in self._fields or not self._fields[name].accepts(data.get(name, ABSENT))
        ]

    def show_problems(self, problems: Sequence[EventProblem]) -> None:
        """Show the problems of each property below its input. A new problem of a detail unfolds the details."""
        texts = {
            name: "; ".join(_sentence(each, name) for each in problems if _top(each.path) == name)
            for name in self._problems
        }
        for name, label in self._problems.items():
            label.setText(texts[name])
            label.setVisible(bool(texts[name]) and (name not in self._details or self.fold.isChecked()))
        wrong = {name for name in self._details if texts[name]}
        if wrong - self._shown:
            self.fold.setChecked(True)
        self._shown = wrong


def _top(path: str) -> str:
    return path.partition("[")[0].partition(".")[0]


def _sentence(problem: EventProblem, name: str) -> str:
    inner = problem.path[len(name) :].lstrip(".")
    return f"{inner} {problem.message}" if inner else problem.message
