"""Filter chips above the log: buttons that switch frequent terms of its filter, such as ``dir:s2c``, on and off.
*All* clears the filter; *Event* and *Client* have menus. The filter's text alone decides which chips are checked.
"""

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QIcon, QResizeEvent, QShowEvent  # noqa: TID251
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget
from typing_extensions import override

from app.hub.filter_text import EXACT, can_be_value, event_value, toggle, tokens, values, with_values
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.log_text import with_user
from app.ui.plain_text import set_tooltip, without_mnemonics
from app.ui.widgets.accessible_names import named

TO_UI, FROM_UI = "s2c", "c2s"
SWITCHES = (
    ("To UI ↓", "dir", TO_UI, "Show frames that were sent to the UI"),
    ("From UI ↑", "dir", FROM_UI, "Show frames and REST calls that the UI sent"),
    ("Errors", "is", "invalid", "Show frames that violate the contract, and REST calls that failed"),
    ("REST", "origin", "rest", "Show the UI's REST calls. A setting also logs its GET requests."),
)
"""Title, key, value and tooltip of the chips that switch a term on and off."""
ICON = QSize(12, 12)
MIN_CHIP_WIDTH, MAX_CHIP_WIDTH = 116, 260
"""Limits for the width of a chip with a menu. A longer title is elided."""

Choice = tuple[str, str]
"""A value and its title in the menu of a chip."""


