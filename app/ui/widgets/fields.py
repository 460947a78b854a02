"""Input widgets for the forms of events (``schema_form``), one per property of a JSON Schema.
``field_for`` returns the widget for the schema of a property, for example a check box for a boolean. A property
without a widget of its own, such as a number, is edited as a line of JSON.
"""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import QSignalBlocker, QStringListModel, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.protocol.envelope import BadFrame, parse_json
from app.protocol.templates import BY_FORMAT, TemplateContext, resolve
from app.ui.widgets.accessible_names import named
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.line_edit import LineEdit, fits_line
from app.ui.widgets.open_list import OpenList
from app.ui.widgets.text_edit import TextEdit, fits
from app.ui.widgets.utf16 import for_qt

ABSENT: Final = object()
"""The value of a property that is omitted."""


class Field(FocusStart):
    """Base class of all inputs. ``changed`` is emitted when the value may have changed."""

    changed = Signal()

    def value(self) -> Any:
        """Return the JSON value, or ``ABSENT``."""
        raise AssertionError("subclasses implement this")

    def set_value(self, value: Any) -> None:
        """Show a JSON value for which ``accepts`` returns true."""
        raise AssertionError("subclasses implement this")

    def accepts(self, value: Any) -> bool:
        """Return whether the field can show ``value``, which may be ``ABSENT``, and return it unchanged."""
        return isinstance(value, str) and "\n" not in value and "\u2029" not in value and fits_line(value)

    def set_names(self, names: Sequence[str]) -> None:
        """Suggest other user names, if the field suggests any. The value and the cursor stay."""

    def _lay_out(self, *widgets: QWidget) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for number, widget in enumerate(widgets):
            row.addWidget(widget, 1 if number == 0 else 0)
        self.start_at(widgets[0])


class ChoiceField(Field):
    """A combo box: one of the values of an enumeration."""

    def __init__(self, name: str, choices: Sequence[str]) -> None:
        super().__init__()
        self.box = named(QComboBox(), name)
        self.box.addItems([for_qt(each) for each in choices])
        self.box.currentTextChanged.connect(self.changed)
        self._lay_out(self.box)

    @override
    def value(self) -> Any:
        return self.box.currentText()

    @override
    def set_value(self, value: Any) -> None:
        """Show a value. One that is not in the list is added; validation reports it."""
        text = for_qt(str(value))
        if self.box.findText(text) < 0:
            self.box.addItem(text)
        self.box.setCurrentText(text)


class NameField(Field):
    """An editable combo box: a user name, with the personas as suggestions."""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__()
        self.box = named(QComboBox(editable=True), name)
        self.line = named(LineEdit(), name)
        self.box.setLineEdit(self.line)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._names = QStringListModel(list(names), self)
        self._open_list = OpenList(self.box)
        self.box.setModel(self._names)
        self.box.currentTextChanged.connect(self.changed)
        self._lay_out(self.box)

    @override
    def value(self) -> Any:
        return self.box.currentText()

    @override
    def set_value(self, value: Any) -> None:
        self.box.setCurrentText(for_qt(str(value)))

    @override
    def set_names(self, names: Sequence[str]) -> None:
        self._open_list.when_closed(lambda: self._list(names))

    def _list(self, names: Sequence[str]) -> None:
        if self._names.stringList() == list(names):
            return
        # The box replaces its text, and with it what can be undone, at any other signal of the model.
        self._names.layoutAboutToBeChanged.emit()
        with QSignalBlocker(self._names):
            self._names.setStringList(list(names))
        self._names.layoutChanged.emit()


class FlagField(Field):
    """A check box for a boolean."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.check = named(QCheckBox(), name)
        self.setMinimumHeight(30)  # the height of the other inputs
        self.check.toggled.connect(self._toggled)
        self._lay_out(self.check)
        self._toggled(False)

    @override
    def value(self) -> Any:
        return self.check.isChecked()

    @override
    def accepts(self, value: Any) -> bool:
        return isinstance(value, bool)

    @override
    def set_value(self, value: Any) -> None:
        self.check.setChecked(bool(value))

    def _toggled(self, on: bool) -> None:
        self.check.setText("true" if on else "false")
        self.changed.emit()


class TextField(Field):
    """One line of text."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.line = named(LineEdit(), name)
        self.line.textChanged.connect(self.changed)
        self._lay_out(self.line)

    @override
    def value(self) -> Any:
        return self.line.text()

    @override
    def set_value(self, value: Any) -> None:
        self.line.setText(str(value))


