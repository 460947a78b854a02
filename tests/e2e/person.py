"""Operate the companion on the virtual desktop: find its window and tray icon, and click."""

from typing import Any

from app.ui.theme import DARK, LIGHT

from .desktop import PANEL, Box, Desktop, difference, find
from .processes import Companion, wait_until

ACCENTS = (LIGHT.accent, LIGHT.accent_hover, DARK.accent, DARK.accent_hover)


class Person:
    """Operates the window of ``program`` on ``desktop`` with mouse and keyboard."""

    def __init__(self, desktop: Desktop, program: Companion) -> None:
        self.desktop = desktop
        self.program = program

    def open_inject(self) -> None:
        """Press Ctrl+4. The tabs have the focus then."""
        window = self.desktop.window()
        self.desktop.focus(window)
        self.desktop.press("ctrl+4")
        wait_until(self._fire_button, "the Fire button")

    def fire(self) -> None:
        """Click *Fire*."""
        button = self._fire_button()
        assert button, "no Fire button is visible"
        self.desktop.click(button.centre)

    def _fire_button(self) -> Box | None:
        window = self.desktop.place(self.desktop.window())
        corner = Box(window.right - 200, window.bottom - 120, window.right, window.bottom)
        return find(self.desktop.screenshot(), ACCENTS, corner)


def icons(desktop: Desktop) -> int:
    return desktop.status_notifiers() + desktop.embedded_icons()


def icon(desktop: Desktop, before: Any) -> Box:
    """Wait until the tray icon is drawn, and return its position. ``before`` is a screenshot without it."""
    wait_until(lambda: icons(desktop) == 1, "the tray icon")
    return wait_until(lambda: difference(before, desktop.screenshot(), PANEL), "the tray icon to be drawn")


def open_menu(desktop: Desktop, where: Box) -> None:
    closed = desktop.screenshot()
    desktop.click(where.centre, button=3)
    above = Box(where.left - 100, where.top - 120, where.right, where.top - 20)
    wait_until(lambda: difference(closed, desktop.screenshot(), above), "the menu")
