"""Write icon files with several sizes: .ico (Windows) and .icns (macOS)."""

import struct
from collections.abc import Mapping

ICNS_TYPES = (
    (b"ic07", 128), (b"ic08", 256), (b"ic09", 512), (b"ic10", 1024), (b"ic11", 32), (b"ic12", 64), (b"ic13", 256),
    (b"ic14", 512),
)  # fmt: skip
"""Types of .icns entries with their size in pixels. From ``ic10`` on, they are for high resolution (@2x).

The older types of 16 and 32 pixels are not used: some versions of macOS show a PNG in them as noise.
"""


def ico(images: Mapping[int, bytes]) -> bytes:
    """Return an .ico file. ``images`` maps the size in pixels (at most 256) to a PNG or a result of ``bitmap``."""
    where = 6 + 16 * len(images)
    head = struct.pack("<HHH", 0, 1, len(images))
    for size, data in images.items():
        head += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), where)
        where += len(data)
    return head + b"".join(images.values())


def bitmap(size: int, bgra: bytes) -> bytes:
    """Return pixels (BGRA, four bytes each, rows from the top) as a bitmap of an .ico file.

    Old readers expect bitmaps for sizes below 256. The height in the header is doubled, for the colours and for a
    mask, which is empty here because the alpha channel contains the transparency.
    """
    if len(bgra) != 4 * size * size:
        raise ValueError(f"{size} × {size} pixels need {4 * size * size} bytes, not {len(bgra)}")
    rows = [bgra[start : start + 4 * size] for start in range(0, len(bgra), 4 * size)]
    mask = bytes((size + 31) // 32 * 4 * size)
    head = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, len(bgra) + len(mask), 0, 0, 0, 0)
    return head + b"".join(reversed(rows)) + mask


def icns(pngs: Mapping[int, bytes]) -> bytes:
    """Return an .icns file. ``pngs`` maps the size in pixels to a PNG; sizes without a type are left out."""
    entries = [(kind, pngs[size]) for kind, size in ICNS_TYPES if size in pngs]
    body = b"".join(struct.pack(">4sI", kind, 8 + len(png)) + png for kind, png in entries)
    return struct.pack(">4sI", b"icns", 8 + len(body)) + body
