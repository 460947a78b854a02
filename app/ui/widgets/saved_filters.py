"""The button with the menu of saved filters of the log: choose one, or save, rename or delete the one in use.
In a filter, ``@NAME`` stands for a saved one. The changed filters are emitted; the window writes them to the
settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QPushButton

from app.hub import saved_filters
from app.hub.filter_text import reference
from app.protocol.errors import RequestError
from app.ui.plain_text import set_tooltip, without_mnemonics
from app.ui.widgets.accessible_names import named

if TYPE_CHECKING:
    from app.ui.widgets.name_dialog import NameDialog

TIP = "Choose or save a filter. On the command line: companion journal --filter @NAME"
HINT = "Name of the filter. In a filter and on the command line, @NAME stands for it."
MAX_TITLE_CHARS = 16
MAX_FILTER_CHARS = 48


class SavedFiltersButton(QPushButton):
    """A button with the menu. Call ``show_saved`` and ``show_text`` when the filters or the text change."""

    chosen = Signal(str)
    """Emitted with the text of a filter that the user has chosen."""
    changed = Signal(object)
    """Emitted with all filters, as a dictionary, when the user has changed them, to save them."""
    status_message = Signal(str)

    def __init__(self, in_use: Callable[[], Mapping[str, str]]) -> None:
        """``in_use`` returns the filters of the settings."""
        super().__init__()
        self._in_use = in_use
        named(self, "Saved filters", style_id="menuButton")
        self._saved: Mapping[str, str] = {}
        self._text = ""
        self._choices = QMenu(self)
        self._choices.aboutToShow.connect(self._fill)
        self.setMenu(self._choices)
        self._show_title()

    def show_saved(self, saved: Mapping[str, str]) -> None:
        """Show these filters."""
        self._saved = saved
        self._show_title()

    def show_text(self, text: str) -> None:
        """Set the filter in use."""
        self._text = text.strip()
        self._show_title()

    @property
    def current(self) -> str:
        """The name of the filter in use, or an empty text if it is not saved."""
        return next((name for name, text in self._saved.items() if self._text in (text, reference(name))), "")

    def save(self) -> None:
        """Ask for a name and save the filter in use."""
        try:
            text = saved_filters.valid_text(self._text)
        except RequestError as error:
            self.status_message.emit(str(error))
            return

        def check(name: str) -> str:
            saved_filters.saved(self._saved, name, text)
            return f"This replaces the saved filter {name}: {self._saved[name]}" if name in self._saved else ""

        def save_as(name: str) -> None:
            self._change(lambda: saved_filters.saved(self._saved, name, text), f"Saved the filter as {name}")

        self._ask("Save filter", "", check).chosen.connect(save_as)

    def rename(self) -> None:
        """Ask for another name of the filter in use."""
        old = self.current

        def rename_to(name: str) -> None:
            message = f"The filter {old} is now {name}"
            in_field = self._text == reference(old)
            if self._change(lambda: saved_filters.renamed(self._saved, old, name), message) and in_field:
                self.chosen.emit(reference(name))

        def check(name: str) -> str:
            saved_filters.renamed(self._saved, old, name)
            return ""

        self._ask("Rename filter", old, check).chosen.connect(rename_to)

    def delete(self) -> None:
        """Delete the filter in use. Its text stays in the filter field, from where it can be saved again."""
        name = self.current
        text, in_field = self._saved.get(name, ""), self._text == reference(name)
        message = f"Deleted the saved filter {name}. Its text is still in the filter field."
        if self._change(lambda: saved_filters.deleted(self._saved, name), message) and in_field:
            self.chosen.emit(text)

    def _ask(self, title: str, name: str, check: Callable[[str], str]) -> NameDialog:
        from app.ui.widgets.name_dialog import NameDialog

        dialog = NameDialog(
            self.window(),
            title,
            name,
            check,
            valid_name=saved_filters.valid_name,
            hint=HINT,
            label="Name of the filter",
        )
        dialog.open()
        return dialog

    def _change(self, change: Callable[[], dict[str, str]], message: str) -> bool:
        """Change the filters and return True, unless they cannot be saved.

        Also return False if a script has changed them meanwhile so that this is not possible.
        """
        try:
            saved = change()
        except RequestError as error:
            self.status_message.emit(str(error))
            return False
        self.changed.emit(saved)
        if self._in_use() != saved:
            return False
        self.show_saved(saved)
        self.status_message.emit(message)
        return True

    def _show_title(self) -> None:
        current = self.current
        shown = current if len(current) <= MAX_TITLE_CHARS else f"{current[: MAX_TITLE_CHARS - 1]}…"
        self.setText(without_mnemonics(shown) or "Saved")
        self.setAccessibleName(f"Saved filters: {current}" if current else "Saved filters")
        set_tooltip(self, f"{current}: {self._saved[current]}\n{TIP}" if current else TIP)

    def _fill(self) -> None:
        menu, current = self._choices, self.current
        menu.clear()
        for name, text in self._saved.items():
            shown = text if len(text) <= MAX_FILTER_CHARS else f"{text[: MAX_FILTER_CHARS - 1]}…"
            action = menu.addAction(f"{without_mnemonics(name)}\t{without_mnemonics(shown)}")
            action.setCheckable(True)
            action.setChecked(name == current)
            action.triggered.connect(lambda _, text=text: self.chosen.emit(text))
        if not self._saved:
            menu.addAction("No filter is saved yet").setEnabled(False)
        menu.addSeparator()
        save = menu.addAction("Save this filter …", self.save)
        save.setEnabled(bool(self._text) and not current)
        if current:
            menu.addAction(f"Rename {without_mnemonics(current)} …", self.rename)
            menu.addAction(f"Delete {without_mnemonics(current)}", self.delete)
