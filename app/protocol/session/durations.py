"""Read and write durations in transcripts, which are sessions as readable text: ``400ms``, ``2s``, ``1.5s``."""

import re
from decimal import Decimal

MAX_SECONDS = 86_400
"""The longest pause, typing indicator or timeout that may be written in a session."""
MAX_RECORDED_SECONDS = 1_000_000_000
"""The longest time between two recorded steps that is read: a companion can run for weeks without any traffic."""

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,17})?)(ms|s)")
_PER_SECOND = {"ms": Decimal(1000), "s": Decimal(1)}


def parse_duration(text: str) -> float:
    """Return a duration in seconds. Raises ``ValueError`` with a sentence for users."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"Invalid duration {text[:40]!r}. Write it like 400ms, 2s or 1.5s.")
    seconds = Decimal(found[1]) / _PER_SECOND[found[2]]
    if seconds > MAX_SECONDS:
        raise ValueError(f"The duration {text} is too long. Use at most {MAX_SECONDS}s.")
    return float(seconds)


def format_duration(seconds: float) -> str:
    """Return the text that ``parse_duration`` reads as exactly this number of seconds."""
    exact = Decimal(repr(float(seconds)))
    unit = "s" if exact >= 1 or not exact else "ms"
    number = f"{(exact * _PER_SECOND[unit]).normalize():f}"
    return f"{number}{unit}"
