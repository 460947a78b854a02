"""Collect the licence texts of all components of the bundle.

``python packaging/licences/collect.py FOLDER`` writes a folder per library, and ``README.txt`` with the list.
``of_the_system`` later adds the licences of the Debian or Ubuntu libraries that stay in the bundle.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import PackagePath, distribution
from pathlib import Path

from app.system.about import Component, libraries, python

HERE = Path(__file__).parent
QT = ("PySide6", "shiboken6")
HEAD = """\
P2P Chat Companion is under the MIT licence. It contains the components below; the folders contain their licences.

"""
HEAD_OF_QT = """\
Qt and PySide6 are used under the LGPL, version 3. They are separate library files: you may replace them
with modified versions. Their source is published by The Qt Company under the same version
numbers.

"""


def is_text(file: PackagePath) -> bool:
    """Return whether an installed file contains a licence or names the authors."""
    return ".dist-info/" in str(file) and bool(re.match(r"LICEN[CS]E|COPYING|NOTICE|AUTHORS", file.name, re.I))


def of_library(library: Component, out: Path) -> None:
    """Copy the licence texts of a library to ``out``."""
    folder = out / library.name
    folder.mkdir(parents=True)
    files = [each for each in distribution(library.name).files or [] if is_text(each)]
    for number, file in enumerate(files):
        # number the further files: aiohttp and its llhttp both have a LICENSE
        shutil.copyfile(str(file.locate()), folder / (file.name if number == 0 else f"{number}-{file.name}"))
    if library.name.startswith(QT):
        for text in HERE.glob("*.txt"):
            shutil.copyfile(text, folder / text.name)
    elif not files:
        (folder / "LICENCE.txt").write_text(f"{library.name} {library.version} says: {library.licence}\n", "utf-8")


def of_python(out: Path) -> None:
    """Copy the licence text of Python to ``out``."""
    places = (Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix))
    text = next((place / "LICENSE.txt" for place in places if (place / "LICENSE.txt").exists()), None)
    (out / "Python").mkdir()
    if text:
        shutil.copyfile(text, out / "Python" / "LICENSE.txt")


def of_the_system(files: Iterable[Path], out: Path) -> None:
    """Copy the copyright files of the Debian or Ubuntu packages that contain ``files`` to ``out``."""
    for file in files:
        asked = ["dpkg-query", "--search", f"*/{file.name}"]
        owner = subprocess.run(asked, capture_output=True, text=True, check=False)
        package = owner.stdout.partition(":")[0]
        text = Path("/usr/share/doc", package, "copyright")
        if package and text.exists():
            (out / package).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(text, out / package / "copyright")


def main(out: Path) -> None:
    """Write the licence texts of Python and the libraries, and the list."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    inside = [python(), *libraries()]
    of_python(out)
    for each in inside[1:]:
        of_library(each, out)
    lines = [f"{each.name:24} {each.version:16} {each.licence}" for each in inside]
    head = HEAD + (HEAD_OF_QT if any(each.name.startswith(QT) for each in inside) else "")
    (out / "README.txt").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
