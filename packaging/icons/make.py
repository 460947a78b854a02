"""Draws ``resources/icons/app.svg`` in every size and format that a system asks for.

``python packaging/icons/make.py FOLDER`` writes ``companion.ico``, ``companion.icns``, ``companion.svg`` and
``hicolor/<size>x<size>/apps/p2p-chat-companion.png``. Needs PySide6, no display.
"""

import os
import shutil
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from formats import bitmap, icns, ico
from PySide6.QtCore import QBuffer, QIODevice, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SOURCE = Path(__file__).parents[2] / "resources" / "icons" / "app.svg"
NAME = "p2p-chat-companion"
HICOLOR = (16, 22, 24, 32, 48, 64, 128, 256, 512)
ICO = (16, 20, 24, 32, 40, 48, 64)
"""As bitmaps; 256 is added as a PNG. 20 and 40 are 16 and 32 at 125 %."""
ICNS = (32, 64, 128, 256, 512, 1024)
MACOS_MARGIN = 100 / 1024
"""Apple's grid leaves so much of the canvas empty on each side: without, the icon looks too big in a Dock."""


def draw(size: int, margin: float = 0.0) -> QImage:
    """Return the icon, ``size`` pixels wide, with ``margin`` (a share of the width) around it."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    edge = size * margin
    QSvgRenderer(str(SOURCE)).render(painter, QRectF(edge, edge, size - 2 * edge, size - 2 * edge))
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
    images = {size: bitmap(size, bytes(draw(size).constBits())) for size in ICO}
    (out / "companion.ico").write_bytes(ico({**images, 256: png(draw(256))}))
    (out / "companion.icns").write_bytes(icns({size: png(draw(size, MACOS_MARGIN)) for size in ICNS}))
    shutil.copyfile(SOURCE, out / "companion.svg")
    for size in HICOLOR:
        folder = out / "hicolor" / f"{size}x{size}" / "apps"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{NAME}.png").write_bytes(png(draw(size)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
