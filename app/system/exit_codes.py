"""The exit codes of the program with their meanings. ``companion --help`` prints them.
The page ``exit-codes`` of the manual has the same meanings; a test compares them.
"""

from enum import IntEnum


class Exit(IntEnum):
    """An exit code with its meaning, as ``companion --help`` and the manual print it."""

    meaning: str

    OK = 0, "done (an event that was fired counts as done even if no client received it)"
    FAILED = (
        1,
        "failed, or a check was not passed: an expected event was not received, "
        "or the UI's types differ from the contract",
    )
    USAGE = (
        2,
        "wrong usage: an option, event, target, filter or value is not valid, or what the command names, such as a "
        "fixture, a row or a file to read, does not exist; a retry fails too",
    )
    BUSY = 3, "a port or the data folder is in use"
    NOT_RUNNING = 4, "no companion is running"
    INTERRUPTED = 130, "interrupted by Ctrl+C before it was done"

    def __new__(cls, code: int, meaning: str) -> "Exit":
        """Attach the meaning to the number."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.meaning = meaning
        return made


TABLE = "Exit codes: " + "; ".join(f"{each} {each.meaning}" for each in Exit) + "."
