"""Paint the cells of the log's rows ten times as fast as Qt's delegates and style sheet would.

Rows are formatted when they are painted. The texts of rows, and the layouts of recurring texts, are cached.
"""

import re
from bisect import bisect_right
from collections.abc import Collection
from itertools import accumulate

from msgspec.structs import astuple
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QStaticText

from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.event_log import EventLogModel, TimeStyle
from app.ui.models.log_text import MONO, Col, Texts, colors, texts

PADDING = 9
"""Pixels between a cell's edge and its text, as in the header."""
MAX_CACHED_ROWS = 400
MAX_CACHED_TEXTS = 4_000
MILLIS = 4
"""Length of the milliseconds in a time of day, with the point."""
RELATIVE_TIMES = (TimeStyle.SINCE_START, TimeStyle.DELTA, TimeStyle.SINCE_FIRE)
"""Styles in which a row's time depends on other rows, so that it is not cached with the row."""

PIN, PIN_GAP = 13, 4
"""Size of the pin of a pinned row, and its distance to the summary."""

Cells = tuple[Texts, Texts, bool]
"""The texts and the colours of a row's cells, and whether it is pinned."""

ELLIPSIS = "…"
_PLAIN = re.compile("[ -~\u00a1-\u00ac\u00ae-\u024f→…–✕▲↓↑]+")
"""Characters without kerning or combining: the width of a text is the sum of their widths."""


class _Advances(dict[str, float]):
    """A cache of character widths."""

    def __init__(self, metrics: QFontMetricsF) -> None:
        super().__init__()
        self._metrics = metrics

    def __missing__(self, letter: str) -> float:
        width = self[letter] = self._metrics.horizontalAdvance(letter)
        return width


class LogPainter:
    """Paint rows of an ``EventLogModel``. Call ``restyle`` first, and when font or theme have changed."""

    def __init__(self, model: EventLogModel) -> None:
        self._model = model
        self._cells: dict[int, Cells] = {}
        self._texts: dict[tuple[bool, int, str], tuple[QStaticText, float]] = {}

    def restyle(self, font: QFont) -> None:
        """Use a font and the colours of the current theme."""
        self._scheme = theme.colors()
        self._fonts = (font, theme.mono())
        self._metrics = tuple(QFontMetricsF(font) for font in self._fonts)
        self._advances = tuple(_Advances(metrics) for metrics in self._metrics)
        self._pens = {name: QPen(QColor(name)) for name in astuple(self._scheme)}
        self._pin = ui_icon("pin", self._scheme.accent)
        self._selection = QColor(self._scheme.accent_soft)
        self._cells.clear()
        self._texts.clear()

    def paint(
        self, painter: QPainter, lines: range, top: int, columns: list[QRect], chosen: Collection[int]
    ) -> None:
        """Paint ``lines``, the first one at the y position ``top``.

        ``columns`` are the cells of a line at y position 0. ``chosen`` are the selected lines among ``lines``.
        """
        height = columns[0].height()
        rows = [(top + number * height, self._row(line)) for number, line in enumerate(lines)]
        for line in chosen:
            at = line - lines.start
            y, cells = rows[at]
            painter.fillRect(columns[0].united(columns[-1]).translated(0, y), self._selection)
            rows[at] = y, (cells[0], self._on_selection(cells[1]), cells[2])
        for column in Col:
            if columns[column].width() > 0:  # not hidden
                self._paint_column(painter, column, columns[column], rows)

    def forget(self, seq: int) -> None:
        """Format a row again when it is painted next: its pin or annotation has changed."""
        self._cells.pop(seq, None)

    def _on_selection(self, row_colors: Texts) -> Texts:
        """Return the colours of a selected row: errors and warnings stay, others have too little contrast."""
        problems = (self._scheme.error, self._scheme.warning)
        time, direction, client, event, summary, size, result = (
            each if each in problems else self._scheme.text for each in row_colors
        )
        return time, direction, client, event, summary, size, result

    def _paint_column(self, painter: QPainter, column: Col, place: QRect, rows: list[tuple[int, Cells]]) -> None:
        mono = column in MONO
        painter.setFont(self._fonts[mono])
        shift = int(place.height() - self._metrics[mono].height()) // 2
        base = shift + self._metrics[mono].ascent()
        left, width = place.left() + PADDING, place.width() - 2 * PADDING
        pen = ""
        known, at = self._texts, QPointF()
        for y, (row_texts, row_colors, pinned) in rows:
            text, color = row_texts[column], row_colors[column]
            indent = 0
            if pinned and column is Col.SUMMARY:
                self._pin.paint(painter, left, y + (place.height() - PIN) // 2, PIN, PIN)
                indent = PIN + PIN_GAP
            if not text:
                continue
            if color != pen:
                painter.setPen(self._pens[color])
                pen = color
            at.setX(left + indent)
            plain = text.isascii() or _PLAIN.fullmatch(text)
            if column is Col.SUMMARY or not plain:  # rarely recurs, so caching its layout would cost more
                if not plain:  # stacked diacritics would reach into other rows
                    painter.setClipRect(place.translated(0, y))
                at.setY(y + base)
                painter.drawText(at, self._fitted(mono, width - indent, text))
                if not plain:
                    painter.setClipping(False)
                continue
            at.setY(y + shift)
            if (
                column is Col.TIME and len(text) * self._advances[mono]["0"] <= width
            ):  # draw the seconds and the milliseconds separately: both recur
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
        """Lay out a text, elided to ``width``. Return the cached layout and its width."""
        if len(self._texts) >= MAX_CACHED_TEXTS:
            self._texts.clear()
        laid_out = QStaticText(self._fitted(mono, width, text))
        laid_out.setTextFormat(Qt.TextFormat.PlainText)
        laid_out.prepare(font=self._fonts[mono])  # computes its size
        kept = self._texts[mono, width, text] = laid_out, laid_out.size().width()
        return kept

    def _fitted(self, mono: bool, width: int, text: str) -> str:
        """Return a text elided to ``width``. Qt's function would lay it out twice, the most expensive step."""
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
            if len(self._cells) >= MAX_CACHED_ROWS:
                self._cells.clear()
            row, mark = model.row(line), model.mark(seq)
            known = self._cells[seq] = texts(row, mark), colors(row, self._scheme, mark), mark.pinned
        if model.time_style in RELATIVE_TIMES:
            return (model.time(line, model.row(line)), *known[0][1:]), *known[1:]
        return known
