"""Paints the log's cells, in a tenth of the time that a delegate with a style sheet takes.

Texts that come again are laid out once; what is not visible is never formatted.
"""

import re
from bisect import bisect_right
from itertools import accumulate

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QStaticText

from app.ui import theme
from app.ui.models.event_log import EventLogModel, TimeStyle
from app.ui.models.log_text import MONO, Col, Texts, colors, texts

PADDING = 9
"""Between a cell's edge and its text; as wide as that of the header."""
KEPT_ROWS = 400
KEPT_TEXTS = 4_000
MILLIS = 4
"""Length of the end of a time of day, from its point."""
BY_LINE = (TimeStyle.SINCE_START, TimeStyle.DELTA)

Cells = tuple[Texts, Texts]
"""Texts and colours."""

ELLIPSIS = "…"
_PLAIN = re.compile("[ -~\u00a1-\u00ac\u00ae-\u024f→…–✕▲↓↑]+")
"""Letters that stand side by side as wide as they are: a text of them may be measured letter by letter."""


class _Advances(dict[str, float]):
    """How wide letters are, each measured once."""

    def __init__(self, metrics: QFontMetricsF) -> None:
        super().__init__()
        self._metrics = metrics

    def __missing__(self, letter: str) -> float:
        width = self[letter] = self._metrics.horizontalAdvance(letter)
        return width


class LogPainter:
    """Knows how the rows of a log look."""

    def __init__(self, model: EventLogModel) -> None:
        self._model = model
        self._cells: dict[int, Cells] = {}
        self._texts: dict[tuple[bool, int, str], tuple[QStaticText, float]] = {}
        self.restyle(QFont())

    def restyle(self, font: QFont) -> None:
        """Take the font and the colours in force."""
        self._scheme = theme.colors()
        self._fonts = (font, theme.mono())
        self._metrics = tuple(QFontMetricsF(font) for font in self._fonts)
        self._advances = tuple(_Advances(metrics) for metrics in self._metrics)
        self._pens = {name: QPen(QColor(name)) for name in vars(self._scheme).values()}
        self._chosen: Texts = (self._scheme.text,) * 7
        self._selection = QColor(self._scheme.accent_soft)
        self._cells.clear()
        self._texts.clear()

    def paint(self, painter: QPainter, lines: range, top: int, columns: list[QRect], chosen: int) -> None:
        """Paint ``lines``, the first at ``top``.

        ``columns`` say where the cells of a line lie that begins at 0, ``chosen`` which line is selected.
        """
        height = columns[0].height()
        rows = [(top + number * height, self._row(line)) for number, line in enumerate(lines)]
        if chosen in lines:
            at = chosen - lines.start
            y, cells = rows[at]
            painter.fillRect(columns[0].united(columns[-1]).translated(0, y), self._selection)
            rows[at] = y, (cells[0], self._chosen)
        for column in Col:
            self._paint_column(painter, column, columns[column], rows)

    def _paint_column(self, painter: QPainter, column: Col, place: QRect, rows: list[tuple[int, Cells]]) -> None:
        mono = column in MONO
        painter.setFont(self._fonts[mono])
        shift = int(place.height() - self._metrics[mono].height()) // 2
        base = shift + self._metrics[mono].ascent()
        left, width = place.left() + PADDING, place.width() - 2 * PADDING
        pen = ""
        known, at = self._texts, QPointF()
        for y, (said, colored) in rows:
            text, wanted = said[column], colored[column]
            if not text:
                continue
            if wanted != pen:
                painter.setPen(self._pens[wanted])
                pen = wanted
            at.setX(left)
            plain = text.isascii() or _PLAIN.fullmatch(text)
            if column is Col.SUMMARY or not plain:  # hardly ever comes again: to lay it out for keeps takes longer
                if not plain:  # marks can be piled up over other rows
                    painter.setClipRect(place.translated(0, y))
                at.setY(y + base)
                painter.drawText(at, self._fitted(mono, width, text))
                if not plain:
                    painter.setClipping(False)
                continue
            at.setY(y + shift)
            if (
                column is Col.TIME and len(text) * self._advances[mono]["0"] <= width
            ):  # two parts that both come again
                begin = text[:-MILLIS]
                laid_out, used = known.get((mono, width, begin)) or self._lay_out(mono, width, begin)
                painter.drawStaticText(at, laid_out)
                at.setX(left + used)
                text = text[-MILLIS:]
            laid_out, used = known.get((mono, width, text)) or self._lay_out(mono, width, text)
            if column is Col.SIZE:
                at.setX(left + width - used)
            painter.drawStaticText(at, laid_out)

    def _lay_out(self, mono: bool, width: int, text: str) -> tuple[QStaticText, float]:
        """Return a text made to fit, and how wide it is."""
        if len(self._texts) >= KEPT_TEXTS:
            self._texts.clear()
        laid_out = QStaticText(self._fitted(mono, width, text))
        laid_out.setTextFormat(Qt.TextFormat.PlainText)
        laid_out.prepare(font=self._fonts[mono])  # now its size is known
        kept = self._texts[mono, width, text] = laid_out, laid_out.size().width()
        return kept

    def _fitted(self, mono: bool, width: int, text: str) -> str:
        """Return a text cut to ``width``. Qt would lay it out twice more for that, which takes longest of all."""
        if not _PLAIN.fullmatch(text):
            return self._metrics[mono].elidedText(text, Qt.TextElideMode.ElideRight, width)
        advances = self._advances[mono]
        ends = list(accumulate(map(advances.__getitem__, text)))
        if ends[-1] <= width:
            return text
        return text[: bisect_right(ends, width - advances[ELLIPSIS])] + ELLIPSIS

    def _row(self, line: int) -> Cells:
        model = self._model
        seq = model.seq(line)
        if (known := self._cells.get(seq)) is None:
            if len(self._cells) >= KEPT_ROWS:
                self._cells.clear()
            row = model.row(line)
            known = self._cells[seq] = texts(row), colors(row, self._scheme)
        if model.time_style in BY_LINE:
            return (model.time(line, model.row(line)), *known[0][1:]), known[1]
        return known
