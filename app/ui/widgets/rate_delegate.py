"""An item delegate that paints a client's frames per second, as a number and as a graph of the last 30 s."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from app.ui import theme
from app.ui.models.clients import RATES
from app.ui.widgets.sparkline import paint_rates

NUMBER_WIDTH = 40
PAD = 6


class RateDelegate(QStyledItemDelegate):
    """The graph is left of the number."""

    @override
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        scheme = theme.colors()
        area = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(scheme.accent_soft))
        graph = QRectF(area.adjusted(PAD, 5, -NUMBER_WIDTH - PAD, -5))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rates = index.data(RATES)
        if rates and graph.width() > 0:
            paint_rates(painter, graph, rates)
        painter.setPen(QColor(scheme.text))
        number = area.adjusted(area.width() - NUMBER_WIDTH - PAD, 0, -PAD, 0)
        painter.drawText(number, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, index.data())
        painter.restore()
