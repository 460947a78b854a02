"""Tests of ``packaging/``. Its modules are scripts and not a package: ``load`` imports one by its path."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PACKAGING = Path(__file__).parents[2] / "packaging"


def load(path: str) -> ModuleType:
    """Return the module ``packaging/<path>.py``."""
    name = f"packaging_{path.replace('/', '_')}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, PACKAGING / f"{path}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.path.append(str(PACKAGING))  # a script imports other scripts in its folder
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(PACKAGING))
        sys.modules[name] = module
    return sys.modules[name]
