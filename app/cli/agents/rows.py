"""Shorten rows of the log for agents: summaries first, and the whole rows on request."""

from typing import Any

MAX_TEXT = 160
"""Characters of a frame in a summary."""


def summary(row: dict[str, Any]) -> dict[str, Any]:
    """Return the facts about a row, and the beginning of its frame."""
    kept = {name: row[name] for name in ("seq", "time", "direction", "event", "client", "verdict", "origin")}
    more = {name: row[name] for name in ("user", "note", "lint", "annotation") if row.get(name)}
    text = str(row.get("frame", ""))
    return {**kept, **more, "text": text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"}


def result_of(run: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict of a scenario, and the expectations that were not met."""
    kept = {name: run[name] for name in ("number", "title", "state", "steps", "events", "met", "unmet", "seed")}
    failed = [each for each in run.get("results", []) if not each.get("met", True)]
    return {**kept, **({"failed": failed} if failed else {}), **({"error": run["error"]} if run["error"] else {})}
