"""Render ``resources/icons/app.svg`` in the sizes and formats that Linux, Windows and macOS need.

``python packaging/icons/make.py FOLDER`` writes ``companion.ico``, ``companion.icns``, ``companion.svg``,
``wizard.bmp`` and ``hicolor/<size>x<size>/apps/p2p-chat-companion.png``. Needs PySide6, no display.
"""

import os
import shutil
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from formats import bitmap, icns, ico
from PySide6.QtCore import QBuffer, QIODevice, QRectF
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtSvg import QSvgRenderer

SOURCE = Path(__file__).parents[2] / "resources" / "icons" / "app.svg"
NAME = "p2p-chat-companion"
HICOLOR = (16, 22, 24, 32, 48, 64, 128, 256, 512)
ICO = (16, 20, 24, 32, 40, 48, 64)
"""Sizes of the bitmaps in the .ico file; 256 is added as a PNG. 20 and 40 are 16 and 32 at 125 %."""
ICNS = (32, 64, 128, 256, 512, 1024)
MACOS_MARGIN = 100 / 1024
"""Empty margin on each side according to Apple's icon grid. Without it, the icon looks too big in the Dock."""


def draw(size: int, margin: float = 0.0) -> QImage:
    """Return the icon, ``size`` pixels wide. ``margin`` is the empty fraction of the width on each side."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    edge = size * margin
    QSvgRenderer(str(SOURCE)).render(painter, QRectF(edge, edge, size - 2 * edge, size - 2 * edge))
    painter.end()
    return image


def wizard() -> QImage:
    """Return the picture of the Windows installer's first and last page, in the size that NSIS needs."""
    image = QImage(164, 314, QImage.Format.Format_RGB32)
    slope = QLinearGradient(0, 0, 0, image.height())
    slope.setColorAt(0, QColor("#f5f5f7"))
    slope.setColorAt(1, QColor("#dddcf7"))
    painter = QPainter(image)
    painter.fillRect(image.rect(), slope)
    painter.drawImage(34, 88, draw(96))
    painter.end()
    return image


def png(image: QImage) -> bytes:
    """Return the picture as a PNG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise RuntimeError("Qt cannot write a PNG")
    return buffer.data().data()


def main(out: Path) -> None:
    """Write all files below ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    drawn = {size: draw(size) for size in ICO}  # keep the images: `constBits` refers to their memory
    images = {size: bitmap(size, bytes(image.constBits())) for size, image in drawn.items()}
    (out / "companion.ico").write_bytes(ico({**images, 256: png(draw(256))}))
    (out / "companion.icns").write_bytes(icns({size: png(draw(size, MACOS_MARGIN)) for size in ICNS}))
    if not wizard().save(str(out / "wizard.bmp")):
        raise RuntimeError("Qt cannot write a BMP")
    shutil.copyfile(SOURCE, out / "companion.svg")
    for size in HICOLOR:
        folder = out / "hicolor" / f"{size}x{size}" / "apps"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{NAME}.png").write_bytes(png(draw(size)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
