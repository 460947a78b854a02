"""Read the dependencies of ELF files (Linux) with ``objdump``: needed libraries and version of the C library."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

GLIBC = (2, 35)
"""The oldest C library that the Linux packages support, as the manual says."""

Version = tuple[int, ...]


class Needs(NamedTuple):
    """The libraries that a file needs, and the minimum version of the C library."""

    libraries: frozenset[str]
    glibc: Version


def is_elf(file: Path) -> bool:
    """Return whether ``file`` is an ELF program or library."""
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def needs_of(file: Path) -> Needs:
    """Run ``objdump`` (package binutils) on a file. Raise ``CalledProcessError`` if it is not an ELF file."""
    output = subprocess.run(["objdump", "-p", str(file)], check=True, capture_output=True, text=True).stdout
    return parse_objdump(output)


def parse_objdump(output: str) -> Needs:
    """Parse the output of ``objdump -p``."""
    libraries = frozenset(re.findall(r"^ +NEEDED +(\S+)$", output, re.M))
    versions = [tuple(map(int, each.split("."))) for each in re.findall(r"\bGLIBC_(\d[\d.]*)$", output, re.M)]
    return Needs(libraries, max(versions, default=()))


def orphans(needs: dict[Path, Needs], candidates: Iterable[Path]) -> list[Path]:
    """Return the ``candidates`` that no remaining file in ``needs`` depends on."""
    remaining, removed = dict(needs), []
    waiting = list(candidates)
    while True:
        wanted = frozenset().union(*(each.libraries for each in remaining.values()))
        fresh = [each for each in waiting if each.name not in wanted]
        if not fresh:
            return removed
        removed += fresh
        waiting = [each for each in waiting if each.name in wanted]
        for each in fresh:
            remaining.pop(each, None)


def too_new(needs: dict[Path, Needs], promised: Version = GLIBC) -> list[str]:
    """Return an error for each file that needs a newer C library than ``promised``."""
    return [
        f"{file.name} needs glibc {'.'.join(map(str, each.glibc))}; the limit is {'.'.join(map(str, promised))}"
        for file, each in sorted(needs.items())
        if each.glibc > promised
    ]
