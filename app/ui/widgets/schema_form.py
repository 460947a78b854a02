"""A form for an event of the contract, generated from its JSON Schema."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app.protocol.event_type import EventProblem, EventType
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.fields import ABSENT, Field, field_for, optional_field_for


class SchemaForm(QWidget):
    """A label, an input and an error message per property. ``names`` are suggestions for user names."""

    changed = Signal()

    def __init__(self, event_type: EventType, names: Sequence[str], now: float) -> None:
        super().__init__()
        schema = event_type.schema
        self._optional = schema["properties"].keys() - set(schema.get("required", ()))
        self._fields: dict[str, Field] = {}
        self._problems: dict[str, PlainTextLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        for line, (name, each) in enumerate(schema["properties"].items()):
            optional = name in self._optional
            make = optional_field_for if optional else field_for
            field = make(name, each, names, schema.get("$defs"), now)
            field.changed.connect(self.changed)
            label = named(PlainTextLabel(name), name, style_id="fieldName", tip=each.get("description", ""))
            label.setBuddy(field)
            hint = each.get("description", "") + (" (optional)" if optional else "")
            set_tooltip(field, hint)
            field.setAccessibleDescription(hint)
            problem = named(PlainTextLabel(wordWrap=True), f"{name}: problem", style_id="problem")
            problem.setVisible(False)
            top = Qt.AlignmentFlag.AlignTop
            grid.addWidget(label, line * 2, 0, top)
            grid.addWidget(field, line * 2, 1, top)
            grid.addWidget(problem, line * 2 + 1, 1)
            self._fields[name] = field
            self._problems[name] = problem
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    def field(self, name: str) -> Field:
        """Return the input of a property."""
        return self._fields[name]

    def value(self) -> dict[str, Any]:
        """Return the event's data. Generated values are templates, e.g. ``{{uuid}}``."""
        values = {name: field.value() for name, field in self._fields.items()}
        return {name: value for name, value in values.items() if value is not ABSENT}

    def set_value(self, data: dict[str, Any]) -> None:
        """Show ``data``. A property that it lacks is omitted if it is optional, and unchanged otherwise."""
        for name, field in self._fields.items():
            if name in data:
                field.set_value(data[name])
            elif name in self._optional:
                field.set_value(ABSENT)

    def has_room_for(self, data: dict[str, Any]) -> bool:
        """Return whether the form can show ``data`` and return it unchanged."""
        return all(name in self._fields and self._fields[name].accepts(value) for name, value in data.items())

    def fitting(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the form's value, updated with the properties of ``data`` that it can show."""
        known = {name: value for name, value in data.items() if self.has_room_for({name: value})}
        return {**self.value(), **known}

    def show_problems(self, problems: Sequence[EventProblem]) -> None:
        """Show the problems of each property below its input."""
        for name, label in self._problems.items():
            own = [problem for problem in problems if _top(problem.path) == name]
            label.setText("; ".join(_sentence(problem, name) for problem in own))
            label.setVisible(bool(own))


def _top(path: str) -> str:
    return path.partition("[")[0].partition(".")[0]


def _sentence(problem: EventProblem, name: str) -> str:
    inner = problem.path[len(name) :].lstrip(".")
    return f"{inner} {problem.message}" if inner else problem.message