class LongTextField(Field):
    """Several lines of text."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.edit = named(TextEdit(), name)
        self.edit.setFixedHeight(72)
        self.edit.textChanged.connect(self.changed)
        self._lay_out(self.edit)

    @override
    def value(self) -> Any:
        return self.edit.toPlainText()

    @override
    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and fits(value)

    @override
    def set_value(self, value: Any) -> None:
        self.edit.setPlainText(str(value))


class FreshField(Field):
    """A value that is generated on each send (an ID or a time), or a fixed value."""

    def __init__(self, name: str, template: str, now: Callable[[], float]) -> None:
        super().__init__()
        self._template = template
        self._now = now
        self.line = named(LineEdit(), name)
        self.auto = named(QCheckBox("Generate"), f"{name}: generate on each send")
        self.auto.setChecked(True)
        self.line.textChanged.connect(self.changed)
        self.auto.toggled.connect(self._toggled)
        self._lay_out(self.line, self.auto)
        self.start_at(self.auto)
        self._toggled(True)

    @override
    def value(self) -> Any:
        return self._template if self.auto.isChecked() else self.line.text()

    @override
    def set_value(self, value: Any) -> None:
        fresh = value == self._template
        self.auto.setChecked(fresh)
        if not fresh:
            self.line.setText(str(value))

    def _toggled(self, auto: bool) -> None:
        self.line.setEnabled(not auto)
        self.line.setPlaceholderText("generated on each send" if auto else "")
        font = self.line.font()
        font.setItalic(auto)
        self.line.setFont(font)
        self.line.setText("" if auto else resolve(self._template, TemplateContext(self._now())))
        self.changed.emit()


class JsonField(Field):
    """A line of JSON, for all other properties."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.line = named(LineEdit(placeholder="JSON"), name)
        self.line.textChanged.connect(self.changed)
        self._lay_out(self.line)

    @override
    def value(self) -> Any:
        """Return the JSON value. A text that is not valid JSON is returned as a string; validation reports it."""
        if not self.line.text().strip():
            return ABSENT
        try:
            return parse_json(self.line.text())
        except BadFrame:
            return self.line.text()

    @override
    def set_value(self, value: Any) -> None:
        self.line.setText("" if value is ABSENT else json.dumps(value, ensure_ascii=False))

    @override
    def accepts(self, value: Any) -> bool:
        return value is ABSENT or fits_line(json.dumps(value, ensure_ascii=False))


class OptionalField(Field):
    """An optional property: another field with a check box that includes it."""

    def __init__(self, name: str, inner: Field) -> None:
        super().__init__()
        self.inner = inner
        self.included = named(QCheckBox("Include"), f"Include {name}")
        self.included.toggled.connect(inner.setEnabled)
        self.included.toggled.connect(self.changed)
        inner.changed.connect(self.changed)
        inner.setEnabled(False)
        self._lay_out(inner, self.included)
        self.start_at(self.included)

    @override
    def value(self) -> Any:
        return self.inner.value() if self.included.isChecked() else ABSENT

    @override
    def set_value(self, value: Any) -> None:
        self.included.setChecked(value is not ABSENT)
        if value is not ABSENT:
            self.inner.set_value(value)

    @override
    def accepts(self, value: Any) -> bool:
        return value is ABSENT or self.inner.accepts(value)

    @override
    def set_names(self, names: Sequence[str]) -> None:
        self.inner.set_names(names)


