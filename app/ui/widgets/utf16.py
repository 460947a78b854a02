"""Return the length of a text in UTF-16 code units, in which Qt counts positions in texts."""


def units(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
