"""Build the PyInstaller bundle for the current system, and fail if the result could not start.

``python packaging/build.py [--server] [--out FOLDER]`` creates ``FOLDER/p2p-chat-companion`` (on macOS also the
.app), by default below ``build/bundle``. Run it with the interpreter whose libraries go into the bundle: a venv
with the program and PyInstaller, as ``packaging/build_venv.py`` creates it. If COMPANION_UPDATES_URL is set,
it becomes the update feed of the program.

With ``--server``, it creates ``FOLDER/p2p-chat-companion-serve`` instead: the command line and ``serve``, without
the window and Qt. It packs that folder as a ``.tar.gz`` (Windows: ``.zip``), and fails if the archive is larger
than ``bundle.SERVER_MB``.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from bundle import SERVER_MB, broken_links, missing_libraries, unused_in_server
from elf import is_elf, needs_of, orphans, too_new
from licences.collect import of_the_system

HERE = Path(__file__).parent
ROOT = HERE.parent
NAME = "p2p-chat-companion"
SERVER_NAME = f"{NAME}-serve"
SERVER_SPEC = "server.spec"


class BuildError(Exception):
    """The bundle cannot be built or would not start; the text says why and what to do."""


def pyinstaller(out: Path, spec: str) -> str:
    """Run PyInstaller with a build description and return its log. Raise ``BuildError`` if it fails."""
    icons = out / "icons"
    licences = out / "licences"
    scripts = {HERE / "licences" / "collect.py": licences}
    if spec != SERVER_SPEC:  # drawing the icons needs Qt
        scripts[HERE / "icons" / "make.py"] = icons
    for script, where in scripts.items():
        subprocess.run([sys.executable, str(script), str(where)], check=True, cwd=ROOT)
    command = [
        sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "INFO",
        "--distpath", str(out), "--workpath", str(out / "work"), str(HERE / spec),
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


def check_server(bundle: Path) -> None:
    """Raise ``BuildError`` if the bundle of ``serve`` contains a part of the window."""
    names = [each.relative_to(bundle / "_internal").as_posix() for each in (bundle / "_internal").rglob("*")]
    if found := [each for each in names if unused_in_server(each) or "Qt6" in each]:
        raise BuildError(f"The bundle of serve contains what only the window needs: {', '.join(found[:5])}")


def pack(bundle: Path) -> Path:
    """Pack the bundle of ``serve`` as an archive named after version, system and processor. Return its path.

    Raise ``BuildError`` if it is too large.
    """
    from app import __version__

    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    machine = platform.machine().lower()
    name = bundle.parent / f"{SERVER_NAME}-{__version__}-{system}-{machine}"
    kind = "zip" if system == "windows" else "gztar"
    archive = Path(shutil.make_archive(str(name), kind, bundle.parent, bundle.name))
    if (megabytes := size([archive]) / 1e6) > SERVER_MB:
        raise BuildError(f"{archive.name} has {megabytes:.1f} MB; at most {SERVER_MB} MB are allowed.")
    return archive


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
    parser.add_argument("--server", action="store_true", help="build serve without the window and Qt")
    asked = parser.parse_args()
    out = asked.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    bundle = out / (SERVER_NAME if asked.server else NAME)
    began = time.monotonic()
    try:
        log = pyinstaller(out, SERVER_SPEC if asked.server else "companion.spec")
        if not asked.server:
            check(log)
        if sys.platform == "linux":
            prune(bundle)
        if asked.server:
            tidy(bundle)
            check_server(bundle)
            archive = pack(bundle)
            sys.stdout.write(f"{archive}: {size([archive]) / 1e6:.1f} MB\n")
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for folder in (bundle, *out.glob("*.app")):
        tidy(folder)
    megabytes = size(bundle.rglob("*")) / 1e6
    sys.stdout.write(f"{bundle}: {megabytes:.1f} MB in {time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
