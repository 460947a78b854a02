"""Build the PyInstaller bundle for the current system, and fail if the result could not start.

``python packaging/build.py [--out FOLDER]`` creates ``FOLDER/p2p-chat-companion`` (on macOS also the .app), by
default below ``build/bundle``. Run it with the interpreter whose libraries go into the bundle: a venv with the
program and PyInstaller, as ``packaging/build_venv.py`` creates it. If COMPANION_UPDATES_URL is set, it becomes the
update feed of the program.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from bundle import broken_links, missing_libraries
from elf import is_elf, needs_of, orphans, too_new
from licences.collect import of_the_system

HERE = Path(__file__).parent
ROOT = HERE.parent
NAME = "p2p-chat-companion"


class BuildError(Exception):
    """The bundle cannot be built or would not start; the text says why and what to do."""


def pyinstaller(out: Path) -> str:
    """Run PyInstaller and return its log. Raise ``BuildError`` if it fails."""
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
    log_text = log.read_text(encoding="utf-8", errors="replace")
    if ended.returncode:
        raise BuildError(f"PyInstaller failed ({ended.returncode}); the end of {log}:\n{log_text[-3000:]}")
    return log_text


def check(log_text: str) -> None:
    """Raise ``BuildError`` if the bundle lacks a library that Qt needs to open a window."""
    if missing := missing_libraries(log_text):
        raise BuildError(
            "The bundle could not start: libraries of Qt's platform plugins are missing on this system. "
            "On Debian and Ubuntu, README's apt-get line installs them.\n" + "\n".join(missing)
        )


def prune(bundle: Path) -> None:
    """Remove libraries that no file of the bundle needs. Raise ``BuildError`` if one needs a newer C library."""
    needs = {each: needs_of(each) for each in bundle.rglob("*") if is_elf(each)}
    # No file lists libpython as a dependency: the start program loads it.
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
    """Remove broken links, and folders that are empty after that."""
    for link in broken_links(bundle.rglob("*")):
        link.unlink()
    for folder in sorted((each for each in bundle.rglob("*") if each.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def size(files: Iterable[Path]) -> int:
    """Return the total size of ``files`` in bytes, without links."""
    return sum(each.stat().st_size for each in files if each.is_file() and not each.is_symlink())


def main() -> int:
    """Build the bundle and return the exit code."""
    parser = argparse.ArgumentParser(description="Build the bundle of the companion.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bundle", help="output folder, emptied first")
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
