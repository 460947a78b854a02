"""The view of a page of the manual in the Help room. It loads nothing but the manual's pictures.

Clicked links, and Back and Forward by key or mouse button, are emitted as signals; the room opens the pages. The
view also marks the words of a search, and shows a button that copies the block of code under the mouse.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QMargins, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QPushButton, QTextBrowser, QTextEdit  # noqa: TID251
from typing_extensions import override

from app.manual.pages import Page
from app.ui import theme
from app.ui.widgets.accessible_names import named
from app.ui.widgets.manual_document import CODE_PADDING, ManualDocument

TEXT_PIXELS = 14
"""The font size in the style sheet."""
TEXT_WIDTH = 720
"""Lines that are longer are hard to read."""
LEAST_MARGIN = 24
MOST_MARKS = 500
"""Words of a search that are marked on one page."""


class ManualBrowser(QTextBrowser):
    """Emits ``link_clicked`` with the target of a link as the page has it, and ``stepped`` for Back and Forward."""

    link_clicked = Signal(str)
    copied = Signal()
    """A piece of code was copied."""
    stepped = Signal(int)
    """-1 for back, 1 for forward."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("manual")
        self._pointed = -1
        """The piece of code that the mouse is over."""
        self._fitted: object = None
        """For which document, width and pixel ratio the pictures are scaled."""
        self.setFrameShape(QFrame.Shape.NoFrame)
        # All text wraps, and pictures are scaled. On Windows, rounding makes some tables a pixel too wide.
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.copy_code = named(QPushButton("Copy", self.viewport()), "Copy this code", style_id="copyCode")
        self.copy_code.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it is there for the mouse only
        self.copy_code.hide()
        self.copy_code.clicked.connect(self._copy)
        self.verticalScrollBar().valueChanged.connect(lambda _: self.copy_code.hide())
        self.anchorClicked.connect(lambda url: self.link_clicked.emit(url.toString()))

    # what is shown

    def show_page(self, page: Page, folder: Path) -> None:
        """Show a page from its top, in the colours of the theme in force."""
        before = self.document()
        font = self.font()
        font.setPixelSize(TEXT_PIXELS)  # the first page is shown before the browser has a window with a style sheet
        self.setDocument(ManualDocument(page, folder, font, self))
        if isinstance(before, ManualDocument):  # Qt has deleted its own, empty one
            before.deleteLater()
        self.copy_code.hide()
        self._fit_pictures()
        self.setAccessibleName(f"Manual: {page.title}")

    def scroll_to(self, anchor: str) -> bool:
        """Scroll to a heading. Return False if the page has none with this anchor."""
        document = self.document()
        if not isinstance(document, ManualDocument) or anchor not in document.anchors:
            return False
        block = document.findBlock(document.anchors[anchor])
        top = document.documentLayout().blockBoundingRect(block).top()
        self.verticalScrollBar().setValue(round(top) - 8)
        return True

    def mark(self, words: Sequence[str]) -> None:
        """Mark all places of some words; an empty list removes the marks."""
        form = QTextCharFormat()
        form.setBackground(QColor(theme.colors().warning_soft))
        form.setForeground(QColor(theme.colors().text))
        marks: list[QTextEdit.ExtraSelection] = []
        for word in words:
            found = self.document().find(word)
            while not found.isNull() and len(marks) < MOST_MARKS:
                mark = QTextEdit.ExtraSelection()
                mark.cursor, mark.format = QTextCursor(found), form
                marks.append(mark)
                found = self.document().find(word, found)
        self.setExtraSelections(marks)

    # nothing else is loaded

    @override
    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Leave it to the document, which knows the manual's pictures only."""
        document = self.document()
        return document.loadResource(kind, name) if isinstance(document, ManualDocument) else None

    @override
    def doSetSource(self, url: QUrl | str, kind: Any = None) -> None:
        """Open nothing: pages come from ``show_page`` only."""

    # keys and mouse buttons of Qt's browser

    @override
    def backward(self) -> None:
        """Ask for the page before."""
        self.stepped.emit(-1)

    @override
    def forward(self) -> None:
        """Ask for the next page."""
        self.stepped.emit(1)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the back and forward buttons of the mouse go back and forward."""
        steps = {Qt.MouseButton.BackButton: -1, Qt.MouseButton.ForwardButton: 1}
        if event.button() in steps:
            self.stepped.emit(steps[event.button()])
        else:
            super().mouseReleaseEvent(event)

    # code is copied with a button that appears under the mouse

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the button in the piece of code that the mouse is over."""
        super().mouseMoveEvent(event)
        document = self.document()
        boxes = self._code_boxes(document) if isinstance(document, ManualDocument) else []
        self._pointed = next((number for number, box in enumerate(boxes) if box.contains(event.position())), -1)
        self.copy_code.setVisible(self._pointed >= 0)
        if self._pointed >= 0:
            corner = boxes[self._pointed].topRight().toPoint()
            self.copy_code.move(corner.x() - self.copy_code.width() - 5, corner.y() + 5)

    @override
    def leaveEvent(self, event: QEvent) -> None:
        """Hide the button."""
        super().leaveEvent(event)
        self.copy_code.hide()

    def _copy(self) -> None:
        document = self.document()
        if isinstance(document, ManualDocument) and self._pointed >= 0:
            QGuiApplication.clipboard().setText(document.code(self._pointed))
            self.copied.emit()

    # layout and paint

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep lines short: what is wider than the text is margin."""
        spare = max(2 * LEAST_MARGIN, self.width() - self.verticalScrollBar().sizeHint().width() - TEXT_WIDTH)
        margins = QMargins(spare // 2, 0, spare - spare // 2, 0)
        if self.viewportMargins() != margins:
            self.setViewportMargins(margins)
        super().resizeEvent(event)
        self._fit_pictures()

    def _fit_pictures(self) -> None:
        document, fitted = self.document(), (self.document(), self.viewport().width(), self.devicePixelRatioF())
        if isinstance(document, ManualDocument) and fitted != self._fitted:
            self._fitted = fitted
            document.fit_pictures(*fitted[1:])

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint boxes behind the code, then the text."""
        document = self.document()
        if isinstance(document, ManualDocument):
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.colors().border)))
            painter.setBrush(QColor(theme.colors().raised))
            for box in self._code_boxes(document):
                if box.intersects(QRectF(event.rect())):
                    painter.drawRoundedRect(box, 6, 6)
            painter.end()
        super().paintEvent(event)

    def _code_boxes(self, document: ManualDocument) -> list[QRectF]:
        layout = document.documentLayout()
        scrolled = self.verticalScrollBar().value()
        boxes = []
        for first, last in document.code_blocks:
            top = layout.blockBoundingRect(document.findBlockByNumber(first)).top() - CODE_PADDING
            bottom = layout.blockBoundingRect(document.findBlockByNumber(last)).bottom() + CODE_PADDING
            boxes.append(QRectF(0.5, top - scrolled + 0.5, self.viewport().width() - 1, bottom - top))
        return boxes
