"""Find the size of a compiled regular expression in memory, because it determines the time for matching.
The size is rounded up to a power of two. A pattern that is not valid, too large, or cannot be matched in linear
time has the size None: ``schema_check`` rejects it in an event file.
"""

from functools import lru_cache

import jsonschema_rs

MAX_PATTERN_BYTES = 16 * 1024
"""The maximum size of a compiled pattern. ``\\w{1,64}`` has 9 KB, ``\\w{3000}`` 288 KB."""
_SIZES = tuple(512 << step for step in range(6))
"""The sizes that are distinguished, up to the maximum."""


@lru_cache(maxsize=4096)
def pattern_size(pattern: str) -> int | None:
    """Return the size of a compiled pattern in bytes, rounded up to the next power of two.

    None: it is not valid, larger than the maximum, or cannot be matched in linear time.
    """
    if not _compiles(pattern, MAX_PATTERN_BYTES):
        return None
    low, high = 0, len(_SIZES) - 1
    while low < high:
        middle = (low + high) // 2
        if _compiles(pattern, _SIZES[middle]):
            high = middle
        else:
            low = middle + 1
    return _SIZES[low]


def _compiles(pattern: str, limit: int) -> bool:
    try:
        options = jsonschema_rs.RegexOptions(size_limit=limit)
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, offline=True, pattern_options=options)
    except jsonschema_rs.ValidationError:
        return False
    return True
