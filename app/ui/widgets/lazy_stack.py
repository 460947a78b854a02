"""A stack of pages that are built when they are first wanted, or when there is nothing better to do."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStackedWidget, QWidget


class LazyStack(QStackedWidget):
    """Shows one of several pages; an empty widget keeps the place of a page that was not built yet."""

    def __init__(self, makers: Sequence[Callable[[], QWidget]]) -> None:
        super().__init__()
        self._makers = makers
        self._built: dict[int, QWidget] = {}
        self._places = {number: QWidget() for number in range(len(makers))}
        for place in self._places.values():
            self.addWidget(place)
        self._idle = QTimer(self, interval=0)
        self._idle.timeout.connect(self._build_next)

    @property
    def built(self) -> tuple[QWidget, ...]:
        """The pages that are there."""
        return tuple(self._built.values())

    def has(self, number: int) -> bool:
        """Return whether a page was built."""
        return number in self._built

    def page(self, number: int) -> QWidget:
        """Return a page; the first call builds it."""
        if number not in self._built:
            page = self._makers[number]()
            self._built[number] = page
            shown, place = self.currentIndex(), self._places.pop(number)
            self.insertWidget(number, page)
            self.removeWidget(place)
            place.deleteLater()
            self.setCurrentIndex(shown)
        return self._built[number]

    def show_page(self, number: int) -> None:
        """Bring a page to the front."""
        self.setCurrentWidget(self.page(number))

    def build_the_rest(self) -> None:
        """Build what is missing, one page whenever Qt has nothing else to do."""
        self._idle.start()

    def close_down(self) -> None:
        """Build no more pages by itself."""
        self._idle.stop()

    def _build_next(self) -> None:
        if self._places:
            self.page(min(self._places))
        else:
            self._idle.stop()
