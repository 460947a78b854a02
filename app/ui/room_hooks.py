"""Optional interfaces of a room's page: methods that the window calls, and signals and properties that it uses.
For example, ``Recolors`` is for a change of the theme, and ``HasBadge`` for the badge in the navigation.
``room_stack`` checks each of them with ``isinstance``.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QHeaderView, QSplitter

from app.system.settings import Settings


@runtime_checkable
class BuildsInParts(Protocol):
    """A page with parts that are not visible at first, and that it builds on first use."""

    def build_next_part(self) -> bool:
        """Build one more part. Called when the event loop is idle, until it returns False: nothing is left."""


@runtime_checkable
class ClosesDown(Protocol):
    """A page that must disconnect from the companion's signals before it is destroyed."""

    def close_down(self) -> None:
        """Disconnect from the signals and stop timers. Called once, before the window is destroyed."""


@runtime_checkable
class Recolors(Protocol):
    """A page with icons or drawings in colours of the theme."""

    def recolor(self) -> None:
        """Use the colours of the current theme."""


@runtime_checkable
class ReportsStatus(Protocol):
    """A page whose messages the status bar shows. The signal has one argument, the text."""

    status_message: SignalInstance


@runtime_checkable
class HasBadge(Protocol):
    """A page whose entry in the navigation has a badge. The signal has one argument, a ``Badge`` or None."""

    badge_changed: SignalInstance


@runtime_checkable
class Fires(Protocol):
    """A page that handles Ctrl+Enter. In other rooms the shortcut does nothing."""

    def fire_or_stop(self) -> None:
        """Do the main action of the page, for example fire its event or run its scenario, or stop what runs."""


@runtime_checkable
class Pauses(Protocol):
    """A page that handles F8 while nothing is held at a breakpoint. In other rooms the key does nothing then."""

    def pause_or_resume(self) -> None:
        """Pause what the page runs, or resume it."""


@runtime_checkable
class Searches(Protocol):
    """A page with a search of its own for Ctrl+F. In other rooms the shortcut opens the filter of the log."""

    def focus_search(self) -> None:
        """Give the search field the keyboard focus."""


@runtime_checkable
class FollowsSettings(Protocol):
    """A page that depends on the settings."""

    def follow_settings(self, settings: Settings) -> None:
        """Show or use the new settings. Called after they have been applied."""


@runtime_checkable
class RemembersLayout(Protocol):
    """A page whose splitters and columns keep their sizes across restarts."""

    @property
    def layout_parts(self) -> Mapping[str, QSplitter | QHeaderView]:
        """The parts to remember, by their key in the window's state file."""
