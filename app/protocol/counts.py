"""Write numbers with their nouns, for texts and errors."""


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 client``, ``2 clients``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def count_with(number: int, noun: str, one: str, many: str) -> str:
    """Return a number with its noun and its verb: ``1 row is``, ``2 rows are``."""
    return f"{count(number, noun)} {one if number == 1 else many}"
