"""What every test has: no unexpected warnings in the log, and a running companion for those that ask.

The whole suite runs in several processes; what is named on the command line runs in this one, for a debugger.
"""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # never the developer's own
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start the program hundreds of times: compile it once

import hypothesis
import pytest
from websockets.asyncio.client import ClientConnection, connect
from xdist.scheduler import LoadScopeScheduling

from app.companion import Companion
from app.hub.clock import Clock, use_fine_clock
from app.system.settings import Settings


def examples(number: int) -> int:
    """Return how many examples a test tries: ``number``, or ``COMPANION_EXAMPLES`` times as many (nightly)."""
    return number * int(os.environ.get("COMPANION_EXAMPLES", "1"))


# Without a deadline, which would be a limit on wall-clock time: a busy machine must not fail a test.
hypothesis.settings.register_profile("suite", deadline=None, max_examples=examples(100))
hypothesis.settings.load_profile("suite")

sys.dont_write_bytecode = False  # each process of the suite collects all modules
MOST_PROCESSES = 4
PATIENCE_S = 30.0
"""Limit of a wait for something that takes milliseconds on an idle machine. A test fails if it is reached."""
AT_THE_UIS_PORT = (
    "test_chat_on_desktop.py",
    "test_chat_ui.py",
    "test_ci_example.py",
    "test_guide_browser.py",
    "test_manual_examples.py",
    "test_ui_state_command.py",
)
"""End-to-end tests that serve a page where the UI's development server is: there is one such port."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        return 0
    return min(MOST_PROCESSES, 1 + (os.cpu_count() or 1))  # one more: many tests wait rather than work


def pytest_collection_finish() -> None:
    """Exclude the modules and the collected tests from garbage collection: many tests collect when they end."""
    gc.collect()
    gc.freeze()


class Scheduling(LoadScopeScheduling):
    """Gives a file of end-to-end tests to one process, those that share a port to the same, and others to any."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if not path.startswith("tests/e2e/"):
            return nodeid
        return "the UI's port" if path.endswith(AT_THE_UIS_PORT) else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return Scheduling(config, log)


unknown_home = pytest.mark.skipif(
    sys.platform == "win32",
    reason="on Windows, the home folder of any user is the folder of that name beside one's own",
)
"""For tests of a path such as ~NAME/x."""


def make_link(link: Path, target: Path | str) -> None:
    """Create a symbolic link. Skip the test if that is not possible: a user of Windows may not, and wine cannot."""
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this user may not create symbolic links")
    if not link.is_symlink():
        pytest.skip("wine creates no symbolic links")


def new_loop() -> asyncio.AbstractEventLoop:
    """Return the kind of loop that ``serve`` uses on this system (without uvloop)."""
    loop = asyncio.SelectorEventLoop()
    use_fine_clock(loop)
    return loop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run asynchronous tests on that loop: on Windows, asyncio's default is another one."""
    return {"asyncio": new_loop}


class Connect(Protocol):
    """Opens a client of the companion; it is closed when the test ends."""

    def __call__(self, username: str | None = None, **options: Any) -> Awaitable[ClientConnection]: ...


@pytest.fixture
def expected_warnings() -> list[str]:
    """Beginnings of the log lines at WARNING and above that the test provokes; each of them must come."""
    return []


@pytest.fixture(autouse=True)
def _no_unexpected_warnings(caplog: pytest.LogCaptureFixture, expected_warnings: list[str]) -> Iterator[None]:
    yield
    told = [
        record.getMessage()
        for phase in ("setup", "call", "teardown")
        for record in caplog.get_records(phase)
        if record.levelno >= logging.WARNING
    ]
    unexpected = [line for line in told if not line.startswith(tuple(expected_warnings))]
    missing = [start for start in expected_warnings if not any(line.startswith(start) for line in told)]
    assert not unexpected, f"unexpected warnings in the log: {unexpected}"
    assert not missing, f"expected warnings that did not come: {missing}"


@pytest.fixture
def own_logging() -> Iterator[None]:
    """End the log that the program begins in this process, and restore the levels."""
    root, library = logging.getLogger(), logging.getLogger("websockets")
    handlers, levels = list(root.handlers), (root.level, library.level)
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(levels[0])
    library.setLevel(levels[1])


async def until(condition: Callable[[], object], timeout: float = PATIENCE_S) -> None:
    """Wait until ``condition`` holds. Fail if it does not within ``timeout`` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while not condition():
        if loop.time() > deadline:
            raise AssertionError(f"The condition did not become true within {timeout:g} s.")
        await asyncio.sleep(0.005)


@pytest.fixture(scope="session")
def qapp_cls() -> Any:
    """Whose instance ``qapp`` is: the program's own application."""
    from app.desktop import Application

    return Application


class MakeCompanion(Protocol):
    """Makes a companion whose chat state is open; it is closed when the test ends."""

    def __call__(
        self,
        *,
        clock: Clock | None = None,
        chat_file: Path | None = None,
        fixtures_folder: Path | None = None,
        **settings: Any,
    ) -> Awaitable[Companion]: ...


@pytest.fixture
async def make_companion() -> AsyncIterator[MakeCompanion]:
    """Makes companions that do not listen yet, on free ports when they do."""
    made: list[Companion] = []

    async def make(
        *,
        clock: Clock | None = None,
        chat_file: Path | None = None,
        fixtures_folder: Path | None = None,
        **settings: Any,
    ) -> Companion:
        wanted = Settings(**{"port": 0, "rest_port": 0, **settings})
        companion = Companion(wanted, clock=clock, chat_file=chat_file, fixtures_folder=fixtures_folder)
        made.append(companion)
        await companion.open()
        return companion

    yield make
    for companion in made:
        await companion.close()


@pytest.fixture
async def companion() -> AsyncIterator[Companion]:
    """A companion that listens on a free port."""
    companion = Companion(Settings(port=0))
    assert await companion.start(), companion.services["events"].error
    yield companion
    await companion.close()


@pytest.fixture
async def connect_client(companion: Companion) -> AsyncIterator[Connect]:
    """Opens clients of ``companion``; each one has joined the hub when it is returned."""
    opened: list[ClientConnection] = []

    async def connect_one(username: str | None = None, **options: Any) -> ClientConnection:
        url = companion.server.url + (f"?username={quote(username, safe='')}" if username is not None else "")
        there = companion.hub.connection_count
        socket = await connect(url, proxy=None, **options)
        opened.append(socket)
        await until(lambda: companion.hub.connection_count > there)
        return socket

    yield connect_one
    await asyncio.gather(*(socket.close() for socket in opened))
