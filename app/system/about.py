"""List the installed libraries that the program uses, with versions and licences, from their package metadata.
The About dialog, bug reports and the build of release packages use the list.
"""

import platform
import re
import sys
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

PROGRAM = "p2p-chat-companion"
OPTIONAL = ("uvloop", "mcp")
SHORT = 60
"""Maximum length of a licence name. Some packages have the whole text in that field."""


class Component(NamedTuple):
    """A library with its version and the name of its licence."""

    name: str
    version: str
    licence: str


def python() -> Component:
    """Return the running Python interpreter."""
    return Component("Python", platform.python_version(), "PSF-2.0")


@cache  # reading the metadata takes tenths of a second
def libraries() -> tuple[Component, ...]:
    """Return the installed dependencies of the program, direct and indirect, sorted by name."""
    found: dict[str, Component] = {}
    waiting = [PROGRAM, *OPTIONAL]
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            each = distribution(name)
        except PackageNotFoundError:
            continue  # a dependency of another system or Python version
        found[key] = Component(each.name, each.version, licence_name(each))
        waiting += [required for line in each.requires or [] if (required := _always_required(line))]
    found.pop(PROGRAM, None)
    return tuple(sorted(found.values(), key=lambda each: each.name.lower()))


def licence_name(library: Distribution) -> str:
    """Return a library's licence name from its metadata, or ``see the licence text`` if there is no short name."""
    said = library.metadata
    named = next((said[field] for field in ("License-Expression", "License") if said.get_all(field)), "")
    if named and "\n" not in named and len(named) <= SHORT:
        return named
    kinds = [each for each in said.get_all("Classifier") or [] if each.startswith("License ::")]
    return ", ".join(each.rpartition(" :: ")[2] for each in kinds) or "see the licence text"


def _always_required(line: str) -> str:
    """Return the name in a line like ``rich>=13; python_version < "3.12"``; empty for a dependency of an extra."""
    name = re.match(r"[A-Za-z0-9._-]+", line)
    return name[0] if name and "extra ==" not in line else ""


def licence_texts() -> Path | None:
    """Return the bundle's folder with the licence texts, or None if the program does not run from a bundle."""
    inside = getattr(sys, "_MEIPASS", None)
    folder = Path(inside) / "licences" if inside else None
    return folder if folder and folder.is_dir() else None
