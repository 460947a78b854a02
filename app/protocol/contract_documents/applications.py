"""The applications that an AsyncAPI document can describe."""

from enum import StrEnum


class Application(StrEnum):
    """The application that a document describes."""

    BACKEND = "backend"
    CLIENT = "client"
    """The chat UI."""
