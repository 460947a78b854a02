"""The limit of open descriptors is raised at start."""

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from app.system.descriptors import raise_descriptor_limit

INFINITY = -1


class Resource(SimpleNamespace):
    """The module ``resource`` of a system that allows ``maximum`` descriptors."""

    RLIM_INFINITY, RLIMIT_NOFILE = INFINITY, 7

    def getrlimit(self, _: int) -> tuple[int, int]:
        return self.soft, self.hard

    def setrlimit(self, _: int, limits: tuple[int, int]) -> None:
        if limits[0] > self.maximum:
            raise ValueError("current limit exceeds maximum limit")
        self.soft, self.hard = limits


@pytest.mark.parametrize(
    ("soft", "hard", "maximum", "expected"),
    [
        pytest.param(256, INFINITY, 10_240, 10_240, id="macOS"),
        pytest.param(1024, 524_288, 524_288, 65_536, id="Linux"),
        pytest.param(1024, 2048, 2048, 2048, id="a low hard limit"),
        pytest.param(100_000, 524_288, 524_288, 100_000, id="already high"),
        pytest.param(INFINITY, INFINITY, 10_240, INFINITY, id="already unlimited"),
        pytest.param(64, INFINITY, 100, 64, id="the system rejects every higher limit"),
    ],
)
def test_the_limit_is_raised_as_far_as_possible(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, maximum: int, expected: int
) -> None:
    fake = Resource(soft=soft, hard=hard, maximum=maximum)
    monkeypatch.setitem(sys.modules, "resource", fake)
    raise_descriptor_limit()
    assert (fake.soft, fake.hard) == (expected, hard)


def test_a_system_without_limits_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)  # importing it raises ImportError
    raise_descriptor_limit()


SCRIPT = """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))

import app.system.data_directory
def stop(*_):
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    raise app.system.data_directory.DataDirectoryError(f"the limit is {soft} of {hard}")
app.system.data_directory.DataDirectory.open = stop
from app.system.data_directory import Overrides
"""
RUN: dict[str, str] = {
    "serve": "from app.headless import serve; serve(Overrides(), None, None)",
    "tray program": "from app.desktop import run; run(Overrides(), None, None, hidden=True)",
}


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("program", RUN)
def test_both_programs_raise_the_limit(program: str) -> None:
    environment: dict[str, Any] = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT + RUN[program]], capture_output=True, text=True, env=environment, timeout=60,
        check=False,
    )  # fmt: skip
    _, _, limits = result.stderr.partition("the limit is ")
    soft, _, hard = limits.split()
    assert int(soft) == min(int(hard), 65_536) if int(hard) > 0 else int(soft) > 256, result.stderr
