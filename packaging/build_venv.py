"""Create the venv that builds the bundle, with only the program and PyInstaller.

``python packaging/build_venv.py FOLDER`` prints the path of its interpreter. Its packages go into the bundle, so
``constraints.txt`` pins every version. With ``--server``, it has no Qt: for the bundle of ``serve``.
"""

import argparse
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from bundle import server_requirements

HERE = Path(__file__).parent


def main(folder: Path, *, server: bool = False, pyinstaller: bool = True) -> Path:
    """Create the venv, replacing an existing one, and return its interpreter."""
    venv.create(folder, clear=True, with_pip=True)
    interpreter = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--no-input"]
    if server:
        _run(*pip, *_requirements_of_server(pyinstaller=pyinstaller))
        _run(*pip, "--no-deps", str(HERE.parent))
    else:
        _run(*pip, f"{HERE.parent}[fast,mcp,package]")
    return interpreter


def _requirements_of_server(*, pyinstaller: bool) -> list[str]:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    building = extras["package"] if pyinstaller else []
    return [*server_requirements(project["dependencies"]), *extras["fast"], *building]


def _run(*command: str) -> None:
    pinned = {"PIP_CONSTRAINT": str(HERE / "constraints.txt"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(command, env={**os.environ, **pinned}, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Create the venv that builds the bundle.")
    parser.add_argument("--server", action="store_true", help="without Qt, for the bundle of serve")
    parser.add_argument(
        "--without-pyinstaller", action="store_true", help="with --server: to run it there, not to build"
    )
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    sys.stdout.write(
        f"{main(asked.folder.resolve(), server=asked.server, pyinstaller=not asked.without_pyinstaller)}\n"
    )
