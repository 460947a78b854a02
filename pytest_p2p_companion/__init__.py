"""A pytest plugin that starts P2P Chat Companion for tests of a chat UI, and a client of its control API.

It imports nothing of the companion itself, which runs as a process of its own (``companion serve``).
"""

from pytest_p2p_companion.client import Companion
from pytest_p2p_companion.errors import CompanionError, NotMetError, RequestError
from pytest_p2p_companion.options import CompanionOptions
from pytest_p2p_companion.shapes import Fired, JournalRow, RunInfo

__all__ = [
    "Companion",
    "CompanionError",
    "CompanionOptions",
    "Fired",
    "JournalRow",
    "NotMetError",
    "RequestError",
    "RunInfo",
]
