"""The modes in which the event server can refuse connections on purpose: their types and notation, and limits.
The notation of a mode is ``503`` (an HTTP status), ``reset`` (of TCP), ``silence`` (no answer), ``close:CODE``
(accept, then close) or ``garbage`` (no HTTP). Sessions, the control API and the command line use it.
``hub.refusals`` keeps which connections to refuse; ``endpoints.refusing`` refuses them.
"""

from enum import StrEnum
from typing import NamedTuple

from typing_extensions import override

from app.protocol.close_codes import why_not_sendable

MAX_REFUSALS = 10_000
"""The largest number of connections that can be refused at a time."""
MAX_REFUSAL_S = 600.0
"""After this many seconds, connections are accepted again, even if fewer than the number were refused."""
SILENCE_S = 5.0
"""A connection in the mode ``silence`` is cut after about this many seconds: the time limit of a handshake."""
MODE_PATTERN = r"^(?:503|reset|silence|garbage|close:[1-4][0-9]{3})$"
MODES = "503, reset, silence, close:CODE or garbage"
COMPLETIONS = ("503", "reset", "silence", "close:1013", "garbage")
"""Modes to suggest."""
_CLOSE = "close:"


class RefusalKind(StrEnum):
    """What a client sees when its connection is refused."""

    STATUS = "503"
    """The HTTP status 503 with a header ``Retry-After``."""
    RESET = "reset"
    """The TCP connection is reset after the handshake was received."""
    SILENCE = "silence"
    """The handshake gets no answer, until the connection is cut."""
    CLOSE = "close"
    """The handshake succeeds, and a close frame follows at once."""
    GARBAGE = "garbage"
    """Bytes that are no HTTP, as a TLS server would send them."""


_WITHOUT_CODE = {each.value for each in RefusalKind if each is not RefusalKind.CLOSE}


class RefusalMode(NamedTuple):
    """A kind with its close code, which is 0 for all kinds but ``CLOSE``."""

    kind: RefusalKind
    code: int = 0

    @override
    def __str__(self) -> str:
        return f"{_CLOSE}{self.code}" if self.kind is RefusalKind.CLOSE else self.kind.value


def parse_mode(text: str) -> RefusalMode:
    """Return the mode of a notation. Raises ``ValueError`` with a sentence for the user."""
    code = text.removeprefix(_CLOSE)
    if code != text and code.isascii() and code.isdigit() and len(code) == 4:
        if reason := why_not_sendable(int(code)):
            raise ValueError(reason)
        return RefusalMode(RefusalKind.CLOSE, int(code))
    if text in _WITHOUT_CODE:
        return RefusalMode(RefusalKind(text))
    raise ValueError(f"Invalid mode {text[:40]!r}. Use {MODES}, for example close:1013.")
