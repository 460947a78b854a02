"""What a test needs from the machine: it skips where that is missing, and fails where CI promised to have it."""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
REQUIRED = os.environ.get("COMPANION_E2E") == "require"
"""Set to ``require``, nothing may be skipped for want of a tool."""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks at what only Linux has (/proc, X11)")
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX system (signals, terminals)")


def missing(sentence: str) -> NoReturn:
    """Skip the test, or fail it where ``COMPANION_E2E=require``."""
    if REQUIRED:
        pytest.fail(f"{sentence} (COMPANION_E2E=require is set, so this test may not be skipped)", pytrace=False)
    pytest.skip(sentence)


def need(*commands: str, install: str) -> str:
    """Return the full path of the first of ``commands`` that is installed; ``install`` says how to get one."""
    for command in commands:
        if path := shutil.which(command):
            return path
    missing(f"{' or '.join(commands)} is not installed: {install}")


def artifact(name: str) -> Path:
    """Return where to keep ``name`` for whoever looks at the test run afterwards."""
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS / re.sub(r"[^\w.-]+", "-", name)  # a test's name may hold what means something to programs
