"""Write numbers with their nouns, for texts and errors."""


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 client``, ``2 clients``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
