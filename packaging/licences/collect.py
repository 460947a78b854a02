"""Gathers the texts of the licences of everything in the bundle.

``python packaging/licences/collect.py FOLDER`` writes a folder per library and ``README.txt``, their list. What a
Debian or Ubuntu system contributed is added by ``of_the_system`` when it is known which of its libraries stay.
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
P2P Chat Companion is under the MIT licence. It contains what is listed here; the texts are in the folders.

Qt and PySide6 are used under the LGPL, version 3. They are libraries of their own beside the program: you may
replace them with versions that you changed. Their source is published by The Qt Company under the same version
numbers.

"""


def is_text(file: PackagePath) -> bool:
    """Return whether an installed file holds a licence or says whose work it is."""
    return ".dist-info/" in str(file) and bool(re.match(r"LICEN[CS]E|COPYING|NOTICE|AUTHORS", file.name, re.I))


def of_library(library: Component, out: Path) -> None:
    """Write a library's texts below ``out``."""
    folder = out / library.name
    folder.mkdir(parents=True)
    files = [each for each in distribution(library.name).files or [] if is_text(each)]
    for number, file in enumerate(files):
        # llhttp's LICENSE must not replace aiohttp's
        shutil.copyfile(str(file.locate()), folder / (file.name if number == 0 else f"{number}-{file.name}"))
    if library.name.startswith(QT):
        for text in HERE.glob("*.txt"):
            shutil.copyfile(text, folder / text.name)
    elif not files:
        (folder / "LICENCE.txt").write_text(f"{library.name} {library.version} says: {library.licence}\n", "utf-8")


def of_python(out: Path) -> None:
    """Write the interpreter's text below ``out``."""
    places = (Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix))
    text = next((place / "LICENSE.txt" for place in places if (place / "LICENSE.txt").exists()), None)
    (out / "Python").mkdir()
    if text:
        shutil.copyfile(text, out / "Python" / "LICENSE.txt")


def of_the_system(files: Iterable[Path], out: Path) -> None:
    """Write below ``out`` what the packages of Debian or Ubuntu say that the bundle's libraries came with."""
    for file in files:
        asked = ["dpkg-query", "--search", f"*/{file.name}"]
        owner = subprocess.run(asked, capture_output=True, text=True, check=False)
        package = owner.stdout.partition(":")[0]
        text = Path("/usr/share/doc", package, "copyright")
        if package and text.exists():
            (out / package).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(text, out / package / "copyright")


def main(out: Path) -> None:
    """Write everything that is known before the bundle is built."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    inside = [python(), *libraries()]
    of_python(out)
    for each in inside[1:]:
        of_library(each, out)
    lines = [f"{each.name:24} {each.version:16} {each.licence}" for each in inside]
    (out / "README.txt").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
