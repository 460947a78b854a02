"""The command palette (Ctrl+K): search a list of commands, or type a sentence such as "alice says hi", and run it.
This is the dialog and its search. ``palette_commands`` collects the commands and opens it.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainterPath, QRegion, QResizeEvent
from PySide6.QtWidgets import QDialog, QFrame, QStackedWidget, QVBoxLayout, QWidget
from typing_extensions import override

from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.palette_list import PaletteList

SIZE = QSize(620, 460)
FROM_TOP = 56
"""Distance from the top of the window, in pixels."""
RADIUS = 10
"""Radius of the corners, as in the style sheet."""
MAX_RECENT = 5
PAGE = 8
"""Page Up and Page Down move by this many commands."""
STEPS = {
    Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -PAGE, Qt.Key.Key_PageDown: PAGE,
}  # fmt: skip


class Section(StrEnum):
    """The sections of the palette, in the order in which they are shown."""

    RECENT = "Recent"
    FRIENDS = "Friends"
    ACTIONS = "Actions"
    FIXTURES = "Fixtures"
    SCENARIOS = "Scenarios"
    SETTINGS = "Settings"
    HELP = "Help"


class Command(NamedTuple):
    """An action of the palette. The search looks at ``title``, ``hint`` and ``keywords``."""

    title: str
    act: Callable[[], object]
    hint: str = ""
    """A shortcut, a name or a state, shown at the right."""
    section: Section = Section.ACTIONS
    keywords: str = ""
    browsable: bool = True
    """Whether to list the command while nothing is searched."""
    completion: str = ""
    """If not empty, choosing the command puts this text into the search line instead of calling ``act``."""
    name: str = ""
    """The name of what the command is about, if another command may have the same title."""

    @property
    def key(self) -> str:
        """What is remembered of the command when it was used."""
        return f"{self.title}\n{self.name}" if self.name else self.title


Parse = Callable[[str], Command | None]
"""Returns the command for a typed sentence such as "alice says hi", or None."""
Sections = list[tuple[Section, list[Command]]]


def matching(commands: Sequence[Command], words: str) -> list[Command]:
    """Return the commands that contain every word; those whose title begins with the first word come first."""
    wanted = words.casefold().split()

    def contains_all(each: Command) -> bool:
        text = f"{each.title} {each.hint} {each.keywords}".casefold()
        return all(word in text for word in wanted)

    return sorted(filter(contains_all, commands), key=lambda each: not _begins(each, wanted))


def _begins(command: Command, wanted: Sequence[str]) -> bool:
    return bool(wanted) and command.title.casefold().startswith(wanted[0])


def arrange(
    commands: Sequence[Command], words: str, recent: Sequence[str] = (), parse: Parse | None = None
) -> Sections:
    """Return the sections to show for a search.

    Without words, the commands with the keys ``recent`` come first and are not listed again. With words, the
    command that ``parse`` returns comes first, then the sections in which a command begins with the first word.
    """
    understand = parse or (lambda _: None)
    wanted = words.casefold().split()
    if not wanted:
        by_key = {each.key: each for each in commands}
        again = [by_key.get(key) or understand(key) for key in recent]
        latest = [each._replace(section=Section.RECENT) for each in again if each][:MAX_RECENT]
        listed = {each.key for each in latest}
        return _by_section([*latest, *(each for each in commands if each.browsable and each.key not in listed)])
    found = matching(commands, words)
    best = {each.section for each in found if _begins(each, wanted)}
    if sentence := understand(words):
        found, best = [sentence, *found], {sentence.section}
    return _by_section(found, sorted(Section, key=lambda each: each not in best))


def _by_section(commands: Sequence[Command], order: Sequence[Section] = tuple(Section)) -> Sections:
    sections = [(section, [each for each in commands if each.section is section]) for section in order]
    return [(section, inside) for section, inside in sections if inside]


class Palette(QDialog):
    """A search line above a list of commands; Enter runs the selected one. Call ``present()``; it does not block.

    It closes when another window becomes active, for example after a click beside it.
    """

    def __init__(
        self,
        parent: QWidget,
        commands: Sequence[Command],
        *,
        recent: Sequence[str] = (),
        used: Callable[[str], object] = lambda _: None,
        parse: Parse | None = None,
    ) -> None:
        """``recent`` has the keys of the commands used last; ``used`` gets the key of the chosen one."""
        super().__init__(parent, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self._over = parent
        self._commands = commands
        self._recent = recent
        self._used = used
        self._parse = parse
        self.found: list[Command] = []
        """The commands in the list, in order."""
        self.setWindowTitle("Commands")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)  # for the rounded corners
        self.search = named(
            LineEdit(limit=2_000, placeholder="Search, or type “bob online” or “alice says hi”"),
            "Search commands",
            style_id="paletteSearch",
        )
        self.list = PaletteList()
        self.empty = EmptyState("search", "Nothing found")
        self._body = QStackedWidget()
        self._body.addWidget(self.list)
        self._body.addWidget(self.empty)
        self._lay_out()
        self.search.textChanged.connect(self._show)
        self.search.returnPressed.connect(self._run_selected)
        self.search.installEventFilter(self)
        self.list.chosen.connect(self._run_selected)
        self._show("")

    def _lay_out(self) -> None:
        card = QFrame()
        card.setObjectName("paletteCard")
        column = QVBoxLayout(card)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        hint = PlainTextLabel("↑ ↓ to select · Enter to run · Esc to close")
        hint.setObjectName("paletteFoot")
        for widget in (self.search, self._body, hint):
            column.addWidget(widget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(card)

    def present(self) -> None:
        """Show the palette at the top of its parent, in the middle."""
        place = self._over
        self.resize(SIZE.boundedTo(place.size() - QSize(80, 2 * FROM_TOP)))
        self.move(place.mapToGlobal(QPoint((place.width() - self.width()) // 2, FROM_TOP)))
        self.show()
        self.activateWindow()
        self.search.setFocus()

    @override
    def done(self, result: int) -> None:
        active = self.isActiveWindow()
        super().done(result)
        if active:  # not every window manager gives the focus back to the window below
            self._over.activateWindow()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if QGuiApplication.platformName() == "xcb":  # without a compositor, transparent corners would be black
            outline = QPainterPath()
            outline.addRoundedRect(QRectF(self.rect()), RADIUS - 2, RADIUS - 2)
            self.setMask(QRegion(outline.toFillPolygon().toPolygon()))

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.WindowDeactivate and self.isVisible():
            self.reject()
        return super().event(event)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move the list's selection with the arrow keys while the search line has the focus."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = STEPS.get(Qt.Key(event.key()))
            if step:
                self.list.move_selection(step)
                return True
        return super().eventFilter(watched, event)

    def _show(self, words: str) -> None:
        sections = arrange(self._commands, words, self._recent, self._parse)
        self.found = [each for _, commands in sections for each in commands]
        self.list.show_sections(
            [(section, [(each.title, each.hint) for each in inside]) for section, inside in sections]
        )
        searched = words.strip()
        self.empty.show_text(
            f"Nothing found for “{searched if len(searched) <= 60 else searched[:60] + ' …'}”",
            "Search for a room, a friend, a fixture, a setting or a page of the manual.",
        )
        self._body.setCurrentWidget(self.list if self.found else self.empty)

    def _run_selected(self) -> None:
        number = self.list.selected
        if number is None or not self.isVisible():  # a click may also activate the item
            return
        chosen = self.found[number]
        if chosen.completion:
            self.search.setText(chosen.completion)
            self.search.setFocus()
            return
        self._used(chosen.key)
        self.accept()
        chosen.act()
