"""Write the results of a run into ``tests/benchmarks/README.md``, between two marks."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

README = Path(__file__).with_name("README.md")
BEGIN = "<!-- begin: python -m tests.benchmarks.run --write -->"
END = "<!-- end -->"


def machine() -> str:
    """Return a description of the machine and the versions."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or "unknown processor",
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in ("PySide6-Essentials", "websockets", "msgspec"))
    python = platform.python_version()
    load = f"{os.getloadavg()[0]:.1f}"  # about 2 if nothing else runs
    cores = f"{os.cpu_count()} cores (load average {load} at the end)"
    return f"{model}, {cores}, Linux {platform.release().partition('-')[0]}, Python {python}, {libraries}."


def write(text: str) -> None:
    """Replace the text between the marks. Raises ``ValueError`` if they are missing."""
    before, _, rest = README.read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{README} has no {BEGIN} … {END}")
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
