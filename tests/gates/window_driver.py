"""Operate the real window step by step inside its process. The program runs between the steps."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer

TICK_MS = 10


class WindowDriver(ABC):
    """Starts when the file ``DATA_DIR/NAME`` appears, and writes its report to ``DATA_DIR/NAME.json``."""

    def __init__(self, data_dir: Path, name: str) -> None:
        self._data_dir = data_dir
        self._name = name
        self._steps: Iterator[None] | None = None
        self.flaws: set[str] = set()
        self._timer = QTimer(interval=TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    @abstractmethod
    def steps(self) -> Iterator[None]:
        """Yield after each step. An exception is reported as a flaw and ends the steps."""

    @abstractmethod
    def report(self) -> dict[str, Any]:
        """Return the results for the gate, except for the flaws."""

    def _tick(self) -> None:
        if self._steps is None:
            if (self._data_dir / self._name).exists():
                self._steps = self.steps()
            return
        try:
            next(self._steps)
        except StopIteration:
            self._end()
        except Exception as error:
            self.flaws.add(f"{type(error).__name__}: {error}")
            self._end()

    def _end(self) -> None:
        self._timer.stop()
        part = self._data_dir / f"{self._name}.part"
        part.write_text(json.dumps({"flaws": sorted(self.flaws), **self.report()}))
        part.rename(self._data_dir / f"{self._name}.json")
