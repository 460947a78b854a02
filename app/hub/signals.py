"""A typed signal: who wants to know connects a callable."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Signal(Generic[T]):
    """Calls every connected callable, in the order in which they connected."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[T], object]] = []

    def __bool__(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def connect(self, listener: Callable[[T], object]) -> Callable[[], None]:
        """Add ``listener``; the returned callable removes it and may be called twice."""
        self._listeners.append(listener)

        def disconnect() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return disconnect

    def emit(self, value: T) -> None:
        """Call everybody who is connected now. A listener that fails is logged; the others still hear."""
        for listener in tuple(self._listeners):
            try:
                listener(value)
            except Exception:
                log.exception("a listener failed")
