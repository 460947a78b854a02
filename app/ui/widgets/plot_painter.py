"""Paint the plot of the reconnect lab with its legend, on a widget or as a picture (``QImage``) to save as PNG.
The plot shows after which delays a browser tried to reconnect, and the expected delays. Its geometry is computed in
``protocol/reconnect_plot.py``. Bands also differ in their pattern, and marks in their shape, not only in colour.
"""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from app.protocol.reconnect_lab import LabReport
from app.protocol.reconnect_plot import (
    BROWSER_TEXT,
    FITS_TEXT,
    GUIDE_TEXT,
    LEFT,
    MAX_TITLE_CHARS,
    RADIUS,
    UNCLEAR_TEXT,
    WRONG_TEXT,
    Box,
    Column,
    Mark,
    Plot,
    lab_title,
    label_y,
    plot_report,
)
from app.protocol.reconnects import Verdict
from app.ui.theme import FONT_PIXELS, LIGHT, Colors

SMALL_PIXELS = 12
LINE_HEIGHT = 20
KEY_WIDTH = 20
"""Width of a symbol of the legend, with the space after it."""
GAP = 18
"""Space between two entries of the legend."""
LABEL_WIDTH, LABEL_HEIGHT = 80.0, 18.0
MIN_SHARE = 1.5
"""Pixels: a smaller share of the browser, such as that of Chromium, is not drawn."""
PICTURE_SCALE = 2
"""Pixels per unit of a picture, so that it is sharp on a dense screen."""
VERDICT_HEIGHT = 56

Key = Callable[[QPainter, Colors, float, float], None]
"""Paints a symbol of the legend. The place is the left end and the middle of its height."""


def plot_font(*, bold: bool = False) -> QFont:
    """Return the font of the labels."""
    font = QFont()
    font.setPixelSize(SMALL_PIXELS)
    font.setBold(bold)
    return font


def legend_height(width: float) -> int:
    """Return the height of the legend in this width."""
    return LINE_HEIGHT * (1 + max(line for _, _, line in _legend_places(width)))


