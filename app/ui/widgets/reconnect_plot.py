"""The widget that plots a run of the reconnect lab: the delay of each attempt, and the expected delay.
The expected delay is that of the guide, which is the UI's specification, plus what the browser may add. A screen
reader reads the attempts as text, and a tooltip describes the one under the pointer. ``plot_painter`` paints.
"""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from app.protocol.reconnect_lab import LabReport
from app.protocol.reconnect_plot import Box, Plot, column_texts, plot_report
from app.ui import theme
from app.ui.plain_text import show_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.plot_painter import legend_height, paint_legend, paint_plot

LEFT, RIGHT, TOP, BOTTOM = 64, 20, 10, 48
"""Space around the plot, for the labels of the axes."""
NAME = "Plot of the attempts to reconnect"


class ReconnectPlot(QWidget):
    """Shows a report, or nothing before the first one."""

    def __init__(self) -> None:
        super().__init__()
        self._report: LabReport | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        named(self, NAME)

    @property
    def report(self) -> LabReport | None:
        """The shown report."""
        return self._report

    @property
    def plot(self) -> Plot | None:
        """The geometry of what is shown."""
        if self._report is None:
            return None
        top = TOP + self._legend_height
        width, height = self.width() - LEFT - RIGHT, self.height() - top - BOTTOM
        return plot_report(self._report, Box(LEFT, top, max(width, 1), max(height, 1)))

    def show_report(self, report: LabReport | None) -> None:
        """Show a report, and describe it for screen readers."""
        self._report = report
        self.setAccessibleDescription(". ".join(column_texts(report)) if report else "")
        self.update()

    def text_at(self, x: float) -> str:
        """Return the attempt at a place in words, or an empty text."""
        if self._report is None or (plot := self.plot) is None or not plot.columns:
            return ""
        step = plot.area.width / len(plot.columns)
        texts = column_texts(self._report)
        number = int((x - plot.area.x) // step)
        return texts[number] if 0 <= number < len(texts) else ""

    @property
    def _legend_height(self) -> int:
        return legend_height(self.width() - LEFT - RIGHT)

    # QWidget

    @override
    def sizeHint(self) -> QSize:
        return QSize(680, 320)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(420, 220)

    @override
    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            show_tooltip(event.globalPos(), self.text_at(event.pos().x()), self)
            return True
        return super().event(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.colors()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.surface))
        if plot := self.plot:
            paint_plot(painter, plot, colors)
            paint_legend(painter, colors, LEFT, TOP / 2, self.width() - LEFT - RIGHT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(colors.accent if self.hasFocus() else colors.border))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
