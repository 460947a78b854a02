"""Find the programs that tests need. A test without them is skipped, or fails if CI requires them."""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
REQUIRED = os.environ.get("COMPANION_E2E") == "require"
"""If it is ``require``, a missing tool is a failure instead of a skip."""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux (/proc, X11)")
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX system (signals, terminals)")


def missing(sentence: str) -> NoReturn:
    """Skip the test, or fail it if ``COMPANION_E2E=require``."""
    if REQUIRED:
        pytest.fail(f"{sentence} (COMPANION_E2E=require is set, so this test may not be skipped)", pytrace=False)
    pytest.skip(sentence)


def need(*commands: str, install: str) -> str:
    """Return the path of the first of ``commands`` that is installed. ``install`` is the hint if none is."""
    for command in commands:
        if path := shutil.which(command):
            return path
    missing(f"{' or '.join(commands)} is not installed: {install}")


def node_modules(*packages: str) -> Path:
    """Return the folder that contains these packages of npm: the parent of a folder in PATH."""
    for folder in os.environ["PATH"].split(os.pathsep):
        modules = Path(folder).parent
        if all((modules / package).is_dir() for package in packages):
            return modules
    missing(f"not installed: npm install {' '.join(packages)}, its node_modules/.bin on PATH")


def artifact(name: str) -> Path:
    """Return the path of an artifact of the test run."""
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS / re.sub(r"[^\w.-]+", "-", name)  # a test's name may contain special characters
