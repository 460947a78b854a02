"""The reconnect panel of the Clients room: when UIs reconnected, and whether the delays were as the guide requires.
The guide is the UI's specification. A line shows the last verdict, or, while the UI is not connected, what it is
expected to do next or that it was closed. It is about the page of the selected client, or else the page with the
latest event. A table that can be opened lists the attempts of all pages. The panel is hidden while no reconnect was
measured and none is expected.
"""

from PySide6.QtCore import QModelIndex
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.observers.reconnects import ReconnectWatch
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.reconnects import Col, ReconnectsModel, is_worth_showing, lines_of, page_title
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.plain_table import plain_table

TABLE_HEIGHT = 168
SAMPLES: dict[int, str] = {
    Col.TIME: "23:59:59",
    Col.PAGE: "http://localhost:1420 · Chromium",
    Col.CLIENT: "refused",
}


class ReconnectPanel(QWidget):
    """Hidden while no reconnect was measured and none is expected. Call ``refresh`` to update it."""

    def __init__(self, watch: ReconnectWatch) -> None:
        super().__init__()
        self._watch = watch
        self.model = ReconnectsModel()
        self.title = named(PlainTextLabel("Reconnects"), "Reconnects", style_id="detailHead")
        self.verdict = named(ElidedLabel(), "Last reconnect", style_id="muted")
        self.toggle = named(
            QPushButton("Show attempts"), "Show attempts", tip="List the attempts, with the delays of the guide"
        )
        self.table = self._make_table()
        line = QHBoxLayout()
        line.setContentsMargins(16, 6, 16, 6)
        line.setSpacing(8)
        line.addWidget(self.title)
        line.addWidget(self.verdict, 1)
        line.addWidget(self.toggle)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self.table)
        self.toggle.clicked.connect(self._show_or_hide)
        self.table.hide()
        self._client: int | None = None
        self._shown: object = None
        """What the table shows, to recognize changes."""
        self.recolor()
        self.refresh(None)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        name = "chevron-right" if self.table.isHidden() else "chevron-down"
        self.toggle.setIcon(ui_icon(name, theme.colors().muted))

    def refresh(self, client: int | None) -> None:
        """Show the present state; in the line, that of a client's page, or of the one with the latest event."""
        self._client = client
        reports = [each for each in self._watch.reports() if is_worth_showing(each)]
        self.setVisible(bool(reports))
        if not reports:
            return
        selected = next((each for each in reports if client in each.clients), reports[0])
        text = f"{page_title(selected)}: {selected.text}"
        if text != self.verdict.text():
            self.verdict.setText(text)
        shown = [(each[:8], each.attempts[-1:]) for each in reports]
        if not self.table.isHidden() and shown != self._shown:
            self._shown = shown
            self.model.show(lines_of(reports))

    def _show_or_hide(self) -> None:
        self.table.setVisible(self.table.isHidden())
        self.toggle.setText("Show attempts" if self.table.isHidden() else "Hide attempts")
        self.toggle.setAccessibleName(self.toggle.text())
        self.recolor()
        self.refresh(self._client)

    def _make_table(self) -> QTableView:
        table = plain_table("Attempts to reconnect", self.model, SAMPLES, Col.VERDICT)
        table.setFixedHeight(TABLE_HEIGHT)
        return table

    def line(self, row: int) -> list[str]:
        """Return the texts of a line of the table."""
        return [str(self.model.index(row, column, QModelIndex()).data()) for column in Col]
