"""Redact JSON values and texts: names and texts become pseudonyms, and the program's own names are kept.

Kept are known names of fields and events, IDs (UUIDs), times, short numbers, and characters that are not letters or
digits. Everything else is replaced.
"""

import json
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl, urlencode

from app.protocol.bundle import vocabulary
from app.protocol.bundle.pseudonyms import Pseudonyms
from app.protocol.envelope import BadFrame, parse_json

MIN_REDACTED_NUMBER = 100_000
"""A number in an unknown field is replaced if it is at least this large: it may be a phone number."""
MAX_KEPT_DIGITS = 5
LOOPBACK, OTHER_ADDRESS = "127.0.0.1", "192.0.2.1"

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?")
_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}")
_TARGET = re.compile(r"(all|client:[\d, ]*|rest|\d{1,9})?( except:\d{0,9})?")
_USER_TARGET = re.compile(r"(?s)user:(.*?)( except:\d{0,9})?")
_LOCAL_PAGE = re.compile(
    r"(https?|wss?|tauri)://(localhost|127\.0\.0\.1|\[::1\]|tauri\.localhost)(:\d{1,5})?/?|null|"
)
_RAW_TOKEN = re.compile(
    r"""\\u[0-9a-fA-F]{4}|\\[bfnrt"\\/]|"[A-Za-z_]\w*"(?=\s*:)|(?<![\w"])(?:true|false|null)(?![\w"])|[^\W_]+"""
)


