"""What the bundle's libraries need of each other and of the system (Linux), as ``objdump`` tells."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

GLIBC = (2, 35)
"""The oldest C library that the Linux packages are promised to run on: the manual says so."""

Version = tuple[int, ...]


class Needs(NamedTuple):
    """The libraries that a file names, and the newest version of the C library that it asks for."""

    libraries: frozenset[str]
    glibc: Version


def is_elf(file: Path) -> bool:
    """Return whether ``file`` is a program or a library."""
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def needs_of(file: Path) -> Needs:
    """Ask ``objdump`` (package binutils). Raises ``CalledProcessError`` for what is no program or library."""
    told = subprocess.run(["objdump", "-p", str(file)], check=True, capture_output=True, text=True).stdout
    return needs_told(told)


def needs_told(told: str) -> Needs:
    """Read what ``objdump -p`` printed."""
    libraries = frozenset(re.findall(r"^ +NEEDED +(\S+)$", told, re.M))
    versions = [tuple(map(int, each.split("."))) for each in re.findall(r"\bGLIBC_(\d[\d.]*)$", told, re.M)]
    return Needs(libraries, max(versions, default=()))


def orphans(needs: dict[Path, Needs], candidates: Iterable[Path]) -> list[Path]:
    """Return those of ``candidates`` that nothing in ``needs`` asks for, nor anything that stays."""
    there, gone = dict(needs), []
    waiting = list(candidates)
    while True:
        wanted = frozenset().union(*(each.libraries for each in there.values()))
        fresh = [each for each in waiting if each.name not in wanted]
        if not fresh:
            return gone
        gone += fresh
        waiting = [each for each in waiting if each.name in wanted]
        for each in fresh:
            there.pop(each, None)


def too_new(needs: dict[Path, Needs], promised: Version = GLIBC) -> list[str]:
    """Return a sentence for each file that asks for a newer C library than ``promised``."""
    return [
        f"{file.name} needs glibc {'.'.join(map(str, each.glibc))}, and {'.'.join(map(str, promised))} is promised"
        for file, each in sorted(needs.items())
        if each.glibc > promised
    ]
