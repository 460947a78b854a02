"""Fixtures of the end-to-end tests. They end their programs, and add the output to the report of a failed test."""

import json
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from . import chat_ui, in_process, processes
from .browser import Site
from .desktop import Desktop
from .in_process import Ended, runs_in_process
from .processes import Companion, Program

P = TypeVar("P", bound=AbstractContextManager[object])


class Start(Protocol):
    """Starts a program that ends with the test, and returns it."""

    def __call__(self, program: P, /) -> P: ...


class StartCommand(Protocol):
    """Starts a command (``trigger``, ``journal``, …) for the test's companion."""

    def __call__(self, *arguments: str | Path | int, **options: Any) -> Program: ...


class Run(Protocol):
    """Runs a command until it ends. Its exit code must be ``exits``."""

    def __call__(self, *arguments: str | Path | int, exits: int = 0, **options: Any) -> Program | Ended: ...


class RunJson(Protocol):
    """Runs a command with ``--json`` and returns the parsed output."""

    def __call__(self, *arguments: str | Path | int, **options: Any) -> Any: ...


both_variants = pytest.mark.parametrize(
    "program", ["serve", pytest.param("tray", marks=pytest.mark.long)], indirect=True
)
"""Marks a test that runs with ``companion serve`` and, with the long tests, with the tray program."""

STARTED = pytest.StashKey[list[Program | Ended]]()
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
        for program in item.stash.get(STARTED, []):
            report.sections.append((f"Output of {program.name}", str(program)))
    return report


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Start]:
    """``running(program)`` returns the program, and ends it after the test."""
    started = request.node.stash.setdefault(STARTED, [])
    with ExitStack() as stack:

        def run(program: P) -> P:
            started.append(program)
            stack.enter_context(program)
            return program

        yield run


@pytest.fixture
def data_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The data folder of the test's companion."""
    folder: Path = request.getfixturevalue("shared_data_dir") if is_shared(request) else tmp_path / "data"
    return folder


@pytest.fixture
def server(request: pytest.FixtureRequest, running: Start, data_dir: Path) -> Companion:
    """``companion serve``, listening."""
    if not is_shared(request):
        return running(processes.serve(data_dir))
    server: Companion = request.getfixturevalue("shared_server")
    request.node.stash.setdefault(STARTED, []).append(server)
    processes.wait_until(lambda: not server.client_count(data_dir), "the clients of the test before to be gone")
    return server


def is_shared(request: pytest.FixtureRequest) -> bool:
    """Return whether the test uses the companion that the tests of its module share."""
    mark = request.node.get_closest_marker("shared_server")
    return mark is not None and mark.args != (False,) and variant(request) == "serve"


def variant(request: pytest.FixtureRequest) -> str:
    """Return the variant of the program that a test uses: ``serve`` or ``tray``."""
    parameters = getattr(request.node, "callspec", None)
    return str(parameters.params.get("program", "serve")) if parameters else "serve"


@pytest.fixture(scope="module")
def shared_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the companion that the tests of a module share."""
    return tmp_path_factory.mktemp("shared") / "data"


@pytest.fixture(scope="module")
def shared_server(shared_data_dir: Path) -> Iterator[Companion]:
    """The companion that the tests of a module share."""
    with processes.serve(shared_data_dir) as server:
        yield server


@pytest.fixture
def program(request: pytest.FixtureRequest, running: Start, data_dir: Path) -> Companion:
    """The program, listening: ``companion serve``, or each variant if the test is marked with ``both_variants``.

    The command line uses the same control API in both, so one test per command runs with both.
    """
    if variant(request) == "tray":
        return running(processes.tray(data_dir))
    server: Companion = request.getfixturevalue("server")
    return server


@pytest.fixture
def start_command(running: Start, data_dir: Path) -> StartCommand:
    """``start_command("journal", "--follow")`` starts a command."""
    return lambda *arguments, **options: running(processes.start_command(data_dir, *arguments, **options))


@pytest.fixture
def run(request: pytest.FixtureRequest, start_command: StartCommand, data_dir: Path) -> Run:
    """``run("trigger", "nonsense", exits=1)`` runs a command until it ends.

    Without ``env``, it runs in the process of the test; see ``in_process``.
    """
    started = request.node.stash.setdefault(STARTED, [])

    def run_command(
        *arguments: str | Path | int, exits: int = 0, typed: str | None = None, **options: Any
    ) -> Program | Ended:
        program: Program | Ended
        if runs_in_process(str(arguments[0])) and not options:
            environment = {**processes.ENVIRONMENT, **processes.command_environment(data_dir)}
            program = in_process.run_command([str(each) for each in arguments], environment, typed)
            started.append(program)
        else:
            program = start_command(*arguments, typed=typed, **options)
        assert program.wait() == exits, program
        assert "Traceback" not in "\n".join(program.err), program
        return program

    return run_command


@pytest.fixture
def run_json(run: Run) -> RunJson:
    """``run_json("status")`` returns the parsed output of ``companion status --json``."""
    return lambda *arguments, **options: json.loads(run(*arguments, "--json", **options).out[0])


@pytest.fixture
def tray_name(request: pytest.FixtureRequest) -> Any:
    """Name of the desktop's system tray, or None."""
    return getattr(request, "param", None)


@pytest.fixture
def desktop(tray_name: str | None, running: Start, request: pytest.FixtureRequest) -> Any:
    """A desktop. If the test fails, a screenshot of its end is kept."""
    desktop = running(Desktop(tray_name))
    yield desktop
    if request.node.stash.get(FAILED, False):
        desktop.screenshot(f"failed-{request.node.name}.png")


@pytest.fixture
def site(running: Start) -> Site:
    """The tests' chat UI, served at an allowed origin."""
    return running(chat_ui.site())
