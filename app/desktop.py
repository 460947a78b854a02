"""Composition root with Qt and qasync (placeholder until the window lands in the next commit)."""

from pathlib import Path


def run(port: int | None, data_dir: Path | None, *, hidden: bool) -> int:
    """Open the window and the tray."""
    raise SystemExit("the window is not there yet; use `companion serve`")
