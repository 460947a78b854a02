"""``SavedSession``, an entry of the list of saved sessions; and functions that parse and format the text of a
session, which is a scenario or a recording. The file's suffix chooses the notation: transcript (``.chat``) or lines
of JSON (``.session.jsonl``). ``editable`` shows lines of JSON as a transcript if nothing is lost. Also check the
names of the chat states that steps load from a session's folder and save to it.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from app.protocol.errors import Invalid
from app.protocol.session.errors import InvalidSession
from app.protocol.session.lines import decode_lines, format_lines, parse_lines
from app.protocol.session.steps import Session
from app.protocol.session.transcript import format_transcript, parse_transcript

TRANSCRIPT, LINES = ".chat", ".session.jsonl"
MAX_TRANSCRIPT_BYTES = 1024 * 1024
"""The largest transcript that is read from a file or a request."""
END_LINE = b'{"mark":"end"}'
"""The last line of a recording that ended normally."""


class SavedSession(NamedTuple):
    """A session file with its name (``folder/name``), and what its beginning says about it.

    ``own``: it is one of the user's, not a built-in one. ``suffix`` is the notation. ``kind`` is ``scenario`` or
    ``recording``.
    """

    name: str
    own: bool
    suffix: str
    size: int
    title: str
    kind: str

    @property
    def folder(self) -> str:
        """The folder part of the name."""
        return self.name.rpartition("/")[0]


def suffix_of(name: str) -> str:
    """Return the notation of a file name; empty if it is not a session's."""
    return next((each for each in (TRANSCRIPT, LINES) if name.casefold().endswith(each)), "")


def outside(name: str) -> Invalid:
    """Return the error about a file that is not in the folder of a session."""
    return Invalid(f"The file {name[:80]!r} is outside of the session's folder.")


def check_loaded_file(name: str) -> None:
    """Raise ``Invalid`` if a name leads out of the folder of a session. A link still can."""
    is_absolute = bool(os.path.splitdrive(name)[0]) or name.startswith(("/", os.sep))
    leads_up = f"{os.path.normpath(name)}{os.sep}".startswith(f"{os.pardir}{os.sep}")
    if is_absolute or leads_up or "\0" in name:
        raise outside(name)


def check_saved_file(name: str) -> None:
    """Raise ``Invalid`` if no step may save a chat state to a file with this name."""
    check_loaded_file(name)
    if not name.endswith(".json"):
        raise Invalid(f"The file {name[:80]!r} must end in .json.")


class EditableText(NamedTuple):
    """The text of a session to edit, and its notation, which can differ from that of the file."""

    text: str
    notation: str


def hash_of(text: str) -> str:
    """Return the hash of a text, to compare it with that of a file later, also after a restart."""
    import hashlib  # loads OpenSSL, which the window does not need to show the log

    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def parse_session(text: str, suffix: str, go_on: Callable[[], object] = lambda: None) -> Session:
    """Read a session in one of the notations. Raises ``Invalid`` with the line, the column and a caret.

    ``go_on`` is called for each line, and may end the call with an exception.
    """
    try:
        return read_session(text, suffix, go_on)
    except InvalidSession as error:
        raise Invalid(f"Not a valid session: {error}") from None


def decode_session(content: bytes, suffix: str) -> str:
    """Return the text of a session's file in one of the notations. Raises ``UnicodeDecodeError``."""
    return decode_lines(content) if suffix == LINES else content.decode("utf-8-sig")


def read_session(text: str, suffix: str, go_on: Callable[[], object] = lambda: None) -> Session:
    """Read a session in one of the notations. Raises ``InvalidSession``. ``go_on``: see ``parse_session``."""
    return parse_transcript(text, go_on) if suffix == TRANSCRIPT else parse_lines(text, go_on).session


def editable(text: str, suffix: str) -> EditableText:
    """Return the text to edit for the text of a file: a transcript, if that says the same as the lines of JSON."""
    if suffix == LINES:
        try:
            session = read_session(text, LINES)
            transcript = format_transcript(session)
            if format_lines(read_session(transcript, TRANSCRIPT)) == format_lines(session):
                return EditableText(transcript, TRANSCRIPT)
        except InvalidSession:
            pass
    return EditableText(text, suffix)


def format_session(session: Session, suffix: str) -> str:
    """Return the text of a session in one of the notations."""
    return format_transcript(session) if suffix == TRANSCRIPT else format_lines(session)
