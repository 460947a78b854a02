"""A typed signal without Qt: listeners connect a callable, ``emit`` calls them, and their errors are logged."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Signal(Generic[T]):
    """Call every connected listener, in the order in which they were connected."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[T], object]] = []

    def __bool__(self) -> bool:
        """Return whether a listener is connected."""
        return bool(self._listeners)

    def connect(self, listener: Callable[[T], object]) -> Callable[[], None]:
        """Add a listener. Return a callable that removes it and may be called twice."""
        self._listeners.append(listener)

        def disconnect() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return disconnect

    def emit(self, value: T) -> None:
        """Call all connected listeners. An exception in one is logged, and the others are still called."""
        for listener in tuple(self._listeners):
            try:
                listener(value)
            except Exception:
                log.exception("a listener failed")
