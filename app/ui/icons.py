"""Load the SVG icons of ``resources/icons`` as ``QIcon`` objects, optionally in one given colour."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from resources import FOLDER

SIZES = (16, 22, 24, 32, 48, 64, 128)
CONTROL_SIZE = 16
"""The usual size of an icon in a control."""


@lru_cache(maxsize=128)
def _svg(name: str) -> bytes:
    return (FOLDER / "icons" / f"{name}.svg").read_bytes()


def _pixmap(name: str, size: int, tint: str | None) -> QPixmap:
    pixmap = _transparent(QSize(size, size))
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(_svg(name))).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return _tinted(pixmap, tint) if tint else pixmap


def _transparent(size: QSize) -> QPixmap:
    pixmap = QPixmap(size)
    pixmap.fill(Qt.GlobalColor.transparent)
    return pixmap


def _tinted(mask: QPixmap, tint: str) -> QPixmap:
    """Return the shape of a picture in one colour. ``fillRect`` would make PySide load brushes and gradients."""
    pixmap = _transparent(mask.size())
    pixmap.fill(QColor(tint))
    painter = QPainter(pixmap)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    painter.drawPixmap(0, 0, mask)
    painter.end()
    return pixmap


@lru_cache(maxsize=256)
def icon(name: str, tint: str | None = None, sizes: tuple[int, ...] = SIZES) -> QIcon:
    """Return ``resources/icons/<name>.svg``, e.g. ``tray/paused``. ``tint`` replaces all its colours."""
    built = QIcon()
    for size in sizes:
        built.addPixmap(_pixmap(name, size, tint))
    return built


def ui_icon(name: str, tint: str, size: int = CONTROL_SIZE) -> QIcon:
    """Return an icon of ``resources/icons/ui`` in one colour, for ``size`` pixels at scale 1 and 2."""
    return icon(f"ui/{name}", tint, (size, 2 * size))
