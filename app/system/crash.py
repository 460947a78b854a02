"""Handle uncaught exceptions: write a report without private data, and show a message, once per exception.

The program keeps running, unless its main coroutine failed. A report contains the types of the exceptions, files,
lines, functions and versions. It contains no values and no messages, since these may quote a chat.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)

KEPT_REPORTS = 20
OWN_FOLDER = Path(__file__).parents[1]
LIBRARIES = ("PySide6-Essentials", "qasync", "websockets", "aiohttp", "msgspec", "uvloop")


class CrashReporter:
    """Handle every uncaught exception: write a report and show a message, once per exception, and log it.

    The program keeps running, unless its main coroutine failed.
    """

    def __init__(
        self, folder: Path, show: Callable[[str], object], interrupted: Callable[[], object] = lambda: None
    ) -> None:
        """Create a reporter that writes to ``folder``.

        ``show`` gets a message for the user, on the loop's thread. ``interrupted`` is called if a slot raises
        ``KeyboardInterrupt`` (Ctrl+C).
        """
        self._folder = folder
        self._show = show
        self._interrupted = interrupted
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Install the hooks for exceptions in slots, threads, destructors, tasks and callbacks."""
        self._loop = loop
        sys.excepthook = self._from_hook
        threading.excepthook = lambda args: self.report(args.exc_value, "in a thread")
        sys.unraisablehook = lambda args: self.report(args.exc_value, "in a destructor")
        loop.set_exception_handler(lambda _, context: self._from_loop(context))

    def uninstall(self) -> None:
        """Restore the previous hooks."""
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before
        if self._loop:
            self._loop.set_exception_handler(None)

    def report(self, error: BaseException | None, where: str) -> None:
        """Write a report and show a message; a repeat of the same exception is only logged. Never raise."""
        if error is None or isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            return
        try:
            text = redacted(error)
            with self._lock:
                new = text not in self._seen
                self._seen.add(text)
            if not new:
                log.error("repeated %s %s", type(error).__name__, where)
                return
            file = self._write(where, text)
            log.error("unexpected %s %s; report: %s", type(error).__name__, where, file or "could not be written")
            ends = self._loop is not None and not self._loop.is_running()  # raised in the main coroutine
            then = "The companion has ended." if ends else "The companion keeps running."
            message = f"Unexpected error ({type(error).__name__}). {then}"
            self._show_on_loop(message + (f" Report: {file}" if file else ""))
        except Exception:  # reporting an error must never raise another one
            log.error("writing a crash report failed")

    def _show_on_loop(self, text: str) -> None:
        if self._loop is None or threading.current_thread() is threading.main_thread():
            self._show(text)
        else:
            self._loop.call_soon_threadsafe(self._show, text)

    def _from_hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._interrupted()
        else:
            self.report(error, "in a Qt slot or the main thread")

    def _from_loop(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if known := _known_error(context, error):
            log.info("ignored a known error: %s", known)
        elif isinstance(error, BaseException):
            self.report(error, "in a task or callback")
        else:
            log.error("event loop error: %s", str(context.get("message"))[:200])

    def _write(self, where: str, text: str) -> Path | None:
        file = self._folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{len(self._seen):02}.txt"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{where}\n\n{text}\n{versions()}\n", encoding="utf-8")
        except OSError:
            return None
        with suppress(OSError):  # for example, the user has opened one on Windows
            self._remove_oldest_except(file)
        return file

    def _remove_oldest_except(self, newest: Path) -> None:
        """Keep ``KEPT_REPORTS`` reports. Those from the future, when the clock was wrong, are the first to go."""
        now = time.time_ns()

        def age(file: Path) -> tuple[bool, int]:
            modified = file.stat().st_mtime_ns
            return modified <= now, modified

        others = sorted((each for each in self._folder.glob("crash-*.txt") if each != newest), key=age)
        for old in others[: max(0, len(others) + 1 - KEPT_REPORTS)]:
            old.unlink(missing_ok=True)


def _known_error(context: dict[str, Any], error: object) -> str:
    """Describe an error of a library that is handled elsewhere; return an empty text for any other error."""
    task: Any = context.get("task") or context.get("future")
    coroutine = task.get_coro() if hasattr(task, "get_coro") else None
    if context.get("message") == "Accept failed on a socket" or getattr(coroutine, "__qualname__", "").endswith(
        "accept_coro"
    ):
        # CPython issue 93821. The server reopens its listening socket.
        return "a connection was reset before it was accepted"
    if isinstance(error, TypeError) and error.__traceback__:
        last = traceback.extract_tb(error.__traceback__)[-1]
        if last.name == "start" and Path(last.filename).parts[-2:] == ("aiohttp", "web_protocol.py"):
            # On a proactor loop, aiohttp uses a request after its connection was closed.
            return "a connection was reset right after its request"
    return ""


def redacted(error: BaseException) -> str:
    """Format an exception and its causes: types, files, lines and functions, without values and messages."""
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
    """Return the path of a source file relative to its package, without private folder names."""
    path, parts = Path(filename), Path(filename).parts
    if "site-packages" in parts:
        return "/".join(parts[len(parts) - 1 - parts[::-1].index("site-packages") :])
    if path.is_relative_to(OWN_FOLDER):
        return path.relative_to(OWN_FOLDER.parent).as_posix()
    return path.as_posix() if parts[:1] == (OWN_FOLDER.name,) else path.name  # in a bundle, paths are relative


def versions() -> str:
    """Return the versions of Python, the system and the main libraries, one per line."""
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"Python {platform.python_version()} on {platform.system()} {platform.release()}"]
    for name in LIBRARIES:
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return "\n".join(lines)
