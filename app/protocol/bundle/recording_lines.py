"""Redact the lines of a recording for a bug report bundle: its header with the chat state, and its steps.
A line is passed and returned as a JSON object. Most steps are rows of the log, such as frames and REST calls.
``redaction`` replaces the values; this module knows which field of a line has which kind of text.
"""

import math
from collections.abc import Callable
from typing import Any

from app.protocol.bundle import vocabulary
from app.protocol.bundle.redaction import Redactor, version_or
from app.protocol.session.steps import RUN_TITLE

MAX_DEPTH = 10
"""Steps inside steps that are nested deeper are left out. Recordings have none."""


class LineRedactor:
    """Redacts lines as JSON values."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._ways: dict[str, Callable[[str], str]] = {
            "payload": redactor.frame, "frame": redactor.frame, "base64": redactor.bytes_frame,
            "comment": redactor.note, "server": redactor.note,
            "s2c": redactor.event, "c2s": redactor.event, "fire": redactor.event, "expect": redactor.event,
            "when": redactor.event, "rest": redactor.call, "rest_fault": redactor.call, "query": redactor.query,
            "request": redactor.frame, "response": redactor.frame, "to": redactor.target, "client": redactor.target,
            "close": redactor.target, "abort": redactor.target, "faults": redactor.target,
            "origin": redactor.origin, "page": redactor.page, "agent": redactor.user_agent,
            "mark": self._mark, "verdict": self._verdict,
        }  # fmt: skip
        """How the texts of a step are redacted, by field. Other fields are values."""
        self._known: dict[Callable[[str], str], Callable[[str], None]] = {
            redactor.frame: redactor.know_users_of_frame, redactor.target: redactor.know_users_of_target,
            redactor.call: redactor.know_users_of_call, redactor.event: redactor.know_users_of_call,
            redactor.query: redactor.know_users_of_query,
        }  # fmt: skip
        """How the users that such texts name are found."""

    def know_header(self, header: dict[str, Any]) -> None:
        """Know the users that the first line names, before lines are redacted."""
        self._redactor.know_user(header.get("me"))
        self._redactor.know_users([header.get("state"), header.get("clients")])

    def know_step(self, step: dict[str, Any], depth: int = 0) -> None:
        """Know the users that a row, a REST call or another step names."""
        for key, value in step.items():
            if key in ("do", "steps") and isinstance(value, list):
                for each in value if depth < MAX_DEPTH else ():
                    if isinstance(each, dict):
                        self.know_step(each, depth + 1)
            elif isinstance(value, str) and (way := self._ways.get(key)):
                if know := self._known.get(way):
                    know(value)
            else:
                self._redactor.know_users(value, key)

    def header(self, header: dict[str, Any]) -> dict[str, Any]:
        """Redact the first line. Its chat state is a value, or the path of a file, which is left out."""
        redactor = self._redactor
        kept: dict[str, Any] = {}
        for key, value in header.items():
            match key:
                case "text":
                    continue
                case "state":
                    kept[key] = redactor.value(value) if isinstance(value, dict) else None
                case "title":
                    kept[key] = value if value == RUN_TITLE else redactor.value(value)
                case "kind":
                    kept[key] = value if value in ("scenario", "recording") else "recording"
                case "clients":
                    clients = value if isinstance(value, list) else []
                    kept[key] = [self.step(each) for each in clients if isinstance(each, dict)]
                case "companion":
                    kept[key] = version_or(value, redactor.text) if isinstance(value, str) else ""
                case _:
                    kept[redactor.field(key)] = self._value(value, key)
        return kept

    def step(self, step: dict[str, Any], depth: int = 0) -> dict[str, Any]:
        """Redact a row, a REST call or another step."""
        redactor = self._redactor
        found: dict[str, Any] = {}
        for key, value in step.items():
            if key in ("do", "steps") and isinstance(value, list):
                inner = [each for each in value if isinstance(each, dict)] if depth < MAX_DEPTH else []
                found[key] = [self.step(each, depth + 1) for each in inner]
            elif isinstance(value, str) and (way := self._ways.get(key)):
                found[key] = way(value)
            elif key != "text":
                found[redactor.field(key)] = self._value(value, key)
        return found

    def _value(self, value: Any, key: str) -> Any:
        """Redact a value of a line. Row numbers, durations and seeds stay."""
        numbers = value if isinstance(value, list) else [value]
        if key in vocabulary.NUMBERS and all(isinstance(each, int | float) for each in numbers):
            return [_finite(each) for each in value] if isinstance(value, list) else _finite(value)
        return self._redactor.value(value, key)

    def _mark(self, mark: str) -> str:
        return mark if mark == "end" else self._redactor.text(mark)

    def _verdict(self, verdict: str) -> str:
        return verdict if verdict in vocabulary.VERDICTS else self._redactor.text(verdict)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
