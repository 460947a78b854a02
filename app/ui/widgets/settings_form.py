"""The layout of the Settings room: titled sections of rows, and a filter that the room's search field calls.
It shows the rows that contain all words of the search, and all rows of a section whose title contains them. A row
has a control, usually a label and an explanation and, while its value is not valid, an error text.
"""

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named

WIDTH = 640
LABEL_WIDTH = 148
SPACING = 16
"""Between a label and its control. A grid has no spacing beside an empty column."""


class SettingRow(QWidget):
    """One or more settings: a label, the control, an explanation, and why the value is not valid."""

    def __init__(self, names: Sequence[str], title: str, control: QWidget, hint: str = "") -> None:
        """``names`` are the keys in the settings file. ``title`` may be empty if the control has its own text."""
        super().__init__()
        self.names = tuple(names)
        self.control = control
        self._texts = f"{title} {hint} {control.accessibleName()} {' '.join(names)} {_text_of(control)}".casefold()
        self._title = title
        self.error: PlainTextLabel | None = None
        """Shows why the value is not valid. It is created when it is first needed."""
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACING)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnMinimumWidth(0, LABEL_WIDTH if title else LABEL_WIDTH + SPACING)
        self._grid.setColumnStretch(1, 1)
        if title:
            label = named(PlainTextLabel(title, wordWrap=True), title, style_id="settingLabel")
            label.setFixedWidth(LABEL_WIDTH)
            label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            label.setIndent(0)  # Qt would indent a label with a padding by half a letter
            label.setBuddy(control)
            self._grid.addWidget(label, 0, 0)
        self._grid.addWidget(control, 0, 1)
        if hint:
            self._grid.addWidget(named(PlainTextLabel(hint, wordWrap=True), "Explanation", style_id="muted"), 1, 1)

    def show_error(self, text: str) -> None:
        """Show why the value is not valid; an empty text removes the error."""
        if text and self.error is None:
            self.error = named(PlainTextLabel(wordWrap=True), f"Problem of {self._title}", style_id="problem")
            self._grid.addWidget(self.error, 2, 1)
        if self.error is not None:
            self.error.setText(f"✗ {text}" if text else "")
            self.error.setVisible(bool(text))

    def matches(self, words: Iterable[str]) -> bool:
        """Return whether the row's texts contain all words."""
        return all(word.casefold() in self._texts for word in words)


class SettingsSection(QFrame):
    """A titled group of rows."""

    def __init__(self, title: str, rows: Sequence[SettingRow]) -> None:
        super().__init__()
        self.setObjectName("card")
        self.title = title
        self.rows = tuple(rows)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(12)
        column.addWidget(named(PlainTextLabel(title), f"Section {title}", style_id="sectionTitle"))
        for row in rows:
            column.addWidget(row)

    def filter(self, words: Sequence[str]) -> bool:
        """Show the rows that contain all words, or all rows if the title does. Return whether any is shown."""
        whole = all(word.casefold() in self.title.casefold() for word in words)
        shown = [row for row in self.rows if whole or row.matches(words)]
        for row in self.rows:
            row.setVisible(row in shown)
        self.setVisible(bool(shown))
        return bool(shown)


class SettingsForm(QScrollArea):
    """All sections, one below the other."""

    def __init__(self, sections: Sequence[SettingsSection]) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sections = tuple(sections)
        self.nothing = named(PlainTextLabel(), "Result of the search", style_id="muted")
        inner = QWidget()
        # Not the sections: a layout would compute the height of their texts for its own width.
        inner.setMaximumWidth(WIDTH + 2 * 16)
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 4, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.nothing)
        for section in sections:
            column.addWidget(section)
        column.addStretch(1)
        self.setWidget(inner)
        self.filter("")

    @property
    def rows(self) -> list[SettingRow]:
        """All rows, from top to bottom."""
        return [row for section in self.sections for row in section.rows]

    def filter(self, query: str) -> None:
        """Show only the rows that contain all words of ``query``."""
        words = query.split()
        found = [section.filter(words) for section in self.sections]
        self.nothing.setText("" if any(found) else f"No setting contains “{query.strip()}”")
        self.nothing.setVisible(not any(found))

    def show_errors(self, errors: Mapping[str, str]) -> None:
        """Show errors at their rows, by the names of the settings."""
        for row in self.rows:
            row.show_error("; ".join(errors[name] for name in row.names if name in errors))

    def reveal(self, name: str) -> bool:
        """Scroll to a setting and give it the keyboard focus. Return False if no row has this setting."""
        for row in self.rows:
            if name in row.names:
                self.ensureWidgetVisible(row)
                row.control.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return True
        return False


def _text_of(control: QWidget) -> str:
    """Return the texts of a control and of the controls in it, such as those of check boxes."""
    each = (control, *control.findChildren(QWidget))
    choices = [box.itemText(number) for box in each if isinstance(box, QComboBox) for number in range(box.count())]
    return " ".join([*(f"{part.accessibleName()} {part.property('text') or ''}" for part in each), *choices])
