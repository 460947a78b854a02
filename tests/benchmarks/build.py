"""Compile the C and C++ programs into the build folder, if they have changed."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "benchmarks"


class Missing(Exception):
    """A tool or library is not installed. The text names it."""


def compiled(name: str) -> Path:
    """Return the path of the program compiled from ``native/NAME``. Compile it if needed. Raises ``Missing``."""
    source = HERE / "native" / name
    command = _compiler(source.suffix)
    digest = hashlib.sha256(source.read_bytes() + " ".join(command).encode()).hexdigest()[:12]
    program = BUILD / f"{source.stem}-{digest}"
    if not program.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        fresh = program.with_suffix(f".{os.getpid()}")
        made = subprocess.run([*command, "-o", str(fresh), str(source)], capture_output=True, text=True)
        if made.returncode:
            raise Missing(_reason(made.stderr))
        fresh.replace(program)
    return program


def _compiler(suffix: str) -> list[str]:
    names, standard = (("cc", "gcc", "clang"), "gnu17") if suffix == ".c" else (("g++", "clang++"), "c++20")
    compiler = next(filter(None, map(shutil.which, names)), None)
    if compiler is None:
        raise Missing(f"no {names[0]}")
    return [compiler, "-O2", f"-std={standard}", "-pthread"]


def _reason(errors: str) -> str:
    if "boost" in errors and "No such file" in errors:
        return "no Boost headers (libboost-dev)"
    return next((line for line in errors.splitlines() if "error" in line), "the compiler failed")
