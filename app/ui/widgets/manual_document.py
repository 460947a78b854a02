"""Lay out a page of the manual, which is Markdown, as a text document in the colours of the theme.

Nothing is loaded from outside: HTML in a page is shown as text, and the only resources are the manual's pictures.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QPainter,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFragment,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from typing_extensions import override

from app.manual.links import WebLink, anchors, picture_file, resolve
from app.manual.pages import Page
from app.ui import theme
from app.ui.plain_text import set_tooltip

FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML

CODE_PIXELS = 13
"""Font size of code, in pixels. The style sheet sets that of plain text."""
INDENT = 24.0
TOP_MARGIN = 16.0
BOTTOM_MARGIN = 32.0
LINE_HEIGHT = 145.0
"""In percent, like the next two line heights."""
CELL_LINE_HEIGHT = 125.0
CODE_LINE_HEIGHT = 130.0
PROPORTIONAL = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
FIXED = QTextBlockFormat.LineHeightTypes.FixedHeight.value
CODE_PADDING = 10.0
CELL_PADDING = 7.0
GAP = 10.0
"""Space between two paragraphs, in pixels."""
PICTURE = "\ufffc"
"""The character that represents a picture in the text of a block."""
NOTHING = QImage(1, 1, QImage.Format.Format_ARGB32)
NOTHING.fill(Qt.GlobalColor.transparent)


@dataclass(frozen=True)
class Heading:
    """The format of a heading, in pixels: its font size, and the space above and below it."""

    pixels: int
    above: float
    below: float


HEADINGS = {1: Heading(24, 0, 12), 2: Heading(18, 26, 8)}
SMALL_HEADING = Heading(15, 18, 6)


class ManualDocument(QTextDocument):
    """Lay out one page. ``anchors`` and ``code_blocks`` hold the positions of its headings and its code."""

    def __init__(self, page: Page, folder: Path, font: QFont, parent: QObject) -> None:
        super().__init__(parent)
        self._folder = folder
        self._colors = theme.colors()
        self.anchors: dict[str, int] = {}
        """The position of each heading, by its anchor."""
        self.code_blocks: list[tuple[int, int]] = []
        """The numbers of the first and the last text block of each block of code."""
        self._pictures: dict[int, tuple[str, QImage]] = {}
        """The name and the picture at each position that has one."""
        self.setUndoRedoEnabled(False)
        self.setDefaultFont(font)
        self.setDocumentMargin(0)
        self.setIndentWidth(INDENT)
        self.setMarkdown(page.text, FEATURES)
        whole = self.rootFrame().frameFormat()
        whole.setTopMargin(TOP_MARGIN)
        whole.setBottomMargin(BOTTOM_MARGIN)
        self.rootFrame().setFrameFormat(whole)
        self._place_pictures()
        self._format_tables()
        self._format_blocks()
        self._format_fragments(page.name)

    @override
    def loadResource(self, kind: int, name: QUrl | str) -> QImage:
        """Return a picture of the manual, or an empty one. If this returned None, Qt would read any file."""
        file = picture_file(self._folder, QUrl(name).toString(), dark=self._colors is theme.DARK)
        picture = QImage(str(file)) if file and kind == QTextDocument.ResourceType.ImageResource else QImage()
        return NOTHING if picture.isNull() else picture

    def fit_pictures(self, width: int, pixel_ratio: float) -> None:
        """Scale the pictures to at most ``width``. Qt's own scaling is not smooth."""
        for position, (name, picture) in self._pictures.items():
            size = picture.size()
            if size.width() > width:
                size.scale(width, size.height(), Qt.AspectRatioMode.KeepAspectRatio)
            pixels = (size * pixel_ratio).boundedTo(picture.size())
            smooth = Qt.TransformationMode.SmoothTransformation
            shown = picture.scaled(pixels, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
            shown = shown.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
            painter = QPainter(shown)  # draw a frame, because pictures of the window have the page's colour
            painter.setPen(QColor(self._colors.border))
            painter.drawRect(shown.rect().adjusted(0, 0, -1, -1))
            painter.end()
            self.addResource(QTextDocument.ResourceType.ImageResource, QUrl(name), shown)
            cursor = self._select(position, 1)
            form = cursor.charFormat().toImageFormat()
            form.setWidth(size.width())
            form.setHeight(size.height())
            cursor.setCharFormat(form)

    def code(self, number: int) -> str:
        """Return the text of one of the ``code_blocks``."""
        first, last = self.code_blocks[number]
        return "\n".join(self.findBlockByNumber(each).text() for each in range(first, last + 1))

    def _blocks(self) -> Iterator[QTextBlock]:
        block = self.begin()
        while block.isValid():
            yield block
            block = block.next()

    def _fragments(self) -> Iterator[tuple[QTextBlock, QTextFragment]]:
        """Yield each piece of text in one format, with the text block that it is in."""
        for block in self._blocks():
            for each in cast(Iterable[QTextBlock.iterator], block):
                yield block, each.fragment()

    def _select(self, position: int, length: int) -> QTextCursor:
        cursor = QTextCursor(self)
        cursor.setPosition(position)
        cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _place_pictures(self) -> None:
        """Load the pictures of the page. Replace pictures that are not the manual's with their descriptions."""
        pieces = [(each.position(), each.charFormat()) for _, each in self._fragments()]
        for position, form in reversed([each for each in pieces if each[1].isImageFormat()]):
            name = form.toImageFormat().name()
            if not picture_file(self._folder, name):
                description = form.property(QTextFormat.Property.ImageAltText) or name
                self._select(position, 1).insertText(f"[Picture: {description}]", QTextCharFormat())
        for _, piece in self._fragments():
            if piece.charFormat().isImageFormat():
                name = piece.charFormat().toImageFormat().name()
                picture = self.loadResource(QTextDocument.ResourceType.ImageResource.value, name)
                self._pictures[piece.position()] = (name, picture)

    def _format_tables(self) -> None:
        for table in self.rootFrame().childFrames():
            if isinstance(table, QTextTable):
                self._format_table(table)

    def _format_table(self, table: QTextTable) -> None:
        """Draw lines between the rows only."""
        corner = table.cellAt(0, 0)
        start = corner.firstCursorPosition()
        if not start.block().text() and start.block() != corner.lastCursorPosition().block():
            start.deleteChar()  # Qt begins a table that follows code with an empty line
        after_code = is_code(self.findBlock(table.firstPosition() - 2))
        form = table.format()
        form.setBorder(0)
        form.setBorderCollapse(True)
        form.setCellSpacing(0)
        form.setCellPadding(CELL_PADDING)
        form.setTopMargin(GAP / 2 + (CODE_PADDING + GAP if after_code else 0))
        form.setBottomMargin(GAP * 2)
        form.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
        table.setFormat(form)
        for row in range(table.rows()):
            for column in range(table.columns()):
                cell = table.cellAt(row, column)
                look = cell.format().toTableCellFormat()
                look.setBottomBorder(1)
                look.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
                look.setBottomBorderBrush(QColor(self._colors.border))
                if row == 0:
                    look.setBackground(QColor(self._colors.raised))
                cell.setFormat(look)
                if row == 0:
                    bold = QTextCharFormat()
                    bold.setFontWeight(QFont.Weight.DemiBold)
                    first, last = cell.firstPosition(), cell.lastPosition()
                    self._select(first, last - first).mergeCharFormat(bold)

    def _format_blocks(self) -> None:
        headings = []
        code: list[QTextBlock] = []
        for block in self._blocks():
            if is_code(block):
                code.append(block)
                continue
            self._format_code(code)
            code = []
            if block.blockFormat().headingLevel():
                headings.append(block)
            self._format_block(block)
        self._format_code(code)
        positions = [block.position() for block in headings]
        self.anchors = dict(zip(anchors(block.text() for block in headings), positions, strict=True))

    def _format_block(self, block: QTextBlock) -> None:
        form = block.blockFormat()
        in_table = QTextCursor(block).currentTable() is not None
        above, below = 0.0, 0.0 if in_table else GAP / 2 if block.textList() else GAP
        if form.headingLevel():
            look = look_of(form.headingLevel())
            above, below = look.above if block.position() else 0.0, look.below
        elif form.hasProperty(QTextFormat.Property.BlockTrailingHorizontalRulerWidth):
            form.setBackground(QColor(self._colors.border))  # the colour of the line
        form.setTopMargin(above)
        form.setBottomMargin(below)
        if not block.text() and not in_table:  # Qt adds an empty line below each table
            form.setBottomMargin(0)
            form.setLineHeight(1, FIXED)
        elif PICTURE not in block.text():  # a line with a picture is high enough
            form.setLineHeight(CELL_LINE_HEIGHT if in_table else LINE_HEIGHT, PROPORTIONAL)
        QTextCursor(block).setBlockFormat(form)

    def _format_code(self, blocks: list[QTextBlock]) -> None:
        """Add margins for the box that the view paints around a block of code."""
        if not blocks:
            return
        self.code_blocks.append((blocks[0].blockNumber(), blocks[-1].blockNumber()))
        for block in blocks:
            form = block.blockFormat()
            form.setNonBreakableLines(False)
            form.setLeftMargin(CODE_PADDING + 4)
            form.setRightMargin(CODE_PADDING + 4)
            form.setTopMargin(CODE_PADDING + GAP if block == blocks[0] else 0)
            form.setBottomMargin(CODE_PADDING + GAP * 1.5 if block == blocks[-1] else 0)
            form.setLineHeight(CODE_LINE_HEIGHT, PROPORTIONAL)
            QTextCursor(block).setBlockFormat(form)

    def _format_fragments(self, page: str) -> None:
        pieces = [(block, each.position(), each.length(), each.charFormat()) for block, each in self._fragments()]
        for block, position, length, form in pieces:
            if not form.isImageFormat():
                self._select(position, length).setCharFormat(self._format_text(form, block, page))

    def _format_text(self, form: QTextCharFormat, block: QTextBlock, page: str) -> QTextCharFormat:
        """Return the format of a piece of text in the fonts and colours of the manual."""
        level = block.blockFormat().headingLevel()
        if level:
            form.clearProperty(QTextFormat.Property.FontSizeAdjustment)
            form.setProperty(QTextFormat.Property.FontPixelSize, look_of(level).pixels)
            form.setFontWeight(QFont.Weight.DemiBold)
        if is_code(block) or form.fontFixedPitch():
            form.setFontFamilies(theme.mono().families())
            if not level:
                form.setProperty(QTextFormat.Property.FontPixelSize, CODE_PIXELS)
            if not is_code(block):
                form.setBackground(QColor(self._colors.hover))
        if block.blockFormat().hasProperty(QTextFormat.Property.BlockQuoteLevel):
            form.setForeground(QColor(self._colors.muted))
        if form.isAnchor():
            form.setForeground(QColor(self._colors.accent))
            form.setFontUnderline(False)
            link = resolve(page, form.anchorHref())
            set_tooltip(form, f"{link.url} (opens in the browser)" if isinstance(link, WebLink) else "")
        return form


def look_of(level: int) -> Heading:
    """Return the format of headings of a level."""
    return HEADINGS.get(level, SMALL_HEADING)


def is_code(block: QTextBlock) -> bool:
    """Return whether a text block is a line of a code block."""
    code = (QTextFormat.Property.BlockCodeFence, QTextFormat.Property.BlockCodeLanguage)
    return any(block.blockFormat().hasProperty(each) for each in code)
