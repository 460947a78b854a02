"""Draw repeatable random numbers for faults of frames and of REST calls. A number depends only on the seed, the
fault's name, how many frames or calls the fault has counted, and a label that separates several draws for one.
"""

import hashlib

MAX_SEED = 2**53
"""JSON readers in browsers keep integers up to here."""


def draw(seed: int, fault: str, number: int, part: str = "") -> float:
    """Return a number of at least 0 and less than 1. ``part`` separates several draws for one frame."""
    text = f"{seed}/{fault}/{number}/{part}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") / 2**64
