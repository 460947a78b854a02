"""What is written down when something unexpected goes wrong: enough to find the place, nothing that was said.

A report holds the kinds of the errors, files, lines and functions, and versions. It holds no values and no
messages: an error's text may quote a chat.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)

KEPT_REPORTS = 20
LIBRARIES = ("PySide6-Essentials", "qasync", "websockets", "aiohttp", "msgspec", "uvloop")

Told = Callable[[str], object]


class CrashReporter:
    """Hears of every error that nobody caught; writes a report and says one line. The program goes on."""

    def __init__(self, folder: Path, told: Told, interrupted: Callable[[], object] = lambda: None) -> None:
        """``told`` is called on the loop's thread; ``interrupted`` when Ctrl+C came into some slot."""
        self._folder = folder
        self._told = told
        self._interrupted = interrupted
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen to what slots, threads, destructors, tasks and callbacks raise."""
        self._loop = loop
        sys.excepthook = self._from_hook
        threading.excepthook = lambda args: self.report(args.exc_value, "in a thread")
        sys.unraisablehook = lambda args: self.report(args.exc_value, "in a destructor")
        loop.set_exception_handler(lambda _, context: self._from_loop(context))

    def uninstall(self) -> None:
        """Give back the hooks that were there before."""
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before
        if self._loop:
            self._loop.set_exception_handler(None)

    def report(self, error: BaseException | None, where: str) -> None:
        """Write down and say that something went wrong. Never raises. The same thing is told once."""
        if error is None or isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            return
        try:
            text = redacted(error)
            with self._lock:
                new = text not in self._seen
                self._seen.add(text)
            if not new:
                log.error("%s again: %s", type(error).__name__, where)
                return
            file = self._write(where, text)
            log.error("unexpected %s %s; report: %s", type(error).__name__, where, file or "could not be written")
            told = f"Something unexpected went wrong ({type(error).__name__}); the companion goes on."
            self._tell(told + (f" What is known of it: {file}" if file else ""))
        except Exception:  # what reports errors must not make new ones
            log.error("an error could not be reported")

    def _tell(self, text: str) -> None:
        if self._loop is None or threading.current_thread() is threading.main_thread():
            self._told(text)
        else:
            self._loop.call_soon_threadsafe(self._told, text)

    def _from_hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._interrupted()
        else:
            self.report(error, "in a slot or at the top")

    def _from_loop(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if known := _known_fault(context, error):
            log.info("ignored: %s", known)
        elif isinstance(error, BaseException):
            self.report(error, "in a task or callback")
        else:
            log.error("the loop says: %s", str(context.get("message"))[:200])

    def _write(self, where: str, text: str) -> Path | None:
        file = self._folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{len(self._seen):02}.txt"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{where}\n\n{text}\n{versions()}\n", encoding="utf-8")
            for old in sorted(self._folder.glob("crash-*.txt"))[:-KEPT_REPORTS]:
                old.unlink(missing_ok=True)
        except OSError:
            return None
        return file


def _known_fault(context: dict[str, Any], error: object) -> str:
    """Return which fault of a library this is that the program deals with by itself; an empty text if none."""
    task: Any = context.get("task") or context.get("future")
    coroutine = task.get_coro() if hasattr(task, "get_coro") else None
    if context.get("message") == "Accept failed on a socket" or getattr(coroutine, "__qualname__", "").endswith(
        "accept_coro"
    ):
        # CPython issue 93821: the server opens its listening socket again.
        return "a connection was reset before it was accepted"
    if isinstance(error, TypeError) and error.__traceback__:
        last = traceback.extract_tb(error.__traceback__)[-1]
        if last.name == "start" and Path(last.filename).parts[-2:] == ("aiohttp", "web_protocol.py"):
            # On a proactor, aiohttp looks at a request after its connection is gone.
            return "a connection was reset right after its request"
    return ""


def redacted(error: BaseException) -> str:
    """Return kinds, files, lines and functions of an error and what led to it, without values and messages."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(f"{type(current).__module__}.{type(current).__qualname__}")
        for frame in traceback.extract_tb(current.__traceback__):
            lines.append(f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}")
        if isinstance(current, BaseExceptionGroup):
            lines += [f"  group of: {', '.join(type(each).__name__ for each in current.exceptions)}"]
        hidden = current.__suppress_context__ and current.__cause__ is None
        current = None if hidden else current.__cause__ or current.__context__
        if current is not None:
            lines.append("because of")
    return "\n".join(lines)


def _place(filename: str) -> str:
    """Return a file without the folders of whoever installed it."""
    parts = Path(filename).parts
    for mark in ("site-packages", "app"):
        if mark in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(mark) :])
    return Path(filename).name


def versions() -> str:
    """Return what runs here, a line each."""
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"Python {platform.python_version()} on {platform.system()} {platform.release()}"]
    for name in LIBRARIES:
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return "\n".join(lines)
