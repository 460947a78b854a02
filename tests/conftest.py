"""Shared fixtures: a check for unexpected warnings in the log, and a running companion.

The whole suite runs in several processes. Tests named on the command line run in this process, for a debugger.
"""

import asyncio
import functools
import gc
import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # never the keyring of the developer
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start the program hundreds of times: compile it once

import hypothesis
import pytest
from websockets.asyncio.client import ClientConnection, connect
from xdist.scheduler import LoadScopeScheduling

from app.companion import Companion
from app.hub.clock import Clock, use_fine_clock
from app.hub.hub import Hub
from app.storage.file_library import FileLibrary
from app.system.settings import Settings
from resources import FOLDER

LONG = bool(os.environ.get("COMPANION_LONG"))
"""Whether the tests with the mark ``long`` run too, and others run on a larger scale."""


def examples(number: int) -> int:
    """Return how many examples a test tries: a quarter of ``number``, but at least twelve.

    With ``COMPANION_LONG``, it is ``number``; with ``COMPANION_EXAMPLES`` (set by the nightly run), it is that many
    times ``number``.
    """
    factor = os.environ.get("COMPANION_EXAMPLES")
    if LONG or factor:
        return number * int(factor or "1")
    return min(number, max(12, number // 4))


def seeds(number: int, *, long: int) -> list[Any]:
    """Return ``number`` seeds of a test with random numbers, and more, up to ``long``, with the mark ``long``."""
    return [*range(number), *(pytest.param(each, marks=pytest.mark.long) for each in range(number, long))]


HERE = Path(__file__).parent
SLOWEST_FIRST = ("e2e", "endpoints/test_control_reconnect_lab.py", "ui")
"""Paths whose files start first, so that no process is still busy with a slow file when the others have ended."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import the end-to-end tests if ``-m "not e2e"`` leaves out all of them."""
    return True if config.option.markexpr == "not e2e" and collection_path == HERE / "e2e" else None


def named(config: pytest.Config) -> bool:
    """Return whether the user names the tests."""
    return config.args_source is pytest.Config.ArgsSource.ARGS


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Let each process begin with other files, so that each compiles some of them, and not all the same ones.

    ``pytest_collection_modifyitems`` sorts the tests afterwards, unless the user names them.
    """
    report = yield
    worker = getattr(collector.config, "workerinput", None)
    if worker and isinstance(collector, pytest.Directory) and not named(collector.config):
        first = len(report.result) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
        report.result = report.result[first:] + report.result[:first]
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """If the user names no tests, leave out the long ones (unless ``COMPANION_LONG`` is set) and sort the files."""
    if named(config):
        return
    if not LONG:
        left_out = {each for each in items if each.get_closest_marker("long")}
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [each for each in items if each not in left_out]
    number = Counter(each.path for each in items)

    @functools.cache
    def start(path: Path) -> tuple[int, int, Path]:
        below = path.relative_to(HERE)
        ranks = (rank for rank, first in enumerate(SLOWEST_FIRST) if below.is_relative_to(first))
        return next(ranks, len(SLOWEST_FIRST)), -number[path], path

    items.sort(key=lambda item: start(item.path))


# No deadline: it would limit wall-clock time, and a busy machine must not fail a test.
hypothesis.settings.register_profile("suite", deadline=None, max_examples=examples(50))
hypothesis.settings.load_profile("suite")

sys.dont_write_bytecode = False  # each process of the suite collects all modules
MAX_PROCESSES = 5
PATIENCE_S = 30.0
"""Limit of a wait for something that takes milliseconds on an idle machine. A test fails if it is reached."""
USES_UI_PORT = (
    "test_chat_on_desktop.py",
    "test_chat_ui.py",
    "test_ci_example.py",
    "test_contract_lint_command.py",
    "test_faults_command.py",
    "test_guide_browser.py",
    "test_manual_examples.py",
    "test_reconnects_command.py",
    "test_sessions_in_a_browser.py",
    "test_ui_state_command.py",
)
"""End-to-end tests that serve a page on the port of the UI's development server, which only one test can use."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    if named(config):
        return 0
    return min(MAX_PROCESSES, 2 * (os.cpu_count() or 1))  # more than the cores, because tests wait


def pytest_configure(config: pytest.Config) -> None:
    """Collect no garbage while tests are collected: there is hardly any."""
    if hasattr(config, "workerinput"):
        gc.disable()


def pytest_collection_finish() -> None:
    """Exclude modules and collected tests from garbage collection, and collect less often than by default."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5000)
    gc.enable()


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Runs the tests of a file in one process, and the files that share a port in the same process."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "the UI's port" if path.endswith(USES_UI_PORT) else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return Scheduling(config, log)


def remove_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system not know the home folder, as for a user of a container without an entry in ``passwd``."""
    import pwd

    def fail(_: int) -> None:
        raise KeyError("no such user")

    monkeypatch.setattr(pwd, "getpwuid", fail)
    for name in [each for each in os.environ if each == "HOME" or each.startswith("XDG_")]:
        monkeypatch.delenv(name)


unknown_home = pytest.mark.skipif(
    sys.platform == "win32",
    reason="on Windows, ~NAME is the folder of that name next to the user's home folder",
)
"""For tests of a path such as ~NAME/x."""


def make_link(link: Path, target: Path | str) -> None:
    """Create a symbolic link. Skip the test where that is impossible: on some Windows systems, and in wine."""
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this user may not create symbolic links")
    if not link.is_symlink():
        pytest.skip("wine creates no symbolic links")


@contextmanager
def in_use(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the first replacement or renaming of a file fail, as on Windows while a program has the file open."""
    with monkeypatch.context() as patched:
        calls = Counter[str]()

        def fails_first(method: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
            def call(source: Path, target: Path) -> Path:
                calls["made"] += 1
                if calls["made"] == 1:
                    raise PermissionError(13, "The process cannot access the file", str(source))
                return method(source, target)

            return call

        patched.setattr(Path, "replace", fails_first(Path.replace))
        patched.setattr(Path, "rename", fails_first(Path.rename))
        patched.setattr("app.system.files.RETRY_S", 1.0)
        yield


def new_loop() -> asyncio.AbstractEventLoop:
    """Return the kind of loop that ``serve`` uses on this system (without uvloop)."""
    loop = asyncio.SelectorEventLoop()
    use_fine_clock(loop)
    return loop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run asynchronous tests on that loop, because asyncio's default differs on Windows."""
    return {"asyncio": new_loop}


class Connect(Protocol):
    """Connects a client to the companion. The client is closed when the test ends."""

    def __call__(self, username: str | None = None, **options: Any) -> Awaitable[ClientConnection]: ...


@pytest.fixture
def expected_warnings() -> list[str]:
    """Return the beginnings of the log lines at WARNING and above that the test must cause."""
    return []


@pytest.fixture(autouse=True)
def _no_unexpected_warnings(caplog: pytest.LogCaptureFixture, expected_warnings: list[str]) -> Iterator[None]:
    yield
    messages = [
        record.getMessage()
        for phase in ("setup", "call", "teardown")
        for record in caplog.get_records(phase)
        if record.levelno >= logging.WARNING
    ]
    unexpected = [line for line in messages if not line.startswith(tuple(expected_warnings))]
    missing = [start for start in expected_warnings if not any(line.startswith(start) for line in messages)]
    assert not unexpected, f"unexpected warnings in the log: {unexpected}"
    assert not missing, f"expected warnings that did not occur: {missing}"


start_process = subprocess.Popen.__init__


@pytest.fixture(autouse=True)
def _no_processes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let only tests with the mark ``e2e`` start processes, so that all others are fast and need no other program.

    Not on Windows and macOS, where Python itself starts programs that say which system it is.
    """
    with pytest.MonkeyPatch.context() as patch:  # the fixture would be undone later than the folder of the test
        if sys.platform == "linux" and not request.node.get_closest_marker("e2e"):
            patch.setattr(subprocess.Popen, "__init__", _refuse_process)
        yield


def _refuse_process(process: Any, command: Any, *arguments: Any, **options: Any) -> None:
    if command == ["uname", "-p"]:  # Python's ``platform``
        start_process(process, command, *arguments, **options)
    else:
        pytest.fail(f"The test starts a process, so it needs the mark e2e: {command}")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT raise ``KeyboardInterrupt``, as by default. The processes of the suite ignore it.

    SIGHUP is not ignored either. The program ignores it when it ends, also in the process of a test.
    """
    numbers = [signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def restored_logging() -> Iterator[None]:
    """Remove the log handlers that the program adds in this process, and restore the levels."""
    root, library = logging.getLogger(), logging.getLogger("websockets")
    handlers, levels = list(root.handlers), (root.level, library.level)
    try:
        yield
    finally:
        for handler in [each for each in root.handlers if each not in handlers]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(levels[0])
        library.setLevel(levels[1])


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Let the test start the program's logging; see ``restored_logging``."""
    with restored_logging():
        yield


async def until(condition: Callable[..., object], timeout: float = PATIENCE_S) -> None:
    """Wait until ``condition`` holds. Fail if it does not within ``timeout`` seconds.

    ``condition`` is called without arguments. Its type allows parameters with defaults: mypy cannot infer a lambda
    such as ``lambda count=count: …`` for ``Callable[[], object]``.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while not condition():
        if loop.time() > deadline:
            raise AssertionError(f"The condition did not become true within {timeout:g} s.")
        await asyncio.sleep(0.005)


def newest_client(hub: Hub) -> int:
    """Return the number of the client that connected last, 0 if none is connected.

    To wait for a new client, compare this number and not how many are connected: another may leave meanwhile.
    """
    return max((each.id for each in hub.clients), default=0)


@pytest.fixture(scope="session")
def qapp_cls() -> Any:
    """Return the class of ``qapp``: the application class of the program."""
    from app.ui.application import Application

    return Application


@pytest.fixture(scope="session", autouse=True)
def _read_built_in_files_once() -> Iterator[None]:
    """Let libraries share what they have read of the built-in files, because there are thousands of companions."""
    read_folder = FileLibrary._read_folder
    known: dict[Path, tuple[list[tuple[Any, Path]], dict[Path, Any]]] = {}

    def read_unknown_folder(
        library: FileLibrary[Any], folder: Path, own: bool, warnings: list[str], files: dict[Path, Any]
    ) -> list[tuple[Any, Path]]:
        if own or not folder.is_relative_to(FOLDER):
            return read_folder(library, folder, own, warnings, files)
        if folder not in known:
            read: dict[Path, Any] = {}
            known[folder] = read_folder(library, folder, own, warnings, read), read
        found, files_there = known[folder]
        files |= files_there
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileLibrary, "_read_folder", read_unknown_folder)
        yield


def _forget_web_applications() -> None:
    """Empty a cache of aiohttp that keeps 1,024 handlers, and with them hundreds of closed companions."""
    if module := sys.modules.get("aiohttp.web_app"):
        module._cached_build_middleware.cache_clear()


class MakeCompanion(Protocol):
    """Makes a companion whose chat state is open. The companion is closed when the test ends."""

    def __call__(
        self,
        *,
        clock: Clock | None = None,
        chat_file: Path | None = None,
        fixtures_folder: Path | None = None,
        recordings_folder: Path | None = None,
        **settings: Any,
    ) -> Awaitable[Companion]: ...


@pytest.fixture
async def make_companion() -> AsyncIterator[MakeCompanion]:
    """Return a function that makes companions. They do not listen yet, and use free ports by default."""
    made: list[Companion] = []

    async def make(
        *,
        clock: Clock | None = None,
        chat_file: Path | None = None,
        fixtures_folder: Path | None = None,
        recordings_folder: Path | None = None,
        **settings: Any,
    ) -> Companion:
        all_settings = Settings(**{"port": 0, "rest_port": 0, **settings})
        companion = Companion(
            all_settings, clock=clock, chat_file=chat_file, fixtures_folder=fixtures_folder,
            recordings_folder=recordings_folder,
        )  # fmt: skip
        made.append(companion)
        await companion.open()
        return companion

    yield make
    for companion in made:
        await companion.close()
    _forget_web_applications()


@pytest.fixture
async def companion() -> AsyncIterator[Companion]:
    """Return a companion that listens on a free port."""
    companion = Companion(Settings(port=0))
    assert await companion.start(), companion.services["events"].error
    yield companion
    await companion.close()


@pytest.fixture
async def connect_client(companion: Companion) -> AsyncIterator[Connect]:
    """Return a function that connects clients to ``companion``. A returned client has joined the hub."""
    opened: list[ClientConnection] = []

    async def connect_one(username: str | None = None, **options: Any) -> ClientConnection:
        url = companion.server.url + (f"?username={quote(username, safe='')}" if username is not None else "")
        newest = newest_client(companion.hub)
        socket = await connect(url, proxy=None, **options)
        opened.append(socket)
        await until(lambda: newest_client(companion.hub) > newest)
        return socket

    yield connect_one
    await asyncio.gather(*(socket.close() for socket in opened))
