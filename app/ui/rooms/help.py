"""The Help room: shows the manual, with a table of contents, a search, and Back and Forward.
F1 opens it at the page about the part of the window that has the keyboard focus, or about the current room.
``app/manual`` reads and searches the pages; this room shows them and the results.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSplitter, QStackedWidget, QVBoxLayout, QWidget
from typing_extensions import override

from app.manual.history import ReadingHistory, Visit
from app.manual.links import WebLink, resolve
from app.manual.pages import INDEX, Manual, ManualMissing, installed
from app.manual.search import SearchIndex
from app.protocol.counts import count
from app.ui import theme
from app.ui.browser import open_in_browser
from app.ui.icons import ui_icon
from app.ui.keys import IN_CHILDREN, Shortcut
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.manual_browser import ManualBrowser
from app.ui.widgets.page_list import PageList

if TYPE_CHECKING:
    from app.ui.window import MainWindow

TO_THE_LIST = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
BACK, FORWARD = -1, 1


def create(window: "MainWindow") -> "HelpRoom":
    """Build the room and connect it to the window."""
    room = HelpRoom(window.manual)
    room.first_steps.clicked.connect(lambda: window.show_first_steps())
    room.disconnects.append(window.companion.catalog_changed.connect(lambda _: room.update_generated()))
    return room


class HelpRoom(FocusStart):
    """A list of pages with a search field, and a browser. The manual is read when the room is first shown."""

    status_message = Signal(str)

    def __init__(self, manual: Manual | None = None) -> None:
        super().__init__()
        self._manual = manual or installed()
        self._history = ReadingHistory()
        self.disconnects: list[Callable[[], None]] = []
        """Called when the room closes."""
        self.search = named(
            LineEdit(limit=200, placeholder="Search the manual", clear_button=True),
            "Search the manual",
            tip="Ctrl+F. Press Enter to open the selected page, Esc to clear the search.",
        )
        self.found = named(PlainTextLabel(wordWrap=True), "Number of pages found", style_id="muted")
        self.pages = PageList()
        self.back = named(QPushButton(), "Back", style_id="flat", tip="Back (Alt+Left)")
        self.forward = named(QPushButton(), "Forward", style_id="flat", tip="Forward (Alt+Right)")
        self.first_steps = named(
            QPushButton("First steps"), "First steps", style_id="flat", tip="Show the panel of the first start"
        )
        self.where = named(PlainTextLabel(), "Current page", style_id="muted")
        self.browser = ManualBrowser()
        self.missing = EmptyState("help", "The manual is not installed")
        self.body = QStackedWidget()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.start_at(self.browser)
        self._lay_out()
        self._connect()
        self.recolor()

    def _lay_out(self) -> None:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(16, 12, 8, 12)
        column.setSpacing(8)
        column.addWidget(self.search)
        column.addWidget(self.found)
        column.addWidget(self.pages, 1)
        self.found.hide()
        side.setMinimumWidth(180)
        top = QHBoxLayout()
        top.setContentsMargins(12, 10, 16, 8)
        top.setSpacing(4)
        for button in (self.back, self.forward):
            button.setIconSize(QSize(16, 16))
            top.addWidget(button)
        top.addSpacing(8)
        top.addWidget(self.where, 1)
        top.addWidget(self.first_steps)
        page = QWidget()
        page.setMinimumWidth(320)
        right = QVBoxLayout(page)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addLayout(top)
        right.addWidget(self.browser, 1)
        self.splitter.addWidget(side)
        self.splitter.addWidget(page)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        self.splitter.setSizes([240, 700])
        self.body.addWidget(self.splitter)
        self.body.addWidget(self.missing)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.body)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._find)
        self.search.returnPressed.connect(self.pages.choose_current)
        self.search.installEventFilter(self)
        self.pages.chosen.connect(self._open_chosen)
        self.back.clicked.connect(lambda: self._step(BACK))
        self.forward.clicked.connect(lambda: self._step(FORWARD))
        self.browser.stepped.connect(self._step)
        self.browser.link_clicked.connect(self._follow)
        self.browser.copied.connect(lambda: self.status_message.emit("Copied the code"))
        for key, step in (("Alt+Left", BACK), ("Alt+Right", FORWARD)):
            Shortcut(key, self, partial(self._step, step), IN_CHILDREN, repeats=True)

    def close_down(self) -> None:
        """Stop following the events in use."""
        for disconnect in self.disconnects:
            disconnect()

    @property
    def layout_parts(self) -> dict[str, QSplitter]:
        """The parts whose sizes the window saves."""
        return {"help/halves": self.splitter}

    @property
    def page(self) -> str:
        """The name of the current page, or an empty string if no page was shown yet."""
        return self._history.current.page if self._history.current else ""

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.back.setIcon(ui_icon("back", theme.colors().muted))
        self.forward.setIcon(ui_icon("forward", theme.colors().muted))
        self.missing.recolor()
        if self._history.current:
            self._show(self._history.current, self.browser.verticalScrollBar().value())

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Show the index the first time, and try again if the manual could not be read."""
        super().showEvent(event)
        if not self._history.current or self.body.currentWidget() is self.missing:
            self.open_page(self.page or INDEX)

    # pages

    def open_page(self, name: str, anchor: str = "") -> None:
        """Show a page, scrolled to the heading ``anchor`` if it is set. If the page is missing, emit a message."""
        try:
            self._manual.page(name)
            self._list_pages()
        except KeyError:
            self.status_message.emit(f"The manual has no page {name!r}.")
            return
        except ManualMissing as error:
            self._show_missing(str(error))
            return
        visit = Visit(name, anchor)
        self._history.go(visit, self.browser.verticalScrollBar().value())
        self._show(visit)

    def update_generated(self) -> None:
        """Show the current page again if its text is generated, and search in its new text from now on."""
        self.__dict__.pop("_index", None)
        if self._history.current and self._manual.is_generated(self.page):
            self._show(self._history.current, self.browser.verticalScrollBar().value())

    def open_page_about(self, topic: str) -> None:
        """Show the page about a room, or the index if the room has no page."""
        try:
            self.open_page(self._manual.name_about(topic) or INDEX)
        except ManualMissing as error:
            self._show_missing(str(error))

    def _show(self, visit: Visit, scrolled: int | None = None) -> None:
        page = self._manual.page(visit.page)
        self.body.setCurrentWidget(self.splitter)
        self.start_at(self.browser)
        self.browser.show_page(page, self._manual.folder)
        self.browser.mark(self._words)
        if scrolled is not None:
            self.browser.verticalScrollBar().setValue(scrolled)
        elif visit.anchor and not self.browser.scroll_to(visit.anchor):
            self.status_message.emit(f"{page.title} has no section {visit.anchor!r}.")
        group = self._manual.group_of(page.name)
        self.where.setText(f"{group} › {page.title}" if group else page.title)
        self.back.setEnabled(self._history.can_go_back)
        self.forward.setEnabled(self._history.can_go_forward)
        if not self._words:
            self.pages.select(page.name)

    def _show_missing(self, why: str) -> None:
        self.missing.show_text("The manual is not installed", why)
        self.body.setCurrentWidget(self.missing)
        self.start_at(self.missing)

    def _step(self, by: int) -> None:
        """Go back or forward in the history, and restore the scroll position."""
        visit = self._history.step(by, self.browser.verticalScrollBar().value())
        if visit is not None:
            self._show(visit, visit.scrolled)
            if not (self.back if by == BACK else self.forward).isEnabled():
                self.browser.setFocus()  # otherwise Qt moves the focus from the disabled button to another widget

    def _follow(self, target: str) -> None:
        link = resolve(self.page, target)
        if isinstance(link, WebLink):
            opened = open_in_browser(link.url)
            self.status_message.emit(f"{'Opened' if opened else 'No browser opened'} {link.url}")
        elif link is None:
            self.status_message.emit(f"{target} is not a page of the manual.")
        else:
            self.open_page(link.page, link.anchor)

    # the list and the search

    @cached_property
    def _index(self) -> SearchIndex:
        names = [entry.name for entry in self._manual.entries]
        return SearchIndex(self._manual.page(name) for name in names if name != INDEX)  # it only links the others

    @property
    def _words(self) -> Sequence[str]:
        return self.search.text().split()

    def _list_pages(self) -> None:
        if not self.pages.count() and not self._words:
            self.pages.show_contents(self._manual.groups)

    def focus_search(self) -> None:
        """Give the search field the keyboard focus, and select its text."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _find(self, query: str) -> None:
        if not self._words:
            self.pages.clear()
            self._list_pages()
            self.pages.select(self.page)
        else:
            try:
                hits = self._index.find(query)
            except ManualMissing as error:
                self._show_missing(str(error))
                return
            self.pages.show_hits(hits)
            self.found.setText(_count(len(hits), query.strip()))
        self.found.setVisible(bool(self._words))
        self.browser.mark(self._words)

    def _open_chosen(self, page: str, anchor: str) -> None:
        self.open_page(page, anchor)
        self.browser.setFocus()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the search field, move in the list with the arrow keys, and clear the search with Esc."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in TO_THE_LIST:
                self.pages.keyPressEvent(event)
                return True
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
        return super().eventFilter(watched, event)


def _count(pages: int, query: str) -> str:
    if not pages:
        return f"No page contains “{query}”"
    return count(pages, "page")
