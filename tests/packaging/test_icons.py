"""The icons' containers, read back by Qt and by hand."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage, QImageReader

from . import PACKAGING, load

formats = load("icons/formats")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("icons")
    subprocess.run([sys.executable, str(PACKAGING / "icons" / "make.py"), str(folder)], check=True, timeout=60)
    return folder


def test_the_ico_shows_the_same_picture_in_every_size(made: Path) -> None:
    reader = QImageReader(str(made / "companion.ico"))
    sizes = []
    while not (image := reader.read()).isNull():
        sizes.append(image.width())
        assert image.width() == image.height()
        assert image.pixelColor(0, 0).alpha() == 0, "its corners are round"
        middle = image.pixelColor(image.width() // 4, image.height() // 3)
        assert middle.lightness() > 200, "the bubble is white, and upright"
        assert image.pixelColor(image.width() // 2, image.height() - 2).blue() > 150
        if not reader.jumpToNextImage():
            break
    assert sizes == [16, 20, 24, 32, 40, 48, 64, 256]


def test_the_icns_is_a_list_of_pngs_of_the_sizes_they_claim(made: Path) -> None:
    data = (made / "companion.icns").read_bytes()
    kind, length = struct.unpack(">4sI", data[:8])
    assert (kind, length) == (b"icns", len(data))
    sizes = dict(formats.ICNS_TYPES)
    at, found = 8, []
    while at < length:
        entry, size = struct.unpack(">4sI", data[at : at + 8])
        png = data[at + 8 : at + size]
        assert png.startswith(PNG)
        assert QImage.fromData(png).width() == sizes[entry]
        found.append(entry)
        at += size
    assert at == length
    assert set(found) == set(sizes)


def test_the_hicolor_theme_gets_each_size(made: Path) -> None:
    for file in made.glob("hicolor/*/apps/*.png"):
        assert f"{QImage(str(file)).width()}x{QImage(str(file)).height()}" == file.parts[-3]
    assert len(list(made.glob("hicolor/*/apps/p2p-chat-companion.png"))) == 9


def test_a_bitmap_is_upside_down_with_a_mask_of_whole_words() -> None:
    red, blue = b"\x00\x00\xff\xff", b"\xff\x00\x00\xff"
    data = formats.bitmap(2, red * 2 + blue * 2)
    assert data[40:56] == blue * 2 + red * 2
    assert len(data) == 40 + 16 + 8, "each row of the mask takes four bytes"
    image = QImage.fromData(formats.ico({2: data}), "ICO")
    assert image.pixelColor(0, 0) == QColor("#ff0000")
    with pytest.raises(ValueError, match="16 bytes, not 4"):
        formats.bitmap(2, red)
