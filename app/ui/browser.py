"""Open web pages in the system's browser."""

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def open_in_browser(address: str) -> bool:
    """Open an ``http`` or ``https`` address. Return False for any other, and if the system has no browser."""
    url = QUrl(address, QUrl.ParsingMode.StrictMode)
    return url.scheme() in ("http", "https") and bool(url.host()) and QDesktopServices.openUrl(url)
