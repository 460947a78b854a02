"""Classes for keyboard shortcuts and actions whose key triggers once when it is held down. Qt's would be triggered
again and again. The linter bans those.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut  # noqa: TID251
from PySide6.QtWidgets import QWidget

IN_WIDGET = Qt.ShortcutContext.WidgetShortcut
"""The key works while the widget itself has the keyboard focus."""
IN_CHILDREN = Qt.ShortcutContext.WidgetWithChildrenShortcut
"""The key works while the widget or something in it has the keyboard focus."""
IN_WINDOW = Qt.ShortcutContext.WindowShortcut
"""The key works in the whole window of the widget."""


class Shortcut(QShortcut):
    """Calls ``act`` when ``key`` is pressed. ``repeats`` is for keys that move something, such as a selection."""

    def __init__(
        self,
        key: str,
        parent: QWidget,
        act: Callable[[], object],
        context: Qt.ShortcutContext = IN_WINDOW,
        *,
        repeats: bool = False,
    ) -> None:
        super().__init__(QKeySequence(key), parent)
        self.setContext(context)
        self.setAutoRepeat(repeats)
        self.activated.connect(act)


class Action(QAction):
    """An entry of menus, which calls ``act``. Its key works in the widgets to which it is added."""

    def __init__(
        self,
        title: str,
        parent: QObject,
        act: Callable[[], object],
        key: str | QKeySequence.StandardKey = "",
        context: Qt.ShortcutContext = IN_WIDGET,
    ) -> None:
        super().__init__(title, parent)
        self.setShortcut(QKeySequence(key))
        self.setShortcutContext(context)
        self.setAutoRepeat(False)
        self.triggered.connect(act)
