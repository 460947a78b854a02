"""The npm package: its version, its generated types and its exports fit the program."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from app import __version__

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "packaging" / "npm"
GENERATE = runpy.run_path(str(FOLDER / "generate.py"))


@pytest.fixture
def package() -> Any:
    return json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))


def test_the_version_is_that_of_the_program(package: Any) -> None:
    assert package["version"] == __version__


@pytest.mark.parametrize("name", GENERATE["FILES"])
def test_the_generated_types_are_up_to_date(name: str) -> None:
    text = (GENERATE["FOLDER"] / name).read_text(encoding="utf-8")
    assert text == GENERATE["FILES"][name](), "run: python packaging/npm/generate.py"


def test_every_export_has_a_module_and_the_package_has_no_dependencies(package: Any) -> None:
    assert "dependencies" not in package
    for name, target in package["exports"].items():
        for path in [target] if isinstance(target, str) else target.values():
            source = re.sub(r"^\./dist/(\w+)\.(?:d\.ts|js)$", r"src/\1.ts", path)
            assert (FOLDER / source).is_file(), name


def test_the_development_dependencies_are_those_of_ci(package: Any) -> None:
    """Both build the package with the same compiler, and test it with the same test runners."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for name, version in package["devDependencies"].items():
        assert f"{name}@{version}" in script, name