class Redactor:
    """Redacts the parts of one bundle, with the same pseudonyms everywhere."""

    def __init__(self, pseudonyms: Pseudonyms, fields: Collection[str] = (), events: Collection[str] = ()) -> None:
        """``fields`` and ``events`` are the names that event files declare. They are kept."""
        self.pseudonyms = pseudonyms
        self.events = vocabulary.event_names() | set(events)
        self.fields = vocabulary.field_names() | set(fields)
        self._values = vocabulary.field_values()
        self._users: set[str] = set()

    def know_users(self, state: Any) -> None:
        """Replace the names of these users even if they are also words of the program."""
        people = state.get("people") if isinstance(state, dict) else None
        for each in people if isinstance(people, list) else ():
            if isinstance(each, dict) and isinstance(name := each.get("username"), str):
                self._users.update(re.findall(r"[^\W_]+", name.casefold()))

    def text(self, text: str) -> str:
        """Replace all words of a text."""
        return self.pseudonyms.text(text)

    def value(self, value: Any, field: str = "") -> Any:
        """Redact a JSON value, which ``field`` contains."""
        if isinstance(value, dict):
            return {self.field(key): self.value(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [self.value(each, field) for each in value]
        if isinstance(value, str):
            return self._text_of(field, value)
        if isinstance(value, bool) or value is None or field in vocabulary.NUMBERS:
            return value
        return self._number(value)

    def field(self, name: str) -> str:
        """Return the name of a field, or a pseudonym if it is not known."""
        return name if name in self.fields else self.text(name)

    def event(self, name: str) -> str:
        """Return the name of an event, or of a REST call, or a pseudonym if it is not known."""
        if name in self.events:
            return name
        method, space, path = name.partition(" ")
        return self.call(name) if space and method in vocabulary.METHODS and path[:1] == "/" else self.text(name)

    def call(self, call: str) -> str:
        """Redact the method and the path of a REST call."""
        method, space, path = call.partition(" ")
        kept = method if method in (*vocabulary.METHODS, "*") else self.text(method)
        parts = [
            each if each in vocabulary.ROUTES or _UUID.fullmatch(each) else self.text(each)
            for each in path.split("/")
        ]
        return kept + space + "/".join(parts)

    def query(self, query: str) -> str:
        """Redact the query of a URL."""
        pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
        return urlencode([(self.field(name), str(self.value(value, name))) for name, value in pairs])

    def frame(self, text: str) -> str:
        """Redact the text of a frame. If it is not JSON, only names of known fields in it are kept."""
        try:
            value = parse_json(text)
        except BadFrame:
            return self._raw(text)
        if isinstance(value, str):
            redacted = self.text(value)
        else:
            redacted = self.value(value)
            if isinstance(value, dict) and isinstance(name := value.get("event"), str):
                redacted["event"] = self.event(name)
        separators = (", ", ": ") if '": ' in text else (",", ":")
        return json.dumps(redacted, ensure_ascii=False, separators=separators)

    def bytes_frame(self, base64: str) -> str:
        """Redact a frame that is not UTF-8, in base64. Text that is not base64 is left out."""
        try:
            text = b64decode(base64, validate=True).decode(errors="surrogateescape")
        except ValueError:
            return ""
        return b64encode(self.frame(text).encode(errors="surrogateescape")).decode()

    def note(self, text: str) -> str:
        """Redact a note of the program about a row: its own words, short numbers and known names are kept."""
        return self.pseudonyms.text(text, self._keep_in_note)

    def target(self, text: str) -> str:
        """Redact a target, or the number of a client."""
        if _TARGET.fullmatch(text):
            return text
        if found := _USER_TARGET.fullmatch(text):
            return f"user:{self.text(found[1])}{found[2] or ''}"
        return self.text(text)

    def origin(self, text: str) -> str:
        """Redact the origin of a row: its kind and a number are kept."""
        kind, space, detail = text.partition(" ")
        kept = kind if kind in vocabulary.ORIGINS else self.text(kind)
        return kept + space + (detail if detail.isdecimal() and len(detail) < 10 else self.text(detail))

    def page(self, origin: str) -> str:
        """Redact the origin of a web page. Those of this machine are kept."""
        return origin if _LOCAL_PAGE.fullmatch(origin) else self.text(origin)

    def user_agent(self, text: str) -> str:
        """Redact a User-Agent. Names and versions of browsers are kept."""
        return self.pseudonyms.text(
            text, lambda word: word in vocabulary.BROWSERS or (word.isdecimal() and len(word) <= MAX_KEPT_DIGITS)
        )

    def _text_of(self, field: str, text: str) -> str:
        if text in self._values.get(field, ()) or _UUID.fullmatch(text) or _TIME.fullmatch(text):
            return text
        if field == "last_ip":
            return text if text in (LOOPBACK, "") else OTHER_ADDRESS
        if field in ("event", "fire"):
            return self.event(text)
        return version_or(text, self.text) if field in ("companion", "version") else self.text(text)

    def _number(self, number: Any) -> Any:
        if isinstance(number, float) and not math.isfinite(number):
            return None
        if abs(number) < MIN_REDACTED_NUMBER:
            return number
        if isinstance(number, float):
            return float(f"{self.pseudonyms.number(str(abs(int(number))))}.0") * (1 if number > 0 else -1)
        return int(self.pseudonyms.number(str(abs(number)))) * (1 if number > 0 else -1)

    def _raw(self, text: str) -> str:
        return _RAW_TOKEN.sub(lambda found: self._token(found[0]), text)

    def _token(self, token: str) -> str:
        if token.startswith("\\u") and len(token) == 6:
            char = chr(int(token[2:], 16))
            return self.text(char) if char.isalnum() else token
        if token.startswith('"'):
            return f'"{self.field(token[1:-1])}"'
        return token if token.startswith("\\") or token in ("true", "false", "null") else self.text(token)

    def _keep_in_note(self, word: str) -> bool:
        if word.isdecimal():
            return len(word) <= MAX_KEPT_DIGITS
        return word.lower() in vocabulary.NOTES and word.casefold() not in self._users


def version_or(text: str, otherwise: Any) -> str:
    """Return a text if it is a version number, or what ``otherwise`` returns for it."""
    return text if _VERSION.fullmatch(text) else str(otherwise(text))
