"""Print what the program and its tests need on Windows, without markers: pip evaluates them for its own system.

    wine_requirements.py PYTHON requirements | constraints

``under_wine.sh`` uses it. What only ``tests/e2e`` needs is left out.
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FOR_E2E = {"playwright", "schemathesis"}
OF_DEPENDENCIES = ["colorama", "pywin32", "pywin32-ctypes", "tzdata"]
"""What dependencies need on Windows only."""


def for_windows(entries: Iterable[str], version: str) -> Iterator[Requirement]:
    """Yield the entries that apply on Windows with Python ``version``, without their markers."""
    environment = {"sys_platform": "win32", "platform_system": "Windows", "python_version": version}
    for each in map(Requirement, entries):
        if each.marker is None or each.marker.evaluate(environment):
            each.marker = None
            yield each


def requirements(project: dict[str, Any], entries: Iterable[str], version: str) -> Iterator[str]:
    """Yield the entries of ``pyproject.toml`` that apply, and those of the program's own extras."""
    for each in for_windows(entries, version):
        if each.name == project["name"]:
            for extra in each.extras:
                yield from requirements(project, project["optional-dependencies"][extra], version)
        elif each.name not in FOR_E2E:
            yield str(each)


def constraints(version: str) -> Iterator[str]:
    """Yield the pinned versions that apply."""
    lines = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.split("#")[0].strip() for line in lines)
    return map(str, for_windows(filter(None, pins), version))


if __name__ == "__main__":
    if sys.argv[2] == "constraints":
        found = constraints(sys.argv[1])
    else:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        entries = [*project["dependencies"], *project["optional-dependencies"]["test"], *OF_DEPENDENCIES]
        found = requirements(project, entries, sys.argv[1])
    sys.stdout.write("".join(f"{each}\n" for each in found))
