"""Show a bug report bundle as text: how it was made, the settings, event files and chat state in full, the number
of lint findings per rule, and the first lines of its recording. A bundle is a ZIP archive of these parts and of
the whole recording, to reproduce a bug on another computer. The user can read the text before saving the bundle: in
``ui/bundle_dialog.py``, or printed by ``companion session bundle --preview``.
"""

import json
from typing import Any

from app.protocol.bundle.archive import EVENTS, LINT, SETTINGS, STATE, Bundle
from app.protocol.counts import count

PREVIEW_LINES = 20
"""Number of lines of the recording that a preview shows."""


def preview_text(bundle: Bundle, lines: int) -> str:
    """Return the facts, and the content: settings, state, event files, findings, and the first lines."""
    manifest = bundle.manifest
    how = "redacted: names and texts are pseudonyms" if manifest.get("redacted") else "NOT redacted"
    parts = [
        f"Bundle of {manifest.get('recording')}, {how}",
        f"Companion {manifest.get('companion')}, Python {manifest.get('python')}, {manifest.get('system')}",
        f"Recording: {count(manifest.get('lines', 0), 'line')}{_left_out(manifest)}",
    ]
    if findings := _findings(bundle.files.get(LINT)):
        parts += ["", "Findings of the lint", *findings]
    for name in (SETTINGS, *(each for each in bundle.files if each.startswith(EVENTS)), STATE):
        if name in bundle.files:
            parts += ["", name, json.dumps(bundle.files[name], ensure_ascii=False, indent=1)]
    first = [each for each in bundle.recording.split("\n", lines + 1)[1 : lines + 1] if each]
    parts += ["", f"The first {count(len(first), 'line')} of the recording", *first]
    return "\n".join(parts).rstrip() + "\n"


def _left_out(manifest: dict[str, Any]) -> str:
    left_out = manifest.get("lines_left_out", 0)
    return f", {count(left_out, 'invalid line')} left out" if left_out else ""


def _findings(lint: Any) -> list[str]:
    rules = lint.get("rules", []) if isinstance(lint, dict) else []
    return [f"{each['rule']}: {each['count']}" for each in rules if isinstance(each, dict) and each.get("count")]
