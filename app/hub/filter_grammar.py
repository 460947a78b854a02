"""Texts that explain the log's filter language, for completion and the window's help: keys, values and examples.
``filter`` parses the language.
"""

from typing import NamedTuple

from app.protocol.lint.rules import RULES


class Meaning(NamedTuple):
    """A piece of a filter and what it matches."""

    text: str
    meaning: str


KEY_MEANINGS = (
    Meaning("event", "Name of the event"),
    Meaning("dir", "Direction"),
    Meaning("client", "Number of a client"),
    Meaning("user", "Frames to, from or about a user"),
    Meaning("is", "Result or kind of the row"),
    Meaning("origin", "What caused the row"),
    Meaning("larger", "Size of the frame"),
    Meaning("after", "Age of the row"),
    Meaning("annotation", "Text of your annotation"),
    Meaning("lint", "Rule of the lint that the row violates"),
)

VALUE_MEANINGS = {
    "dir": (
        Meaning("s2c", "To UI ↓"),
        Meaning("c2s", "From UI ↑"),
        Meaning("server", "Events of the server itself"),
    ),
    "is": (
        Meaning("invalid", "Violates the contract, or a REST call that failed"),
        Meaning("warning", "Valid, but without the usual effect, for example not delivered"),
        Meaning("ok", "Neither invalid nor a warning"),
        Meaning("injected", "Fired by hand or by a script"),
        Meaning("priming", "Sent to a new browser automatically (priming)"),
        Meaning("raw", "Sent as a raw frame"),
        Meaning("ui-state", "Warns that the released UI is in a wrong state"),
        Meaning("pinned", "Pinned by you"),
        Meaning("annotated", "Annotated by you"),
        Meaning("lint", "Violates a rule of the lint"),
    ),
    "annotation": (),
    "lint": tuple(Meaning(rule.id, rule.title) for rule in RULES),
    "origin": (
        Meaning("panel", "The window"),
        Meaning("tray", "The tray menu"),
        Meaning("control", "A script or the command line"),
        Meaning("agent", "A coding agent"),
        Meaning("client", "A client"),
        Meaning("rest", "A REST call"),
        Meaning("backend", "The chat state"),
        Meaning("auto-reply", "An automatic reply"),
        Meaning("priming", "A message sent to a new browser automatically (priming)"),
        Meaning("server", "The server"),
        Meaning("peers", "A peer, or a message to one"),
        Meaning("faults", "A frame that a fault has changed, delayed or repeated"),
        Meaning("scenario", "A scenario or a recording that is played"),
        Meaning("supabase", "The Supabase project"),
    ),
    "larger": (
        Meaning("1k", "More than 1 KiB"),
        Meaning("10k", "More than 10 KiB"),
        Meaning("1m", "More than 1 MiB"),
    ),
    "after": (
        Meaning("10s", "The last 10 seconds, and new rows"),
        Meaning("1m", "The last minute, and new rows"),
        Meaning("5m", "The last 5 minutes, and new rows"),
        Meaning("1h", "The last hour, and new rows"),
    ),
}
"""Values of the keys that have the same values in every session. Only some sizes and ages are listed."""

EXAMPLES = (
    Meaning("event:typing", "Events with “typing” in their name"),
    Meaning("event:typing,mark_read", "A comma: one of these"),
    Meaning("event:=typing", "Events with exactly this name"),
    Meaning("-event:typing", "A minus: everything except these"),
    Meaning("dir:s2c", "Direction: s2c (to the UI), c2s (from the UI) or server"),
    Meaning("client:2", "Frames that client 2 sent or received"),
    Meaning("user:alice", "Frames to, from or about alice"),
    Meaning("is:invalid", "Violates the contract; also ok, warning, raw, injected, priming, ui-state"),
    Meaning("is:pinned", "Rows that you pinned; also annotated"),
    Meaning("annotation:late", "Rows whose annotation contains this text"),
    Meaning("lint:typing", "Violates a rule of the lint with “typing” in its id; is:lint: any rule"),
    Meaning("origin:rest", "Cause: rest, panel, tray, control, client, backend, …"),
    Meaning("larger:1k", "Frames larger than 1 KiB; m is MiB"),
    Meaning("after:10s", "The last 10 seconds, and new rows; also m and h"),
    Meaning("hello", "This text in the frame, the event name or the note"),
    Meaning('"are you there"', "A text with spaces"),
    Meaning("/msg_[0-9]+/", "A regular expression"),
)
"""One example per kind of term."""
