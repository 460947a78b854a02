"""Run npm's wscat in a pseudo-terminal."""

import os
import re
import subprocess
import threading
from typing import Any, Self

from typing_extensions import override

from .processes import PATIENCE_S, wait_until
from .tools import missing, need

try:
    import fcntl
    import pty
    import struct
    import termios
except ImportError:  # Windows
    pty = None  # type: ignore[assignment]

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROWS, COLUMNS = 50, 400


class Wscat:
    """A terminal in which ``wscat -c URL`` runs. ``screen`` is all its output."""

    def __init__(self, url: str, *options: str) -> None:
        if pty is None:
            missing("wscat needs a POSIX terminal, which this system does not have")
        program = need("wscat", install="npm install -g wscat")
        self.name = f"wscat {url}"
        self._shown = b""
        self._terminal, child_side = pty.openpty()
        fcntl.ioctl(child_side, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        try:
            self.process = subprocess.Popen(
                [program, "-c", url, *options],
                stdin=child_side,
                stdout=child_side,
                stderr=child_side,
                start_new_session=True,
            )
        finally:
            os.close(child_side)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_S)
        os.close(self._terminal)

    @override
    def __str__(self) -> str:
        return f"{self.name}\n{self.screen}"

    @property
    def screen(self) -> str:
        """All output, without colours and cursor movements."""
        return ESCAPES.sub("", self._shown.decode("utf-8", "replace")).replace("\r", "")

    @property
    def lines(self) -> list[str]:
        """The lines of the output, without the prompts that redrawing leaves before received frames."""
        return [line.removeprefix("> ") if line.startswith("> <") else line for line in self.screen.split("\n")]

    @property
    def open(self) -> bool:
        """Whether it is connected. wscat ends when its connection ends."""
        return self.process.poll() is None and "Disconnected" not in self.screen

    def wait_for_line(self, line: str, times: int = 1) -> None:
        """Wait until the output contains ``line`` ``times`` times."""
        try:
            wait_until(lambda: self.lines.count(line) >= times, repr(line))
        except AssertionError as error:
            raise AssertionError(f"{error}; the output is:\n{self}") from None

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self._terminal, line.encode() + b"\r")

    def quit(self) -> None:
        """Press Ctrl+C."""
        os.write(self._terminal, b"\x03")
        self.process.wait(PATIENCE_S)

    def _read(self) -> None:
        while True:
            try:
                more = os.read(self._terminal, 4096)
            except OSError:  # Linux reports the end of the program as an error
                return
            if not more:
                return
            self._shown += more
