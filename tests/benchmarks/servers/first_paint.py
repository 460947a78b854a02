"""Says ``painted`` when a window is painted for the first time: ``… first_paint empty`` or ``tray DATA_DIR``.

The tray program's window says ``filled`` when it is painted with its log in it.
"""

import sys
from pathlib import Path

from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow


def empty() -> int:
    """Show a window with nothing in it: what Qt itself takes."""

    class Empty(QMainWindow):
        def paintEvent(self, event: QPaintEvent) -> None:
            super().paintEvent(event)
            print("painted", flush=True)

    app = QApplication(["empty"])
    window = Empty()
    window.resize(1000, 640)
    window.show()
    return app.exec()


def tray(data_dir: Path) -> int:
    """Start the tray program."""
    from app import desktop
    from app.system.home import Overrides
    from app.ui.window import Window

    class Seen(Window):
        def paintEvent(self, event: QPaintEvent) -> None:
            super().paintEvent(event)
            print("filled" if self.filled else "painted", flush=True)

    setattr(desktop, "Window", Seen)  # noqa: B010  mypy knows the name as a class
    overrides = Overrides(port=0, rest_port=0, control_port=0)
    return int(desktop.run(overrides, data_dir, None, hidden=False))


if __name__ == "__main__":
    sys.exit(tray(Path(sys.argv[2])) if sys.argv[1] == "tray" else empty())
