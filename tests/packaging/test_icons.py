"""The icon files, read by Qt and by a parser of this test."""

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
def icons_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("icons")
    subprocess.run([sys.executable, str(PACKAGING / "icons" / "make.py"), str(folder)], check=True, timeout=60)
    return folder


@pytest.mark.e2e
def test_the_ico_shows_the_same_picture_in_every_size(icons_folder: Path) -> None:
    reader = QImageReader(str(icons_folder / "companion.ico"))
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


def test_the_icns_contains_a_png_of_the_right_size_for_each_type(icons_folder: Path) -> None:
    data = (icons_folder / "companion.icns").read_bytes()
    kind, length = struct.unpack(">4sI", data[:8])
    assert (kind, length) == (b"icns", len(data))
    sizes = dict(formats.ICNS_TYPES)
    offset, found = 8, []
    while offset < length:
        entry, size = struct.unpack(">4sI", data[offset : offset + 8])
        png = data[offset + 8 : offset + size]
        assert png.startswith(PNG)
        assert QImage.fromData(png).width() == sizes[entry]
        found.append(entry)
        offset += size
    assert offset == length
    assert set(found) == set(sizes)


def test_the_hicolor_theme_has_each_size(icons_folder: Path) -> None:
    for file in icons_folder.glob("hicolor/*/apps/*.png"):
        assert f"{QImage(str(file)).width()}x{QImage(str(file)).height()}" == file.parts[-3]
    assert len(list(icons_folder.glob("hicolor/*/apps/p2p-chat-companion.png"))) == 9


def test_a_bitmap_is_stored_bottom_up_with_a_mask_in_rows_of_four_bytes() -> None:
    red, blue = b"\x00\x00\xff\xff", b"\xff\x00\x00\xff"
    data = formats.bitmap(2, red * 2 + blue * 2)
    assert data[40:56] == blue * 2 + red * 2
    assert len(data) == 40 + 16 + 8, "each row of the mask takes four bytes"
    image = QImage.fromData(formats.ico({2: data}), "ICO")  # type: ignore[arg-type]  # the stubs want the format as bytes
    assert image.pixelColor(0, 0) == QColor("#ff0000")
    with pytest.raises(ValueError, match="16 bytes, not 4"):
        formats.bitmap(2, red)
