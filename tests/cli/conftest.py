"""Command-line tests: the tree of the commands is built once, because that takes longer than most tests."""

import functools
from collections.abc import Iterator

import pytest
import typer.testing
from typer.main import get_command


@pytest.fixture(scope="session", autouse=True)
def _build_the_commands_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", functools.cache(get_command))
        yield
