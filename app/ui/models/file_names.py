"""Return a default name for a file that the user saves: its content, the local date and time, and the suffix."""

from app.protocol.times import local


def suggested(content: str, suffix: str, wall: float) -> str:
    """Return a file name such as ``companion-log-2026-11-29-0812.ndjson``. ``wall`` is a Unix time in seconds."""
    return f"companion-{content}-{local(wall):%Y-%m-%d-%H%M}.{suffix}"
