"""Pass texts to Qt unchanged, and return their length in UTF-16 code units, in which Qt counts positions."""


def units(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def for_qt(text: str) -> str:
    """Return the text for Qt: if it begins with a byte order mark, add one, since PySide removes the first."""
    return f"\ufeff{text}" if text.startswith(("\ufeff", "\ufffe")) else text
