"""The row of ``fire_bar`` (in Inject and Fixtures) for an expectation: the event or REST call that the UI must send
after each fired event, with conditions on its fields and a timeout. ``fire_bar`` waits. Functions return the result
as text, also for a fixture with an expectation that was fired elsewhere, for example in the floating fire bar.
"""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget

from app.hub.expectation import Expectation, ExpectationResult, expectation_of, why_impossible
from app.protocol.catalog import Catalog
from app.protocol.conditions import BadCondition, conditions_text, parse_conditions
from app.protocol.contract import Direction
from app.protocol.fixture import DEFAULT_WITHIN_S, MAX_WITHIN_S, MIN_WITHIN_S, Fixture, FixtureExpectation
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit, fits_line

NOTHING = "nothing"
REST_CALLS = ("POST /messages", "POST /friends", "GET /messages", "GET /friends")
MAX_CONDITION_CHARS = 2_000
NOT_SHOWN = (
    f"the saved conditions have more than {MAX_CONDITION_CHARS:,} characters, or a path with =, "
    "which this field cannot show"
)


class WrittenExpectation(NamedTuple):
    """An expectation as the row shows it, valid or not."""

    event: str
    where: str
    within: float


def as_written(expect: FixtureExpectation) -> WrittenExpectation:
    """Return what the row shows for an expectation, if its field can show the conditions."""
    return WrittenExpectation(expect.event, conditions_text(expect.where), round(expect.within, 1))


class ExpectRow(QWidget):
    """Choose a client event or a REST call, conditions on its fields, and a timeout. The default is ``nothing``."""

    changed = Signal()
    """Emitted when the expectation or its ``problem`` may have changed."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self.choice = named(
            QComboBox(),
            "Event that your UI must send",
            tip="Checked after each event you fire, or after the last one of a series",
        )
        self._catalog = catalog
        self.expected: Expectation | None = None
        """The chosen expectation; None if nothing is expected or there is a ``problem``."""
        self.problem = ""
        """Why this cannot be expected, with the names of the inputs; empty if it can."""
        self.where = named(
            LineEdit(limit=MAX_CONDITION_CHARS, placeholder="for example text=hi"),
            "Where",
            tip='Accept it only with these values, separated by spaces, like text="hi there" typing=true',
        )
        self.within = named(
            QDoubleSpinBox(minimum=MIN_WITHIN_S, maximum=MAX_WITHIN_S, decimals=1, value=DEFAULT_WITHIN_S),
            "Within, in seconds",
        )
        self.within.setPrefix("within ")
        self.within.setSuffix(" s")
        self.within.setSingleStep(0.5)
        self.within.lineEdit().setTextMargins(6, 0, 0, 0)
        self._where_label = PlainTextLabel("where")
        self._message = named(PlainTextLabel(wordWrap=True), "Then expect: problem", style_id="problem")
        self._message.setVisible(False)
        self._row = row = QHBoxLayout()
        row.setSpacing(8)
        for widget in (PlainTextLabel("Then expect"), self.choice, self._where_label, self.where, self.within):
            row.addWidget(widget)
        row.setStretchFactor(self.where, 4)
        self.where.setMaximumWidth(320)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self._message)
        self.not_shown: Expectation | None = None
        """The expectation that ``choose`` was given, if the field cannot show its conditions."""
        self.choice.currentIndexChanged.connect(lambda _: self._on_edited())
        self.where.textChanged.connect(lambda _: self._on_edited())
        self.list_events()

    def add_at_end(self, widget: QWidget) -> None:
        """Add a widget at the right end of the row."""
        self._row.addWidget(widget)

    def list_events(self) -> None:
        """List the client events of the current contract. Keep the choice; ``problem`` says if it is not valid."""
        chosen = self._chosen
        with QSignalBlocker(self.choice):
            self.choice.clear()
            self.choice.addItems([NOTHING, *self._catalog.names(Direction.FROM_UI), *REST_CALLS])
            self._choose(chosen)
        self._update()

    def choose(self, expected: Expectation | None, within_s: float | None = None) -> None:
        """Show an expectation: its event, its conditions and, unless None, its timeout."""
        with QSignalBlocker(self.choice), QSignalBlocker(self.where):
            self._choose(expected.event if expected else None)
            where = dict(expected.where) if expected else {}
            conditions = conditions_text(where)
            fits = not any("=" in path for path in where) and fits_line(conditions, MAX_CONDITION_CHARS)
            self.not_shown = None if fits else expected
            self.where.setText(conditions if fits else "")
        if within_s is not None:
            self.within.setValue(within_s)
        self._update()

    @property
    def written(self) -> WrittenExpectation | None:
        """What the row shows, valid or not; None if nothing is expected."""
        if (event := self._chosen) is None:
            return None
        return WrittenExpectation(event, self.where.text(), round(self.within.value(), 1))

    def write(self, written: WrittenExpectation) -> None:
        """Show what was written, valid or not."""
        self.choose(Expectation(written.event), written.within)
        self.where.setText(written.where)

    @property
    def _chosen(self) -> str | None:
        """The chosen event; None for the first item, because an event may be named ``nothing`` too."""
        return self.choice.currentText() if self.choice.currentIndex() > 0 else None

    def _choose(self, name: str | None) -> None:
        names = [self.choice.itemText(index) for index in range(1, self.choice.count())]
        if name is not None and name not in names:
            self.choice.addItem(name)
            names.append(name)
        self.choice.setCurrentIndex(0 if name is None else 1 + names.index(name))

    def _on_edited(self) -> None:
        self.not_shown = None
        self._update()

    def _update(self) -> None:
        name = self._chosen
        self.expected, self.problem = None, ""
        if name is not None:
            if why := why_impossible(Expectation(name), self._catalog):
                self.problem = f"Then expect: {why}"
            elif why := self._conditions_problem(name):
                self.problem = f"Then expect, where: {why}"
            else:
                self.expected = Expectation(name, where=parse_conditions(self.where.text()))
        self._message.setText(self.problem)
        self._message.setVisible(bool(self.problem))
        for widget in (self.where, self._where_label, self.within):
            widget.setVisible(name is not None)
        self.within.setEnabled(name is not None)
        self.changed.emit()

    def _conditions_problem(self, name: str) -> str:
        if self.not_shown:
            return NOT_SHOWN
        try:
            return why_impossible(Expectation(name, where=parse_conditions(self.where.text())), self._catalog)
        except BadCondition as bad:
            return str(bad)


def result_text(expected: Expectation, result: ExpectationResult, within_s: float) -> tuple[str, str]:
    """Return the text that shows the result of an expectation, and its tone (``ok`` or ``error``)."""
    if result.row:
        number = f" · #{result.row.seq}" if result.row.seq else ""  # a GET request may have no row
        return f"✓ {expected} received after {result.after_s * 1000:,.0f} ms{number}", "ok"
    names: Sequence[str] = list(dict.fromkeys(row.event or "an invalid frame" for row in result.received_instead))
    instead = f"received instead: {', '.join(names)}" if names else "nothing else was received"
    return f"✗ no {expected} within {within_s:g} s; {instead}", "error"


def fixture_result_text(fixture: Fixture, result: ExpectationResult) -> str:
    """Return the text that shows the result of a fixture's expectation; empty if the fixture has none."""
    expected = expectation_of(fixture)
    return result_text(expected, result, fixture.expect.within)[0] if expected and fixture.expect else ""
