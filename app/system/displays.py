"""List the environment variables that choose a display (``DISPLAY=:0``) or Qt's platform (``QT_QPA_PLATFORM``).
On Linux, the program opens no window if all of them are missing.
"""

import os

NAMES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def named() -> list[str]:
    """Return the variables that are set, for example ``DISPLAY=:0``."""
    return [f"{name}={os.environ[name]}" for name in NAMES if os.environ.get(name)]
