"""The list of other sessions (scenarios and recordings) that are running: each with its progress and *Stop*.
It is in the Scenarios room. ``scenario_run_controls`` passes all runs except the one that the open scenario shows,
also those started elsewhere, for example by the control API. Runs of what the room's list contains also have
*Show*. If there are more than three runs, the list shows three and the number of the others.
"""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.hub.session_run import SessionRun
from app.ui.models.run_text import run_text
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel

MAX_SHOWN = 3


class OtherRuns(QWidget):
    """Hidden while there are none. Shows the first ones, and how many more there are."""

    stop_requested = Signal(int)
    """Emitted with the number of a run."""
    show_requested = Signal(str)
    """Emitted with the key of a scenario or recording."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("otherRuns")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._rows = [_Row() for _ in range(MAX_SHOWN)]
        self.more = named(PlainTextLabel(), "More runs", style_id="muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 6, 20, 6)
        column.setSpacing(4)
        for row in self._rows:
            column.addWidget(row)
            row.stop.clicked.connect(lambda _=False, row=row: self.stop_requested.emit(row.number))
            row.open.clicked.connect(lambda _=False, row=row: self.show_requested.emit(row.key))
        column.addWidget(self.more)
        self.show_runs([], {})

    @property
    def rows(self) -> list["_Row"]:
        """The rows that are shown."""
        return [each for each in self._rows if not each.isHidden()]

    def show_runs(self, runs: Sequence[SessionRun], keys: Mapping[int, str]) -> None:
        """Show these runs. ``keys``: those of what can be shown, by the numbers of the runs."""
        for index, row in enumerate(self._rows):
            row.setVisible(index < len(runs))
            if index < len(runs):
                row.show_run(runs[index], keys.get(runs[index].number, ""))
        more = len(runs) - MAX_SHOWN
        self.more.setText(f"and {more:,} more")
        self.more.setVisible(more > 0)
        self.setVisible(bool(runs))


class _Row(QWidget):
    """One run."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.key = ""
        self.text = named(ElidedLabel(), "Another run")
        self.open = named(QPushButton("Show"), "Show this scenario", style_id="flat")
        self.stop = named(QPushButton("Stop"), "Stop this run", style_id="flat")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        row.addWidget(self.open)
        row.addWidget(self.stop)

    def show_run(self, run: SessionRun, key: str) -> None:
        self.number, self.key = run.number, key
        self.text.setText(f"{run.title}: {run_text(run)}")
        self.stop.setAccessibleName(f"Stop {run.title}")
        self.open.setAccessibleName(f"Show {run.title}")
        self.open.setVisible(bool(key))
