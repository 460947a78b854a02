"""Register the system-wide shortcuts of the settings: to repeat the last event, and to show or hide the fire bar.

They work while another program has the keyboard focus. They are possible on Windows and X11 only, and not in a
Wayland session. The modules of this package register keys with each system.
"""

import os
from collections.abc import Callable, Mapping
from typing import Protocol

from PySide6.QtGui import QGuiApplication

from app.system.key_combination import KeyCombination, parse

Act = Callable[[], object]
TAKEN = "another program uses it"


class Backend(Protocol):
    """Registers key combinations with the system."""

    def register(self, keys: KeyCombination, act: Act) -> str:
        """Call ``act`` whenever the keys are pressed. Return why that is not possible, or an empty text."""

    def clear(self) -> None:
        """Unregister all keys."""

    def close(self) -> None:
        """Unregister all keys and release the connection to the system. Nothing may be called afterwards."""


def system_backend() -> Backend | None:
    """Return the backend of this system, or None if programs cannot register keys (Wayland, macOS)."""
    platform = _platform()
    if platform == "windows":
        from app.ui.global_shortcuts.windows import WindowsBackend

        return WindowsBackend()
    if platform == "xcb":
        from app.ui.global_shortcuts.x11 import X11Backend

        try:
            return X11Backend()
        except OSError:
            return None
    return None


def _platform() -> str:
    """Return ``windows``, ``xcb``, or an empty text if programs cannot register keys."""
    name = QGuiApplication.platformName()
    # In a Wayland session, an X11 program gets only the keys that are meant for other X11 programs.
    return name if name == "windows" or (name == "xcb" and not os.environ.get("WAYLAND_DISPLAY")) else ""


def advice(command: str) -> str:
    """Return how to enter a system-wide shortcut on this system; ``command`` does the same as the shortcut."""
    if _platform():
        return "System-wide, e.g. Ctrl+Alt+R: works while any program has the focus. Leave empty for none."
    return (
        "This system does not let programs register shortcuts. Bind a key in its keyboard settings "
        f"to the command: {command}"
    )


class GlobalShortcuts:
    """Keeps the registered keys as the settings say. The connection to the system is opened when first needed."""

    def __init__(
        self,
        actions: Mapping[str, Act],
        failed: Callable[[str, str], object],
        make_backend: Callable[[], Backend | None] = system_backend,
    ) -> None:
        """``actions``: by the name of the setting. ``failed`` gets a setting's name and a sentence."""
        self._actions = actions
        self._failed = failed
        self._make_backend = make_backend
        self._backend: Backend | None = None
        self.wanted: Mapping[str, str] = dict.fromkeys(actions, "")
        """The key combinations in use, by the name of the setting; an empty text: none."""

    def use(self, wanted: Mapping[str, str]) -> None:
        """Register these keys instead of those before. Call ``failed`` for each that does not work."""
        self.wanted = dict(wanted)
        if self._backend:
            self._backend.clear()
        elif any(keys.strip() for keys in wanted.values()):
            self._backend = self._make_backend()
        for name, keys in wanted.items():
            if keys.strip() and (why := self._register(keys, self._actions[name])):
                self._failed(name, f"The system-wide shortcut {keys} does not work: {why}.")

    def _register(self, keys: str, act: Act) -> str:
        if self._backend is None:
            return "this system does not let programs register shortcuts"
        try:
            return self._backend.register(parse(keys), act)
        except ValueError as error:
            return str(error)

    def close(self) -> None:
        """Unregister all keys."""
        if self._backend:
            self._backend.close()
        self._backend = None
