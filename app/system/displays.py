"""List which display a Linux program uses, from its environment variables (X11, Wayland or a Qt platform)."""

import os

NAMES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def named() -> list[str]:
    """Return the variables that are set, for example ``DISPLAY=:0``."""
    return [f"{name}={os.environ[name]}" for name in NAMES if os.environ.get(name)]
