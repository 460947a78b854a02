"""The history of visits to pages and headings of the manual, for Back and Forward in the Help room.
Each visit has the scroll position at which the user left it.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Visit:
    """A page of the manual or a heading on it, and the scroll position in pixels when the page was left."""

    page: str
    anchor: str = ""
    scrolled: int | None = None


class ReadingHistory:
    """The visits and the index of the current one. As in a browser, ``go`` removes the visits after it."""

    def __init__(self) -> None:
        self._visits: list[Visit] = []
        self._at = -1

    @property
    def current(self) -> Visit | None:
        """The visit that is shown; None before the first one."""
        return self._visits[self._at] if self._visits else None

    @property
    def can_go_back(self) -> bool:
        """Whether there is an earlier visit."""
        return self._at > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether there is a later visit."""
        return self._at < len(self._visits) - 1

    def go(self, place: Visit, scrolled: int) -> None:
        """Add a visit unless the current one is to the same place. ``scrolled`` is the scroll position now."""
        if self.current and (self.current.page, self.current.anchor) == (place.page, place.anchor):
            return
        self._leave(scrolled)
        self._visits[self._at + 1 :] = [place]
        self._at += 1

    def step(self, by: int, scrolled: int) -> Visit | None:
        """Go back (-1) or forward (1) and return that visit, or None at the end. ``scrolled`` is as in ``go``."""
        if not 0 <= self._at + by < len(self._visits):
            return None
        self._leave(scrolled)
        self._at += by
        return self._visits[self._at]

    def _leave(self, scrolled: int) -> None:
        if self._visits:
            self._visits[self._at] = replace(self._visits[self._at], scrolled=scrolled)
