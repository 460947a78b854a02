"""Create the venv that builds the bundle, with only the program and PyInstaller.

``python packaging/build_venv.py FOLDER`` prints the path of its interpreter. Its packages go into the bundle, so
``constraints.txt`` pins every version.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent


def main(folder: Path) -> Path:
    """Create the venv, replacing an existing one, and return its interpreter."""
    venv.create(folder, clear=True, with_pip=True)
    interpreter = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pinned = {"PIP_CONSTRAINT": str(HERE / "constraints.txt"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [str(interpreter), "-m", "pip", "install", "--quiet", "--no-input", f"{HERE.parent}[fast,package]"]
    subprocess.run(command, env={**os.environ, **pinned}, check=True, stdout=sys.stderr)
    return interpreter


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]).resolve())}\n")
