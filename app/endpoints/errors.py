"""Return the HTTP status code for a ``RequestError``, by its subclass, for error responses of the HTTP servers."""

from http import HTTPStatus

from app.protocol.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    RequestError,
    TooLarge,
    Unreachable,
    Unsupported,
)

STATUS: dict[type[RequestError], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unsupported: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unreachable: HTTPStatus.BAD_GATEWAY,
}


def status_of(error: RequestError) -> HTTPStatus:
    """Return the HTTP status code for an error: 400 if it is of no subclass in ``STATUS``."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)
