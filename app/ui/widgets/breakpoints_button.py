"""The button *Breakpoints* beside the filter of the log: its menu adds a breakpoint with that filter, and more.
A breakpoint holds matching events, client frames and REST calls until the user decides or a timeout ends. The menu
also opens the list of breakpoints, removes all, and lets held items continue. The button is highlighted while there
are breakpoints.
"""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QPushButton

from app.companion import Companion
from app.ui import theme
from app.ui.breakpoint_actions import BreakpointActions, short_filter
from app.ui.breakpoint_follower import BreakpointFollower
from app.ui.icons import ui_icon
from app.ui.plain_text import set_tooltip, without_mnemonics
from app.ui.widgets.accessible_names import named

TIP = "Hold events, frames of your UI and REST calls before they are handled"


class BreakpointsButton(QPushButton):
    """An icon that is highlighted if there are breakpoints. ``text`` returns the filter of the log."""

    list_requested = Signal()
    """Open the dialog that lists the breakpoints."""
    status_message = Signal(str)

    def __init__(self, companion: Companion, text: Callable[[], str]) -> None:
        super().__init__()
        named(self, "Breakpoints", style_id="squareMenu")
        self.setCheckable(True)
        self._filter_text = text
        self.actions_of = BreakpointActions(companion, self.status_message.emit)
        self._follower = BreakpointFollower(self, companion)
        self._follower.changed.connect(self.refresh)
        self.choices = QMenu(self)
        self.choices.setAccessibleName("Breakpoints")
        self.choices.aboutToShow.connect(self._fill)
        self.choices.aboutToHide.connect(self.refresh)
        self.setMenu(self.choices)
        self.recolor()
        self.refresh()

    def close_down(self) -> None:
        """Disconnect from the companion's signal."""
        self._follower.close_down()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.setIcon(ui_icon("breakpoint", theme.colors().muted))

    def refresh(self) -> None:
        """Show whether there are breakpoints, and in the tooltip how many."""
        number = len(self._follower.all)
        title = f"Breakpoints: {number}" if number else "Breakpoints"
        self.setChecked(number > 0)
        self.setAccessibleName(title)
        set_tooltip(self, f"{title}\n{TIP}")

    def _fill(self) -> None:
        menu, actions = self.choices, self.actions_of
        menu.clear()
        text = self._filter_text().strip()
        title = f"Break on this filter\t{without_mnemonics(short_filter(text))}" if text else "Break on everything"
        menu.addAction(title, lambda: actions.break_on(text))
        menu.addAction("Manage breakpoints …", self.list_requested.emit)
        menu.addSeparator()
        remove = menu.addAction("Remove all breakpoints", actions.remove_all)
        remove.setEnabled(bool(self._follower.all))
        resume = menu.addAction("Continue all held items", actions.resume)
        resume.setEnabled(bool(self._follower.held))
