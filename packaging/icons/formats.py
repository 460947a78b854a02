"""The two containers that hold an icon in several sizes: .ico (Windows) and .icns (macOS)."""

import struct
from collections.abc import Mapping

ICNS_TYPES = (
    (b"ic07", 128), (b"ic08", 256), (b"ic09", 512), (b"ic10", 1024), (b"ic11", 32), (b"ic12", 64), (b"ic13", 256),
    (b"ic14", 512),
)  # fmt: skip
"""What each type of an .icns entry measures in pixels; from ``ic10`` on they are the doubled ones (@2x).

The older types of 16 and 32 pixels are left out: some versions of macOS show a PNG in them as noise.
"""


def ico(images: Mapping[int, bytes]) -> bytes:
    """Return an .ico of ``images``: size in pixels (at most 256) to its data, a PNG or what ``bitmap`` returns."""
    where = 6 + 16 * len(images)
    head = struct.pack("<HHH", 0, 1, len(images))
    for size, data in images.items():
        head += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), where)
        where += len(data)
    return head + b"".join(images.values())


def bitmap(size: int, bgra: bytes) -> bytes:
    """Return pixels (four bytes each, rows from the top) as an .ico holds them: what old readers expect below 256.

    The height counts twice, for colours and for a mask, which is empty here: alpha says what is seen through.
    """
    if len(bgra) != 4 * size * size:
        raise ValueError(f"{size} × {size} pixels need {4 * size * size} bytes, not {len(bgra)}")
    rows = [bgra[start : start + 4 * size] for start in range(0, len(bgra), 4 * size)]
    mask = bytes((size + 31) // 32 * 4 * size)
    head = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, len(bgra) + len(mask), 0, 0, 0, 0)
    return head + b"".join(reversed(rows)) + mask


def icns(pngs: Mapping[int, bytes]) -> bytes:
    """Return an .icns of ``pngs``: size in pixels to PNG. Sizes that the format does not know are left out."""
    entries = [(kind, pngs[size]) for kind, size in ICNS_TYPES if size in pngs]
    body = b"".join(struct.pack(">4sI", kind, 8 + len(png)) + png for kind, png in entries)
    return struct.pack(">4sI", b"icns", 8 + len(body)) + body
