"""Exceptions that tests get: the companion cannot be started or reached, it rejected a request, or an expectation
was not met.
"""

from typing import Any


class CompanionError(Exception):
    """The companion cannot be started or does not answer. The text says why and what to do."""


class RequestError(CompanionError):
    """The companion rejected a request. ``status`` is the HTTP status; the text says what is wrong."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class NotMetError(AssertionError):
    """An expectation of a test was not met. ``result`` is the JSON of the control API's response."""

    def __init__(self, text: str, result: Any) -> None:
        super().__init__(text)
        self.result = result
