"""Files that are written whole or not at all."""

from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write all of ``text`` or nothing. Raises ``OSError``, and ``ValueError`` for text that is no Unicode."""
    content = text.encode()
    unfinished = file.with_name(file.name + ".part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
