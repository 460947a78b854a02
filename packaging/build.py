"""Builds the bundle on the system that it runs on, and refuses one that could not start.

``python packaging/build.py [--out FOLDER]`` leaves ``FOLDER/p2p-chat-companion`` (on macOS also the .app), by
default below ``build/bundle``. It runs with the interpreter whose libraries go into the bundle: a venv with the
program and PyInstaller, as ``packaging/build_venv.py`` makes one. COMPANION_UPDATES_URL, when it is set, is where
the program will look for newer versions.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from bundle import dangling, missing_libraries
from elf import is_elf, needs_of, orphans, too_new
from licences.collect import of_the_system

HERE = Path(__file__).parent
ROOT = HERE.parent
NAME = "p2p-chat-companion"


class BuildError(Exception):
    """The bundle would not work; the text says why and what to do."""


def pyinstaller(out: Path) -> str:
    """Run PyInstaller; return what it logged. Raises ``BuildError``."""
    icons = out / "icons"
    licences = out / "licences"
    for script, where in ((HERE / "icons" / "make.py", icons), (HERE / "licences" / "collect.py", licences)):
        subprocess.run([sys.executable, str(script), str(where)], check=True, cwd=ROOT)
    command = [
        sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "INFO",
        "--distpath", str(out), "--workpath", str(out / "work"), str(HERE / "companion.spec"),
    ]  # fmt: skip
    made = {"COMPANION_ICONS": str(icons), "COMPANION_LICENCES": str(licences)}
    if address := os.environ.get("COMPANION_UPDATES_URL"):
        made["COMPANION_UPDATES"] = str(out / "updates.url")
        (out / "updates.url").write_text(address + "\n", encoding="utf-8")
    log = out / "pyinstaller.log"
    with log.open("w", encoding="utf-8") as stream:
        environment = {**os.environ, **made}
        ended = subprocess.run(
            command, env=environment, stdout=stream, stderr=subprocess.STDOUT, check=False, cwd=ROOT
        )
    told = log.read_text(encoding="utf-8", errors="replace")
    if ended.returncode:
        raise BuildError(f"PyInstaller failed ({ended.returncode}); the end of {log}:\n{told[-3000:]}")
    return told


def check(told: str) -> None:
    """Refuse a bundle without a library that Qt needs to open a window. Raises ``BuildError``."""
    if missing := missing_libraries(told):
        raise BuildError(
            "The bundle would die at its start: this system lacks libraries of Qt's platform plugins. "
            "On Debian and Ubuntu, README's apt-get line installs them.\n" + "\n".join(missing)
        )


def prune(bundle: Path) -> None:
    """Remove the libraries that came along for what was left out. Raises ``BuildError``: one is too new."""
    needs = {each: needs_of(each) for each in bundle.rglob("*") if is_elf(each)}
    # Nothing names libpython: the program's own start loads it.
    beside = [each for each in (bundle / "_internal").glob("lib*.so*") if not each.name.startswith("libpython")]
    for each in orphans(needs, beside):
        each.unlink()
        needs.pop(each, None)
    if wrong := too_new(needs):
        raise BuildError("Build on an older system:\n" + "\n".join(wrong))
    inside = bundle / "_internal"
    of_others = sorted(each for each in needs if each.parent == inside and each.name.startswith("lib"))
    of_the_system(of_others, inside / "licences" / "system")


def tidy(bundle: Path) -> None:
    """Remove links that lead nowhere, and the folders that are empty now."""
    for link in dangling(bundle.rglob("*")):
        link.unlink()
    for folder in sorted((each for each in bundle.rglob("*") if each.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def size(files: Iterable[Path]) -> int:
    """Return the bytes in ``files``, each counted once."""
    return sum(each.stat().st_size for each in files if each.is_file() and not each.is_symlink())


def main() -> int:
    """Build; return the exit code."""
    parser = argparse.ArgumentParser(description="Builds the bundle of the companion.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bundle", help="where to; emptied first")
    out = parser.parse_args().out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    bundle = out / NAME
    began = time.monotonic()
    try:
        check(pyinstaller(out))
        if sys.platform == "linux":
            prune(bundle)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for folder in (bundle, *out.glob("*.app")):
        tidy(folder)
    megabytes = size(bundle.rglob("*")) / 1e6
    sys.stdout.write(f"{bundle}: {megabytes:.0f} MB in {time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
