import asyncio
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from app.system import crash
from app.system.crash import KEPT_REPORTS, CrashReporter, redacted

SECRET = "swordfish-under-the-mat"
PREFIXES = ["unexpected ", "event loop error: "]


def fail(text: str = SECRET) -> NoReturn:
    raise ValueError(text)


def create_error(text: str = SECRET) -> BaseException:
    try:
        try:
            fail(text)
        except ValueError as error:
            raise RuntimeError(text) from error
    except RuntimeError as error:
        return error


def reports(folder: Path) -> list[str]:
    return [file.read_text() for file in sorted(folder.glob("crash-*.txt"))]


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
async def reporter(tmp_path: Path, messages: list[str], expected_warnings: list[str]) -> CrashReporter:
    expected_warnings.append("unexpected ")
    return CrashReporter(tmp_path, messages.append)


def test_a_report_contains_error_types_causes_and_locations_but_no_messages() -> None:
    text = redacted(create_error())
    assert [line.partition(" ")[0] for line in text.splitlines() if not line.startswith(" ")] == [
        "builtins.RuntimeError", "because", "builtins.ValueError",
    ]  # fmt: skip
    assert "test_crash.py" in text
    assert " in fail" in text
    assert SECRET not in text


def test_the_report_of_an_exception_group_names_its_types() -> None:
    assert "group of: ValueError, KeyError" in redacted(ExceptionGroup(SECRET, [ValueError(SECRET), KeyError()]))


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        (crash.__file__, "app/system/crash.py"),
        ("app/system/crash.py", "app/system/crash.py"),
        ("/home/alice/secret/lib/site-packages/qasync/__init__.py", "site-packages/qasync/__init__.py"),
        ("/home/alice/app/secret/lib/python3.11/asyncio/events.py", "events.py"),
        ("<string>", "<string>"),
    ],
)
def test_the_place_in_a_report_has_no_private_folder(file: str, shown: str) -> None:
    code = compile("def fail(): 1 / 0", file, "exec")
    names: dict[str, Any] = {}
    exec(code, names)
    with pytest.raises(ZeroDivisionError) as caught:
        names["fail"]()
    assert f"  {shown}:1 in fail" in redacted(caught.value)


def test_an_error_that_ends_the_program_is_reported_as_such(reporter: CrashReporter, messages: list[str]) -> None:
    """Regression: the message was that the companion keeps running."""
    loop = asyncio.new_event_loop()
    try:
        reporter.install(loop)
        sys.excepthook(ValueError, ValueError(SECRET), None)
    finally:
        reporter.uninstall()
        loop.close()
    assert "Unexpected error (ValueError). The companion has ended." in messages[0]


def test_errors_that_cause_each_other_are_reported_once() -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    assert redacted(first).count("because of") == 2


async def test_one_line_is_logged_with_the_path_of_the_report(
    reporter: CrashReporter, tmp_path: Path, messages: list[str]
) -> None:
    reporter.report(create_error(), "in a test")
    (text,) = reports(tmp_path)
    assert text.startswith("in a test\n\nbuiltins.RuntimeError")
    assert "websockets " in text
    assert len(messages) == 1
    assert "RuntimeError" in messages[0]
    assert str(tmp_path) in messages[0]
    assert SECRET not in text + messages[0]


async def test_a_repeated_error_is_reported_once(
    reporter: CrashReporter, tmp_path: Path, messages: list[str], expected_warnings: list[str]
) -> None:
    expected_warnings.append("repeated RuntimeError")
    for _ in range(3):
        reporter.report(create_error(), "in a test")
    assert len(messages) == len(reports(tmp_path)) == 1


async def test_old_reports_are_deleted(reporter: CrashReporter, tmp_path: Path) -> None:
    for number in range(KEPT_REPORTS + 3):
        error_type = type(f"Error{number}", (Exception,), {})
        reporter.report(error_type(), "in a test")
    assert len(reports(tmp_path)) == KEPT_REPORTS


