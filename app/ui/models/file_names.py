"""Suggest names for files that the user saves: what they contain, and the local date and time."""

from app.protocol.times import local


def suggested(content: str, suffix: str, wall: float) -> str:
    """Return a file name such as ``companion-log-2026-11-29-0812.ndjson``. ``wall`` is a Unix time in seconds."""
    return f"companion-{content}-{local(wall):%Y-%m-%d-%H%M}.{suffix}"
