"""A stack of named pages, each built when it is first shown or used.
After ``build_the_rest``, other pages are also built while the event loop is idle, except those in ``on_demand``.
"""

from collections.abc import Callable, Collection, Mapping

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStackedWidget, QWidget


class LazyStack(QStackedWidget):
    """Show one of several named pages. A page that has not been built yet has an empty widget as placeholder.

    The pages named by ``on_demand`` are only built on first use, to save memory.
    """

    def __init__(self, makers: Mapping[str, Callable[[], QWidget]], on_demand: Collection[str] = ()) -> None:
        super().__init__()
        self._makers = makers
        self._skipped = set(on_demand)
        """Pages that are not built while the event loop is idle."""
        self._names = list(makers)
        self._built: dict[str, QWidget] = {}
        self._places = {name: QWidget() for name in makers}
        for place in self._places.values():
            self.addWidget(place)
        self._idle = QTimer(self, interval=0)
        self._idle.timeout.connect(self._build_next)

    @property
    def built(self) -> tuple[QWidget, ...]:
        """The pages that have been built."""
        return tuple(self._built.values())

    @property
    def current(self) -> str:
        """The name of the visible page."""
        return self._names[self.currentIndex()]

    def has(self, name: str) -> bool:
        """Return whether a page has been built."""
        return name in self._built

    def page(self, name: str) -> QWidget:
        """Return a page; the first call builds it."""
        if name not in self._built:
            page = self._makers[name]()
            self._built[name] = page
            shown, place = self.currentIndex(), self._places.pop(name)
            self.insertWidget(self._names.index(name), page)
            self.removeWidget(place)
            place.deleteLater()
            self.setCurrentIndex(shown)
        return self._built[name]

    def show_page(self, name: str) -> None:
        """Show a page; build it if necessary."""
        self.setCurrentWidget(self.page(name))

    def build_the_rest(self) -> None:
        """Build the remaining pages, one each time the event loop is idle."""
        self._idle.start()

    def close_down(self) -> None:
        """Stop building pages when the event loop is idle."""
        self._idle.stop()

    def _build_next(self) -> None:
        name = next((each for each in self._places if each not in self._skipped), None)
        if name is None:
            self._idle.stop()
            return
        try:
            if not self._prepare(name):
                self.page(name)
        except Exception:
            self._skipped.add(name)  # it is built again when it is used
            raise

    def _prepare(self, name: str) -> bool:
        """Do a part of the work before a page is built. Called until it returns False: nothing is left."""
        return False
