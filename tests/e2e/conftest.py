"""Fixtures: programs that end with their test, and their output in the report of a test that failed."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from . import chat_ui, processes
from .browser import Site
from .desktop import Desktop
from .processes import Companion, Program

P = TypeVar("P")
Start = Callable[[P], P]


class Begin(Protocol):
    """Starts a verb of the command line, for the test's companion."""

    def __call__(self, *arguments: str | Path, **options: Any) -> Program: ...


class Run(Protocol):
    """Runs a verb of the command line to its end, which must be with the exit code ``exits``."""

    def __call__(self, *arguments: str | Path, exits: int = 0, **options: Any) -> Program: ...


class Ask(Protocol):
    """Runs a verb with ``--json`` and returns what it said."""

    def __call__(self, *arguments: str | Path, **options: Any) -> Any: ...


STARTED = pytest.StashKey[list[Program]]()
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
        for program in item.stash.get(STARTED, []):
            report.sections.append((f"Output of {program.name}", str(program)))
    return report


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Start[Any]]:
    """``running(program)`` returns it and sees that it ends with the test."""
    started = request.node.stash.setdefault(STARTED, [])
    with ExitStack() as stack:

        def run(program: Any) -> Any:
            started.append(program)
            return stack.enter_context(program)

        yield run


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder of its own for each companion."""
    return tmp_path / "data"


@pytest.fixture
def server(running: Start[Companion], data_dir: Path) -> Companion:
    """``companion serve``, listening."""
    return running(processes.serve(data_dir))


@pytest.fixture(params=["serve", "tray"])
def program(request: pytest.FixtureRequest, running: Start[Companion], data_dir: Path) -> Companion:
    """Each of the program's two faces, listening."""
    return running(getattr(processes, request.param)(data_dir))


@pytest.fixture
def begin(running: Start[Program], data_dir: Path) -> Begin:
    """``begin("journal", "--follow")`` starts a verb."""
    return lambda *arguments, **options: running(processes.verb(data_dir, *arguments, **options))


@pytest.fixture
def run(begin: Begin) -> Run:
    """``run("trigger", "nonsense", exits=1)`` runs a verb to its end."""

    def to_its_end(*arguments: str | Path, exits: int = 0, **options: Any) -> Program:
        program = begin(*arguments, **options)
        assert program.wait() == exits, program
        assert "Traceback" not in "\n".join(program.err), program
        return program

    return to_its_end


@pytest.fixture
def ask(run: Run) -> Ask:
    """``ask("status")`` returns what ``companion status --json`` says."""
    return lambda *arguments, **options: json.loads(run(*arguments, "--json", **options).out[0])


@pytest.fixture
def tray_name(request: pytest.FixtureRequest) -> Any:
    """Which system tray the desktop has; None for none."""
    return getattr(request, "param", None)


@pytest.fixture
def desktop(tray_name: str | None, running: Start[Desktop], request: pytest.FixtureRequest) -> Any:
    """A desktop; how it looked at the end of a test that failed is kept."""
    desktop = running(Desktop(tray_name))
    yield desktop
    if request.node.stash.get(FAILED, False):
        desktop.look(f"failed-{request.node.name}.png")


@pytest.fixture
def site(running: Start[Site]) -> Site:
    """The tests' chat UI at an origin that may connect."""
    return running(chat_ui.site())
