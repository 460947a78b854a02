"""The types of a script: frames to send, actions of the user, frames and calls that the UI must send, and pauses.
A script is what the templates write as a test or as handlers: these steps, and the chat state and REST responses
of the recording that ``script.py`` made it from.
"""

from typing import Any, NamedTuple

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.wire_names import WireNames

CLIENT_EVENTS = built_in().names(Direction.FROM_UI)
"""The built-in events of the UI."""


class Send(NamedTuple):
    """A frame to the UI. ``data`` and ``event`` are those of a decodable frame, otherwise ``event`` is empty.

    ``frame`` is its text as clients receive it, with the script's names of the envelope's keys.
    ``is_effect``: a companion sends it automatically. ``is_valid``: it is a built-in event without a problem.
    ``is_raw``: it was sent without changing the chat state, although a companion would store it if it were fired.
    """

    row: int
    frame: str
    event: str = ""
    data: Any = None
    is_effect: bool = False
    is_valid: bool = False
    is_raw: bool = False


class Act(NamedTuple):
    """An action of the user of the UI: ``open`` the chat with a friend, ``type`` or ``send`` a text in it."""

    what: str
    friend: str
    text: str = ""


class Expect(NamedTuple):
    """An expected client event, or a REST call such as ``POST /messages``, with at least these fields."""

    row: int
    event: str
    data: dict[str, Any]
    is_rest: bool = False
    sent_text: str = ""
    """The text of a message that was stored, which the UI then shows."""
    msg_id: str = ""
    """The recorded ID of that message, if later frames of the script contain it. It differs each time."""
    opens: str = ""
    """The friend whose chat the UI opened with this call."""


class Turn(NamedTuple):
    """Expected events and calls with one cause: actions of the user, or the frame before."""

    acts: tuple[Act, ...]
    expects: tuple[Expect, ...]


class Pause(NamedTuple):
    """A wait in which a timer of the UI ends."""

    seconds: float
    why: str


class Response(NamedTuple):
    """The recorded response to a REST call with its query, in the order of the calls."""

    call: str
    status: int
    body: Any


Step = Send | Turn | Pause


class Script(NamedTuple):
    """A recording as a script. ``notes`` are sentences about what was left out.

    ``names`` are those of the envelope's keys in frames on the wire. ``outdated`` are the texts of messages that
    were deleted or edited.
    """

    title: str
    me: str
    state: dict[str, Any] | None
    steps: tuple[Step, ...]
    responses: tuple[Response, ...]
    loads: tuple[str, ...]
    """The GET requests with which the UI loaded its data before the first frame. A frame must not precede them."""
    notes: tuple[str, ...]
    names: WireNames
    outdated: frozenset[str] = frozenset()

    @property
    def uses_posted_ids(self) -> bool:
        """Whether frames contain IDs of messages that the UI has posted before, which differ each time."""
        turns = (each for each in self.steps if isinstance(each, Turn))
        return any(each.msg_id for turn in turns for each in turn.expects)