class FilterChips(QWidget):
    """The row *All · To UI · From UI · Errors · REST · Event ▾ · Client ▾*.

    ``events`` and ``clients`` return the choices of the menus.
    """

    edited = Signal(str)
    """Emitted with the new text of the filter when the user has used a chip."""

    def __init__(
        self, events: Callable[[], Sequence[str]], clients: Callable[[], Sequence[tuple[int, str]]]
    ) -> None:
        super().__init__()
        self._text = ""
        self._events, self._clients = events, clients
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.all = _chip("All", "Show all rows: clear the filter")
        self.all.clicked.connect(lambda: self._edit(""))
        row.addWidget(self.all)
        self.switches: dict[str, QPushButton] = {}
        for title, key, value, tip in SWITCHES:
            chip = self.switches[title] = _chip(title, tip)
            chip.clicked.connect(lambda _, key=key, value=value: self._switch(key, value))
            row.addWidget(chip)
        self.event_menu = _MenuChip("Event", "Show only some events", self._fill_events)
        self.client_menu = _MenuChip("Client", "Show only some clients", self._fill_clients)
        row.addWidget(self.event_menu)
        row.addWidget(self.client_menu)
        self.recolor()
        self.show_text("")

    def show_text(self, text: str) -> None:
        """Check the chips whose terms are in the text of the filter."""
        self._text = text
        self.all.setChecked(not tokens(text))
        for title, key, value, _ in SWITCHES:
            self.switches[title].setChecked(value in values(text, key))
        self._show_values(self.event_menu, "event", lambda name: name.removeprefix(EXACT))
        names: dict[str, str] = {}
        if "client:" in text:
            names = {str(number): with_user(str(number), user) for number, user in self._clients()}
        self._show_values(self.client_menu, "client", lambda number: names.get(number, number))
        self._show_icons()

    def _show_values(self, chip: "_MenuChip", key: str, title: Callable[[str], str]) -> None:
        selected, excluded = values(self._text, key), values(self._text, key, negated=True)
        chip.show_values(list(map(title, selected)), list(map(title, excluded)))

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self._show_icons()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Reserve the width of the check mark, so that the chips do not move when one is switched."""
        super().showEvent(event)
        for chip in (self.all, *self.switches.values()):
            chip.setMinimumWidth(0)
            checked = chip.icon()
            chip.setIcon(ui_icon("check", theme.colors().accent, ICON.width()))
            chip.setMinimumWidth(chip.sizeHint().width())
            chip.setIcon(checked)

    def _show_icons(self) -> None:
        check = ui_icon("check", theme.colors().accent, ICON.width())
        for chip in (self.all, *self.switches.values(), self.event_menu, self.client_menu):
            chip.setIcon(check if chip.isChecked() else QIcon())

    def _edit(self, text: str) -> None:
        self.show_text(text)
        self.edited.emit(text)

    def _switch(self, key: str, value: str) -> None:
        """Switch a term on or off. One direction replaces the other, because no row has both."""
        selected = values(self._text, key)
        if key == "dir" and value not in selected:
            self._edit(with_values(with_values(self._text, key, (), negated=True), key, [value]))
        else:
            self._edit(toggle(self._text, key, value))

    def _fill_events(self, menu: QMenu) -> None:
        names = self._events()
        self._fill(menu, "event", "Any event", [(event_value(name, names), name) for name in names])

    def _fill_clients(self, menu: QMenu) -> None:
        connected = [(str(number), with_user(str(number), user)) for number, user in self._clients()]
        gone = [each for each in values(self._text, "client") if each not in dict(connected)]
        self._fill(menu, "client", "Any client", [*connected, *((each, f"{each} (disconnected)") for each in gone)])
        if not connected:
            menu.addAction("No client is connected").setEnabled(False)

    def _fill(self, menu: QMenu, key: str, none: str, choices: Iterable[Choice]) -> None:
        selected = values(self._text, key)
        text = with_values(with_values(self._text, key, ()), key, (), negated=True)
        _add(menu, none, text == self._text).triggered.connect(lambda: self._edit(text))
        menu.addSeparator()
        for value, title in choices:
            if can_be_value(value):
                action = _add(menu, title, value in selected)
                action.triggered.connect(lambda _, value=value: self._edit(toggle(self._text, key, value)))


class _MenuChip(QPushButton):
    """A chip whose menu selects values. It shows the selected and excluded values, or ``title`` without any.

    ``fill`` adds the actions when the menu opens.
    """

    def __init__(self, title: str, tip: str, fill: Callable[[QMenu], None]) -> None:
        super().__init__()
        self._title, self._tip, self._whole = title, tip, title
        named(self, title, style_id="chip")
        self.setProperty("menu", "true")  # the style sheet makes room for the arrow
        self.setCheckable(True)
        self.setIconSize(ICON)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._fill = fill
        self._choices = QMenu(self)
        self._choices.aboutToShow.connect(self._refill)
        self.setMenu(self._choices)
        self.show_values([], [])

    def show_values(self, selected: Sequence[str], excluded: Sequence[str]) -> None:
        """Show the values that the filter selects or excludes."""
        parts = [", ".join(selected)] if selected else []
        parts += [f"not {', '.join(excluded)}"] if excluded else []
        self._whole = "; ".join(parts) or self._title
        name = f"{self._title}: {self._whole}" if parts else self._title
        self.setChecked(bool(parts))
        self.setAccessibleName(name)
        set_tooltip(self, f"{self._tip}\n{name}" if parts else self._tip)
        self.updateGeometry()
        self._elide()

    @override
    def sizeHint(self) -> QSize:
        """Return the size for the whole title, up to a limit."""
        return QSize(min(self._width_for(self._whole), MAX_CHIP_WIDTH), super().sizeHint().height())

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(min(self._width_for(self._whole), MIN_CHIP_WIDTH), super().sizeHint().height())

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if self.isVisible() and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._elide()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._elide()

    def _width_for(self, text: str) -> int:
        """Return the width that the chip prefers with a title. It does not depend on the part that is shown now."""

        def width(title: str) -> int:  # as ``QPushButton`` does it, which rounds up
            return self.fontMetrics().size(Qt.TextFlag.TextShowMnemonic.value, title).width()

        return super().sizeHint().width() - width(self.text()) + width(without_mnemonics(text))

    def _elide(self) -> None:
        """Shorten the title to the width of the chip."""
        text, room = self._whole, self.width() - self._width_for("")
        if self.width() < self._width_for(text):  # Qt would elide a text that fits if its width is rounded down
            text = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
        self.setText(without_mnemonics(text))

    def _refill(self) -> None:
        self._choices.clear()
        self._fill(self._choices)


def _chip(title: str, tip: str) -> QPushButton:
    chip = named(QPushButton(title), f"Filter: {title}", style_id="chip", tip=tip)
    chip.setCheckable(True)
    chip.setIconSize(ICON)
    chip.setCursor(Qt.CursorShape.PointingHandCursor)
    return chip


def _add(menu: QMenu, title: str, checked: bool) -> QAction:
    action = menu.addAction(without_mnemonics(title))
    action.setCheckable(True)
    action.setChecked(checked)
    return action
