"""What this program is made of: the libraries that it needs, their versions and licences.

Read from the metadata that every installed library carries, in a bundle as well: the list is never out of date.
"""

import platform
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

PROGRAM = "p2p-chat-companion"
OPTIONAL = ("uvloop",)
SHORT = 60
"""Some libraries put the licence's whole text where its name belongs."""


class Component(NamedTuple):
    """A library, and under which licence it is."""

    name: str
    version: str
    licence: str


def python() -> Component:
    """Return the interpreter that runs."""
    return Component("Python", platform.python_version(), "PSF-2.0")


def libraries() -> list[Component]:
    """Return the libraries that the program needs and has, also those that its libraries need, by name."""
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
            continue  # for another system or another version of Python
        found[key] = Component(each.name, each.version, licence_of(each))
        waiting += [required for line in each.requires or [] if (required := _always_required(line))]
    found.pop(PROGRAM, None)
    return sorted(found.values(), key=lambda each: each.name.lower())


def licence_of(library: Distribution) -> str:
    """Return what a library says of its licence, in a few words; ``see its text`` where it says none."""
    said = library.metadata
    named = next((said[field] for field in ("License-Expression", "License") if said.get_all(field)), "")
    if named and "\n" not in named and len(named) <= SHORT:
        return named
    kinds = [each for each in said.get_all("Classifier") or [] if each.startswith("License ::")]
    return ", ".join(each.rpartition(" :: ")[2] for each in kinds) or "see its text"


def _always_required(line: str) -> str:
    """Return the name in a line like ``rich>=13; python_version < "3.12"``; nothing for what an extra asks for."""
    name = re.match(r"[A-Za-z0-9._-]+", line)
    return name[0] if name and "extra ==" not in line else ""


def licence_texts() -> Path | None:
    """Return the folder with the texts of the licences; None when the program is no bundle."""
    inside = getattr(sys, "_MEIPASS", None)
    folder = Path(inside) / "licences" if inside else None
    return folder if folder and folder.is_dir() else None
