"""Write the chat states that sessions save to their folder: saved sessions, and files that a command plays.

A session may come from elsewhere, and scripts with the agent token can save and play sessions. So the file must be
in the folder or below it, and only a saved chat state is replaced.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.protocol.backend import state_text
from app.protocol.envelope import MAX_STATE_DEPTH, BadFrame, parse_json
from app.protocol.errors import Conflict, StorageError
from app.protocol.session.saved import check_loaded_file, check_saved_file, outside
from app.system.files import read_file, reason, write_file

MAX_BYTES = 256 * 1024 * 1024
"""A larger file is not recognized as a chat state."""


def file_in(folder: Path, name: str) -> Path:
    """Return a file in the folder of a session, or below it. Raises ``Invalid``."""
    check_loaded_file(name)
    with suppress(ValueError, OSError):
        file = (folder / name).resolve()
        if file.is_relative_to(folder.resolve()):
            return file
    raise outside(name)


def write_state(folder: Path, name: str, content: Any) -> Path:
    """Write a chat state, and return its file.

    Raises ``Invalid``, ``Conflict``, ``TooLarge`` and ``StorageError``.
    """
    file = file_in(folder, name)
    check_saved_file(name)
    check_saved_file(file.name)  # the target of a link
    if os.path.lexists(file) and not _is_state(file):
        raise Conflict(f"{name[:80]!r} exists and is not a saved chat state. Use another name.")
    try:
        write_file(file, state_text(content))
    except OSError as error:
        raise StorageError(f"{file} could not be written: {reason(error)}") from None
    return file


def _is_state(file: Path) -> bool:
    try:
        content = parse_json(read_file(file, MAX_BYTES).decode(), MAX_STATE_DEPTH)
    except (OSError, UnicodeDecodeError, BadFrame):
        return False
    return isinstance(content, dict) and {"version", "people"} <= content.keys()