class ListField(Field):
    """A list of small objects, e.g. reactions, with one line per object."""

    def __init__(self, name: str, item: dict[str, Any], names: Sequence[str]) -> None:
        super().__init__()
        self._name = name
        self._item = item
        self._names = names
        self._lines: list[tuple[QWidget, dict[str, Field]]] = []
        self.omitted_if_empty = False
        """Whether the property is absent while there are no lines, because it is optional."""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        title = item.get("title", "item").lower()
        self.add = named(QPushButton(f"Add {title}"), f"Add a {title} to {name}")
        self.add.clicked.connect(lambda: self._add(None))
        self._column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.start_at(self.add)

    @override
    def value(self) -> Any:
        lines = [
            {key: value for key, field in fields.items() if (value := field.value()) is not ABSENT}
            for _, fields in self._lines
        ]
        return ABSENT if not lines and self.omitted_if_empty else lines

    @override
    def set_value(self, value: Any) -> None:
        for line, _ in list(self._lines):
            self._remove(line)
        for each in value if isinstance(value, list) else []:
            self._add(each if isinstance(each, dict) else {})

    @override
    def accepts(self, value: Any) -> bool:
        properties = self._item["properties"]
        if value is ABSENT:
            return self.omitted_if_empty
        return (
            isinstance(value, list)
            and (bool(value) or not self.omitted_if_empty)
            and all(
                isinstance(each, dict)
                and each.keys() <= properties.keys()
                and all(field_for(key, properties[key], ()).accepts(each.get(key, ABSENT)) for key in properties)
                for each in value
            )
        )

    @override
    def set_names(self, names: Sequence[str]) -> None:
        self._names = names
        for _, fields in self._lines:
            for field in fields.values():
                field.set_names(names)

    def _add(self, values: dict[str, Any] | None) -> None:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        fields: dict[str, Field] = {}
        for key, schema in self._item["properties"].items():
            field = field_for(f"{self._name} {len(self._lines) + 1} {key}", schema, self._names)
            example = next(iter(schema.get("examples") or ()), ABSENT)
            value = example if values is None else values.get(key, ABSENT)
            if value is not ABSENT:
                field.set_value(value)
            field.changed.connect(self.changed)
            fields[key] = field
            row.addWidget(field, 1)
        remove = named(QPushButton("Remove"), f"Remove {self._name} {len(self._lines) + 1}")
        remove.clicked.connect(lambda: self._remove(line))
        row.addWidget(remove)
        self._lines.append((line, fields))
        self._column.insertWidget(self._column.count() - 1, line)
        self.changed.emit()

    def _remove(self, line: QWidget) -> None:
        self._lines = [each for each in self._lines if each[0] is not line]
        self._column.removeWidget(line)
        line.deleteLater()
        self.changed.emit()


def optional_field_for(
    name: str,
    schema: dict[str, Any],
    names: Sequence[str],
    defs: dict[str, Any] | None = None,
    now: Callable[[], float] = time.time,
) -> Field:
    """Return the input of an optional property."""
    field = field_for(name, schema, names, defs, now)
    if isinstance(field, ListField):
        field.omitted_if_empty = True
    return field if isinstance(field, ListField | JsonField) else OptionalField(name, field)


def field_for(
    name: str,
    schema: dict[str, Any],
    names: Sequence[str],
    defs: dict[str, Any] | None = None,
    now: Callable[[], float] = time.time,
) -> Field:
    """Return the input for a property's schema. ``names`` are the personas, ``now`` returns the Unix time."""
    template = BY_FORMAT.get(schema.get("format", ""))
    match schema:
        case {"enum": choices} if all(isinstance(each, str) for each in choices):
            return ChoiceField(name, choices)
        case {"enum": _}:
            return JsonField(name)
        case {"type": "boolean"}:
            return FlagField(name)
        case {"type": "string"} if template:
            return FreshField(name, template, now)
        case {"type": "string", "format": "username"}:
            return NameField(name, names)
        case {"type": "string", "contentMediaType": _}:
            return LongTextField(name)
        case {"type": "string"}:
            return TextField(name)
        case {"type": "array", "items": {"$ref": str(ref)}} if defs:
            item = defs.get(ref.removeprefix("#/$defs/"))
            if isinstance(item, dict) and _has_lines(item):
                return ListField(name, item, names)
    return JsonField(name)


def _has_lines(item: dict[str, Any]) -> bool:
    """Return whether a list of such items can be edited with a line per item: objects with known fields."""
    properties: dict[str, Any] = item.get("properties", {})
    return bool(properties) and all(isinstance(each, dict) for each in properties.values())
