"""Open web pages in the system's browser, and folders in its file manager."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def open_in_browser(address: str) -> bool:
    """Open an ``http`` or ``https`` address. Return False for any other, and if the system has no browser."""
    url = QUrl(address, QUrl.ParsingMode.StrictMode)
    return url.scheme() in ("http", "https") and bool(url.host()) and QDesktopServices.openUrl(url)


def open_folder(folder: Path) -> None:
    """Open a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
