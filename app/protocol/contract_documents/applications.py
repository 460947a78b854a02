"""The applications that an AsyncAPI document can describe: the backend, or the chat UI (``client``)."""

from enum import StrEnum


class Application(StrEnum):
    """The application that a document describes."""

    BACKEND = "backend"
    CLIENT = "client"
    """The chat UI."""
