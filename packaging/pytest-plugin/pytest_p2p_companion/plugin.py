"""The plugin that pytest loads: the fixtures ``companion`` and ``companion_options``, and a report section.

One companion runs per test session, and is reset before each test. The report of a failed test that uses it shows
the log. pytest loads this module at every start, so it loads nothing else until a test uses a fixture.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_p2p_companion.client import Companion
    from pytest_p2p_companion.options import CompanionOptions

SHOWN_ROWS = 200
"""The report of a failed test has at most this many rows of the log, the last ones."""
_USED = pytest.StashKey["Companion"]()
"""The companion that a test uses."""


@pytest.fixture(scope="session")
def companion_options() -> CompanionOptions:
    """Options of the companion that is started. Define this fixture in your ``conftest.py`` to change them."""
    from pytest_p2p_companion.options import CompanionOptions

    return CompanionOptions()


@pytest.fixture(scope="session")
def companion_of_session(
    companion_options: CompanionOptions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Companion]:
    """Start ``companion serve`` on free ports, in a temporary folder. Tests use ``companion``, which resets it."""
    from pytest_p2p_companion.client import Companion
    from pytest_p2p_companion.process import ServeProcess

    process = ServeProcess(companion_options, tmp_path_factory.mktemp("companion"))
    try:
        companion = Companion(process, process.wait_until_ready())
        for origin in companion_options.origins:
            companion.allow_origin(origin)
        yield companion
    finally:
        process.stop()


@pytest.fixture
def companion(companion_of_session: Companion, request: pytest.FixtureRequest) -> Companion:
    """Return the companion of this session, with its first friends and messages, and without clients and faults."""
    request.node.stash[_USED] = companion_of_session  # first, for the report if the companion does not answer
    companion_of_session.reset()
    return companion_of_session


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the log since the test began to the report of a failed test, or of a failed fixture that needs it."""
    report = yield
    # Not at teardown: after the last test, the companion has stopped.
    if report.failed and report.when != "teardown" and (used := item.stash.get(_USED, None)):
        report.sections.append(("companion log", _log_of(used)))
    return report


def _log_of(companion: Companion) -> str:
    from pytest_p2p_companion.errors import CompanionError
    from pytest_p2p_companion.journal_text import journal_text

    try:
        return journal_text(*companion.latest(SHOWN_ROWS)) or "(no rows)"
    except CompanionError as error:
        return f"{error}\n{companion.output}"
