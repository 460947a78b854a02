"""Show untrusted text without interpreting it as HTML: a label class, and functions for tooltips and notifications.

By default Qt's labels, message boxes and tooltips accept HTML and load the files and network shares that it names.
Names, messages, headers and files come from other people. Labels and tooltips show them literally. Notifications
show ``‹`` for ``<``, because Linux desktops interpret HTML in them. ``plain_text_dialogs`` has the dialogs. The
linter bans the Qt classes; ``tests/ui/test_plain_text.py`` checks the rest.
"""

from typing import Any, Protocol

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QToolTip, QWidget  # noqa: TID251
from typing_extensions import override

MAX_TOOLTIP_CHARS = 2_000
MAX_LABEL_CHARS = 5_000


class HasToolTip(Protocol):
    """A widget, an action, a tray icon or an item of a view."""

    def setToolTip(self, text: str, /) -> None:
        """Set the tooltip; Qt interprets it as HTML if it looks like HTML."""


class PlainTextLabel(QLabel):
    """A label that never interprets its text as HTML, and shows the beginning of a text that is very long.

    A screen reader says its accessible name, if it has one, and its text: "Number of rows: 12 rows shown".
    """

    def __init__(self, text: str = "", **properties: Any) -> None:
        super().__init__(textFormat=Qt.TextFormat.PlainText, **properties)
        self._name = ""
        self.setText(text)

    @override
    def setText(self, text: str) -> None:
        """Show ``text``, cut at ``MAX_LABEL_CHARS``: Qt lays out a long line in quadratic time."""
        super().setText(text if len(text) <= MAX_LABEL_CHARS else text[:MAX_LABEL_CHARS] + " …")
        self._update_name()

    @override
    def setAccessibleName(self, name: str) -> None:
        """Set what the text is about. By itself, Qt would read the name instead of the text."""
        self._name = name
        self._update_name()

    def _update_name(self) -> None:
        if self._name:
            super().setAccessibleName(f"{self._name}: {self.text()}" if self.text() else self._name)


def tooltip_text(text: str) -> str:
    """Return ``text`` in the form that a Qt tooltip shows literally, cut at ``MAX_TOOLTIP_CHARS``."""
    if len(text) > MAX_TOOLTIP_CHARS:
        text = text[:MAX_TOOLTIP_CHARS] + " …"
    if "<" not in text and "&" not in text:
        return text
    from html import escape  # the window is painted without it

    return f'<p style="white-space:pre-wrap">{escape(text)}</p>'


def set_tooltip(target: HasToolTip, text: str) -> None:
    """Give ``target`` a tooltip that shows ``text`` literally."""
    target.setToolTip(tooltip_text(text))


def show_tooltip(place: QPoint, text: str, widget: QWidget) -> None:
    """Show ``text`` literally as a tooltip at a place on the screen, or hide the tooltip if it is empty."""
    QToolTip.showText(place, tooltip_text(text), widget)


def notification_text(text: str) -> str:
    """Return ``text`` for a desktop notification or a tray tooltip.

    Linux desktops interpret both as HTML, Windows and macOS do not. Without a less-than sign there is no tag.
    """
    return text.replace("<", "‹")


def without_mnemonics(text: str) -> str:
    """Return ``text`` for a button, a menu or a label with a buddy, where an ampersand would mark a key."""
    return text.replace("&", "&&")
