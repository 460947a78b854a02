"""A pytest plugin that starts P2P Chat Companion for tests of a chat UI, and a client of its control API.

It imports nothing of the companion itself, which runs as a process of its own (``companion serve``). pytest imports
this package at every start, so it loads its modules when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
_MODULES = {
    "Companion": "client",
    "CompanionError": "errors",
    "NotMetError": "errors",
    "RequestError": "errors",
    "CompanionOptions": "options",
    "Fired": "shapes",
    "JournalRow": "shapes",
    "RunInfo": "shapes",
}


def __getattr__(name: str) -> Any:
    """Load the module of a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