def paint_legend(painter: QPainter, colors: Colors, x: float, y: float, width: float) -> None:
    """Paint what the symbols mean, in as many lines as needed. ``x`` and ``y`` are the top left corner."""
    painter.setFont(plot_font())
    for (key, text), left, line in _legend_places(width):
        middle = y + line * LINE_HEIGHT + LINE_HEIGHT / 2
        key(painter, colors, x + left, middle)
        painter.setPen(QColor(colors.muted))
        box = QRectF(x + left + KEY_WIDTH, middle - LINE_HEIGHT / 2, width, LINE_HEIGHT)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def paint_plot(painter: QPainter, plot: Plot, colors: Colors) -> None:
    """Paint the axes, the bands and the attempts."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(plot_font())
    area = plot.area
    for tick in plot.ticks:
        painter.setPen(QColor(colors.border))
        painter.drawLine(QPointF(area.x, tick.y), QPointF(area.x + area.width, tick.y))
        painter.setPen(QColor(colors.muted))
        place = QRectF(0, tick.y - LABEL_HEIGHT / 2, area.x - 8, LABEL_HEIGHT)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, tick.label)
    painter.setPen(QColor(colors.muted))
    bottom, center = area.y + area.height, area.x + area.width / 2
    _centered(painter, center, bottom + 24, "Attempt")
    for column in plot.columns:
        _paint_column(painter, column, colors, bottom)


def lab_image(report: LabReport) -> QImage:
    """Return a run of the reconnect lab as a picture in light colours, with its title and its verdict."""
    plot = plot_report(report)
    image = QImage(int(plot.width * PICTURE_SCALE), int(plot.height * PICTURE_SCALE), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(PICTURE_SCALE)
    image.fill(QColor(LIGHT.surface))
    painter = QPainter(image)
    paint_plot(painter, plot, LIGHT)
    width = plot.width - LEFT
    paint_legend(painter, LIGHT, LEFT, 28, width)
    title = plot_font(bold=True)
    title.setPixelSize(FONT_PIXELS)
    painter.setFont(title)
    painter.setPen(QColor(LIGHT.text))
    painter.drawText(QPointF(LEFT, 20), lab_title(report)[:MAX_TITLE_CHARS])
    painter.setFont(plot_font())
    box = QRectF(LEFT, plot.height - VERDICT_HEIGHT, plot.area.width, VERDICT_HEIGHT)
    painter.drawText(box, Qt.TextFlag.TextWordWrap, report.text)
    painter.end()
    return image


def _paint_column(painter: QPainter, column: Column, colors: Colors, bottom: float) -> None:
    _paint_browser(painter, colors, column.browser)
    _paint_guide(painter, colors, column.guide)
    painter.setFont(plot_font())
    painter.setPen(QColor(colors.muted))
    _centered(painter, column.x, bottom + 4, column.label)
    if mark := column.mark:
        _paint_mark(painter, colors, mark.verdict, mark.x, mark.y)
        wrong = _is_wrong(mark)
        painter.setFont(plot_font(bold=wrong))
        painter.setPen(QColor(colors.error if wrong else colors.text))
        _centered(painter, mark.x, label_y(mark, column) - LABEL_HEIGHT + 4, mark.text)


def _paint_guide(painter: QPainter, colors: Colors, box: Box) -> None:
    painter.fillRect(QRectF(*box), QColor(colors.accent))


def _paint_browser(painter: QPainter, colors: Colors, box: Box) -> None:
    if box.height < MIN_SHARE:
        return
    painter.setPen(QPen(QColor(colors.outline), 1))
    painter.setBrush(QColor(colors.hover))
    painter.drawRect(QRectF(*box))
    painter.setBrush(QBrush(QColor(colors.muted), Qt.BrushStyle.BDiagPattern))
    painter.drawRect(QRectF(*box))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _paint_mark(painter: QPainter, colors: Colors, verdict: Verdict, x: float, y: float) -> None:
    """Paint a disc for an attempt that fits, a cross for one that does not, and a ring for one not judged."""
    place = QPointF(x, y)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    match verdict:
        case Verdict.FITS:
            painter.setPen(QPen(QColor(colors.surface), 2))
            painter.setBrush(QColor(colors.ok))
            painter.drawEllipse(place, RADIUS + 1.5, RADIUS + 1.5)
        case Verdict.UNCLEAR:
            for color, width in ((colors.surface, 5.0), (colors.muted, 2.0)):
                painter.setPen(QPen(QColor(color), width))
                painter.drawEllipse(place, RADIUS, RADIUS)
        case _:
            for color, width in ((colors.surface, 6.0), (colors.error, 2.5)):
                painter.setPen(QPen(QColor(color), width))
                painter.drawLine(QPointF(x - 5, y - 5), QPointF(x + 5, y + 5))
                painter.drawLine(QPointF(x - 5, y + 5), QPointF(x + 5, y - 5))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _centered(painter: QPainter, x: float, top: float, text: str) -> None:
    box = QRectF(x - LABEL_WIDTH / 2, top, LABEL_WIDTH, LABEL_HEIGHT)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _is_wrong(mark: Mark) -> bool:
    return mark.verdict not in (Verdict.FITS, Verdict.UNCLEAR)


def _mark_key(verdict: Verdict) -> Key:
    return lambda painter, colors, x, y: _paint_mark(painter, colors, verdict, x + 7, y)


_LEGEND: tuple[tuple[Key, str], ...] = (
    (lambda painter, colors, x, y: _paint_guide(painter, colors, Box(x, y - 5, 14, 10)), GUIDE_TEXT),
    (lambda painter, colors, x, y: _paint_browser(painter, colors, Box(x, y - 5, 14, 10)), BROWSER_TEXT),
    (_mark_key(Verdict.FITS), FITS_TEXT),
    (_mark_key(Verdict.EARLY), WRONG_TEXT),
    (_mark_key(Verdict.UNCLEAR), UNCLEAR_TEXT),
)


def _legend_places(width: float) -> list[tuple[tuple[Key, str], float, int]]:
    """Return each entry with its left end and its line."""
    measure = QFontMetricsF(plot_font()).horizontalAdvance
    places, left, line = [], 0.0, 0
    for entry in _LEGEND:
        needed = KEY_WIDTH + measure(entry[1])
        if left and left + needed > width:
            left, line = 0.0, line + 1
        places.append((entry, left, line))
        left += needed + GAP
    return places
