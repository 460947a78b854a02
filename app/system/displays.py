"""Which display a window would be opened on, as the environment of a Linux program tells."""

import os

NAMES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def named() -> list[str]:
    """Return what is set, like ``DISPLAY=:0``."""
    return [f"{name}={os.environ[name]}" for name in NAMES if os.environ.get(name)]
