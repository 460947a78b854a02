"""A person in front of the desktop, who looks for the companion's window and icon."""

from typing import Any

from app.ui.theme import DARK, LIGHT

from .desktop import PANEL, Box, Desktop, difference, find
from .processes import Companion, wait_until

ACCENTS = (LIGHT.accent, LIGHT.accent_hover, DARK.accent, DARK.accent_hover)


class Person:
    """Sits in front of ``desktop``, on which ``program`` runs."""

    def __init__(self, desktop: Desktop, program: Companion) -> None:
        self.desktop = desktop
        self.program = program

    def open_inject(self) -> None:
        """Press Ctrl+3, which leaves the keyboard with the tabs."""
        window = self.desktop.window()
        self.desktop.focus(window)
        self.desktop.press("ctrl+3")
        wait_until(self._fire_button, "the Fire button")

    def fire(self) -> None:
        """Click on Fire."""
        button = self._fire_button()
        assert button, "no Fire button to be seen"
        self.desktop.click(button.centre)

    def _fire_button(self) -> Box | None:
        window = self.desktop.place(self.desktop.window())
        corner = Box(window.right - 200, window.bottom - 120, window.right, window.bottom)
        return find(self.desktop.look(), ACCENTS, corner)


def icons(desktop: Desktop) -> int:
    return desktop.status_notifiers() + desktop.embedded_icons()


def icon(desktop: Desktop, before: Any) -> Box:
    """Wait until the tray differs from the picture ``before``; return where."""
    wait_until(lambda: icons(desktop) == 1, "the tray icon")
    return wait_until(lambda: difference(before, desktop.look(), PANEL), "the tray icon to be drawn")


def open_menu(desktop: Desktop, where: Box) -> None:
    closed = desktop.look()
    desktop.click(where.centre, button=3)
    above = Box(where.left - 100, where.top - 120, where.right, where.top - 20)
    wait_until(lambda: difference(closed, desktop.look(), above), "the menu")
