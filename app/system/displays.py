"""List this process's variables that name a display, like ``DISPLAY=:0``. Without one, Linux shows no window."""

import os

NAMES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def named() -> list[str]:
    """Return the variables that are set, for example ``DISPLAY=:0``."""
    return [f"{name}={os.environ[name]}" for name in NAMES if os.environ.get(name)]
