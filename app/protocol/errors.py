"""Exceptions for requests that fail, from any interface: ``RequestError``, its subclasses, and ``StorageError``.

Users see their texts. The errors do not depend on HTTP: ``endpoints.errors`` maps each ``RequestError`` to a status
code. ``StorageError`` (the disk or database failed) is not a ``RequestError``: the REST stand-in, which replaces
the chat app's REST API, answers it with status 500, and the control API with 503.
"""


class RequestError(Exception):
    """A request that cannot be carried out. Nothing has changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Malformed(RequestError):
    """The request is malformed: a field is missing or invalid."""


class Invalid(RequestError):
    """The request is well-formed, but its content violates a rule."""


class Forbidden(RequestError):
    """The requester may not do this."""


class NotFound(RequestError):
    """The object of the request does not exist."""


class Conflict(RequestError):
    """The request conflicts with the current state."""


class TooLarge(RequestError):
    """The request exceeds a size limit."""


class Unsupported(RequestError):
    """The body of the request is in a form that is not supported."""


class Unreachable(RequestError):
    """Another host that is needed for the request did not respond."""


class StorageError(Exception):
    """The disk or the database failed. Nothing was changed."""


class InUse(StorageError):
    """A file cannot be renamed or deleted, on Windows while another program reads it. Try later."""
