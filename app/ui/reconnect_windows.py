"""Open the windows *Reconnect lab* and *Refuse connections* from the Clients room and the palette, and keep them.
It also offers the palette the commands that refuse connections or accept them again without a window.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from app.ui.refusal_commands import RefusalCommands
from app.ui.room_registry import CLIENTS

if TYPE_CHECKING:
    from app.ui.reconnect_lab_window import ReconnectLabWindow
    from app.ui.refuse_window import RefuseWindow
    from app.ui.side_window import SideWindow
    from app.ui.window import MainWindow

W = TypeVar("W", bound="SideWindow")


class ReconnectWindows:
    """Creates each window when it is first opened, and keeps it. ``commands`` are those of the palette."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        show = window.status.show_message
        self.commands = RefusalCommands(window.companion, show, show)

    @cached_property
    def lab(self) -> ReconnectLabWindow:
        """The window of the reconnect lab."""
        from app.ui.reconnect_lab_window import ReconnectLabWindow

        return self._with_help(ReconnectLabWindow(self._window, self._window.companion))

    @cached_property
    def refuse(self) -> RefuseWindow:
        """The window *Refuse connections*."""
        from app.ui.refuse_window import RefuseWindow

        return self._with_help(RefuseWindow(self._window, self._window.companion))

    def open_lab(self, client: int | None = None) -> None:
        """Open the reconnect lab, for the browser of a client if one is given."""
        if client is not None:
            self.lab.choose_client(client)
        self.lab.present()

    def open_refuse(self) -> None:
        """Open the window *Refuse connections*."""
        self.refuse.present()

    def close_down(self) -> None:
        """Disconnect the windows from all signals."""
        for name in ("lab", "refuse"):
            if name in vars(self):
                vars(self)[name].close_down()

    def _with_help(self, window: W) -> W:
        window.help_requested.connect(self._open_help)
        return window

    def _open_help(self) -> None:
        self._window.open_help(CLIENTS)
        self._window.present()