async def test_reports_are_kept_although_older_ones_have_later_dates(
    reporter: CrashReporter, tmp_path: Path
) -> None:
    """Regression: the clock had been ahead; the report that the message named was deleted at once."""
    later = time.time() + 1e6
    for number in range(KEPT_REPORTS):
        file = tmp_path / f"crash-29990101-000000-{number:02}.txt"
        file.write_text("")
        os.utime(file, (later, later))
    for error_type in (KeyError, IndexError):
        reporter.report(error_type(), "in a test")
    kept = reports(tmp_path)
    assert len(kept) == KEPT_REPORTS
    assert [
        sum(each.startswith("in a test\n\nbuiltins." + name) for each in kept) for name in ("Key", "Index")
    ] == [1, 1]


async def test_an_error_is_logged_when_its_report_cannot_be_written(
    reporter: CrashReporter, tmp_path: Path, messages: list[str]
) -> None:
    reporter._folder = tmp_path / "file" / "logs"
    (tmp_path / "file").write_text("")
    reporter.report(create_error(), "in a test")
    assert len(messages) == 1
    assert "Report:" not in messages[0]


async def test_errors_in_tasks_callbacks_threads_slots_and_destructors_are_reported(
    reporter: CrashReporter, messages: list[str], expected_warnings: list[str]
) -> None:
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    loop = asyncio.get_running_loop()
    reporter._before = before
    reporter.install(loop)
    try:

        class FailingDestructor:
            def __del__(self) -> None:
                raise LookupError(SECRET)

        async def broken() -> None:
            raise OSError(SECRET)

        loop.call_soon(fail)
        thread = threading.Thread(target=lambda: dict[str, str]()[SECRET])
        thread.start()
        thread.join()
        FailingDestructor()
        loop.call_exception_handler({"message": "a task failed", "exception": OSError(SECRET)})
        sys.excepthook(TypeError, TypeError(SECRET), None)
        await asyncio.sleep(0.05)
    finally:
        reporter.uninstall()
    kinds = sorted(line.partition("(")[2].partition(")")[0] for line in messages)
    assert kinds == ["KeyError", "LookupError", "OSError", "TypeError", "ValueError"]
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


async def test_ctrl_c_in_a_slot_stops_the_program(tmp_path: Path, messages: list[str]) -> None:
    stopped: list[bool] = []
    reporter = CrashReporter(tmp_path, messages.append, lambda: stopped.append(True))
    reporter._from_hook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert (stopped, messages) == ([True], [])


@pytest.fixture
async def silent_reporter(tmp_path: Path, messages: list[str]) -> CrashReporter:
    """Return a reporter that is not expected to report anything."""
    return CrashReporter(tmp_path, messages.append)


async def test_a_failed_accept_is_not_reported(
    silent_reporter: CrashReporter, tmp_path: Path, messages: list[str]
) -> None:
    """A proactor loop (Windows) reports this if a caller resets its connection. The servers handle it."""
    message = "Accept failed on a socket"
    silent_reporter._from_loop({"message": message, "exception": OSError(64, SECRET), "socket": None})

    async def accept_coro() -> None:
        raise OSError(64, SECRET)

    task = asyncio.ensure_future(accept_coro())
    await asyncio.wait([task])
    context = {"message": "Task exception was never retrieved", "exception": task.exception(), "future": task}
    silent_reporter._from_loop(context)
    assert (messages, reports(tmp_path)) == ([], [])


async def test_the_error_of_aiohttp_about_a_closed_connection_is_not_reported(
    silent_reporter: CrashReporter, tmp_path: Path, messages: list[str]
) -> None:
    source = "def start(factory):\n    factory()\n"
    names: dict[str, Any] = {}
    exec(compile(source, str(tmp_path / "aiohttp" / "web_protocol.py"), "exec"), names)
    with pytest.raises(TypeError) as caught_error:
        names["start"](None)
    silent_reporter._from_loop({"message": "Task exception was never retrieved", "exception": caught_error.value})
    assert (messages, reports(tmp_path)) == ([], [])


async def test_any_other_type_error_is_reported(reporter: CrashReporter, messages: list[str]) -> None:
    with pytest.raises(TypeError) as caught_error:
        len(3)  # type: ignore[arg-type]
    reporter._from_loop({"message": "Task exception was never retrieved", "exception": caught_error.value})
    assert len(messages) == 1
