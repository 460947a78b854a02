"""Access to the snapshots of earlier versions."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VERSIONS = sorted(folder.name for folder in HERE.iterdir() if (folder / "commands.json").is_file())


def part(version: str, name: str) -> Any:
    """Return one part of a version's snapshot, parsed."""
    return json.loads((HERE / version / name).read_text("utf-8"))
