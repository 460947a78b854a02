"""What `packaging/windows/under_wine.sh` installs."""

from typing import Any

from . import load

wine = load("windows/wine_requirements")
PROJECT: dict[str, Any] = {"name": "companion", "optional-dependencies": {"agents": ["sdk>=2"], "fast": ["uvloop"]}}


def test_extras_of_the_program_are_replaced_by_their_entries() -> None:
    """Regression: pip looked for the program itself, which no index has."""
    assert list(wine.requirements(PROJECT, ["companion[agents]", "pytest"], "3.13")) == ["sdk>=2", "pytest"]


def test_markers_are_those_of_windows_and_its_python() -> None:
    entries = [
        "a; sys_platform != 'win32'",
        "b; sys_platform == 'win32'",
        "c; python_version < '3.12'",
        "playwright",
    ]
    assert list(wine.requirements(PROJECT, entries, "3.11")) == ["b", "c"]
    assert list(wine.requirements(PROJECT, entries, "3.13")) == ["b"]


def test_one_version_of_each_package_is_pinned() -> None:
    pins = set(wine.constraints("3.13"))
    assert len({each.partition("==")[0] for each in pins}) == len(pins) > 50
