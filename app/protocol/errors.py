"""Why something was not done. The text is for people: what was wrong, where, and what to do.

No error knows about HTTP: ``endpoints.errors`` maps each to a status code.
"""


class RequestError(Exception):
    """A request that cannot be carried out. Nothing has changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Malformed(RequestError):
    """The request itself is not usable: a missing field, a bad name."""


class Invalid(RequestError):
    """The request is well-formed, but its content violates a rule."""


class NotFound(RequestError):
    """What the request is about does not exist."""


class Conflict(RequestError):
    """The request does not fit the present state."""


class TooLarge(RequestError):
    """The request is over a size limit."""


class Unreachable(RequestError):
    """Another host that had to be asked did not answer."""


class StorageError(Exception):
    """The disk or the database failed. Nothing was half-written."""
