"""Redact JSON values and texts: names and texts become pseudonyms, and the program's own names are kept.

Kept are known names of fields and events, known values of fields, values that are an ID (UUID) or a time, numbers
that are short, and characters that are not letters or digits. Other words and numbers are replaced, also digits in
texts. Some kinds of text keep more, such as the program's words in notes and the names of browsers in a User-Agent.
Fields for secrets keep less: no IDs, times or numbers.
"""

import json
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from app.protocol.bundle import vocabulary
from app.protocol.bundle.pseudonyms import Pseudonyms, word_pattern
from app.protocol.bundle.secret_names import is_secret
from app.protocol.envelope import BadFrame, parse_json

MIN_REDACTED_NUMBER = 100_000
"""A number in an unknown field is replaced if it is at least this large: it may be a phone number."""
MAX_KEPT_DIGITS = 5
"""The fraction of a number with more digits is replaced: it may be a coordinate."""
LOOPBACK, OTHER_ADDRESS = "127.0.0.1", "192.0.2.1"

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?")
_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){1,2}")
_TARGET = re.compile(r"(all|client:[\d, ]*|rest|\d{1,9})?( except:\d{0,9})?")
_USER_TARGET = re.compile(r"(?s)user:(.*?)( except:\d{0,9})?")
_FRIEND_CALL = re.compile(r"\S+ /friends/([^/]+)(?:/.*)?")
_LOCAL_PAGE = re.compile(
    r"(https?|wss?|tauri)://(localhost|127\.0\.0\.1|\[::1\]|tauri\.localhost)(:\d{1,5})?/?|null|"
)
_HIDDEN = re.compile(
    r"""(?s)(?<!\w)(?P<mark>['"])(?P<quoted>.{1,300}?)(?P=mark)(?!\w)"""
    r"""|(?<![\d.])(?!127\.0\.0\.1(?!\d))\d{1,3}(?:\.\d{1,3}){3}(?!\d)"""
    r"""|(?<![\w:])[0-9A-Fa-f]*(?:::?[0-9A-Fa-f]+){3,8}(?![\w:])"""
)
"""Parts of notes in which nothing is kept: quoted texts, and IP addresses."""


@cache
def _raw_token() -> re.Pattern[str]:
    """Return the pattern of escapes, names of fields, and words in a frame that is not JSON."""
    return re.compile(
        r"""(?:\\u[0-9a-fA-F]{4})+|\\[bfnrt"\\/]|"[A-Za-z_]\w*"(?=\s*:)|(?<![\w"])(?:true|false|null)(?![\w"])|"""
        + word_pattern()
    )


class Redactor:
    """Redacts the parts of one bundle, with the same pseudonyms everywhere."""

    def __init__(self, pseudonyms: Pseudonyms, fields: Collection[str] = (), events: Collection[str] = ()) -> None:
        """``fields`` and ``events`` are the names that event files declare. They are kept."""
        self.pseudonyms = pseudonyms
        self.events = vocabulary.event_names() | set(events)
        self.fields = vocabulary.field_names() | set(fields)
        self._values = vocabulary.field_values()
        self._names: set[str] = set()
        self._users: set[str] = set()
        """The words of the names of users, in lower case."""

    def know_users(self, value: Any, field: str = "") -> None:
        """Replace the users that a JSON value names even if their names are also words of the program."""
        if isinstance(value, dict):
            for key, each in value.items():
                self.know_users(each, key)
        elif isinstance(value, list):
            for each in value:
                self.know_users(each, field)
        elif field in vocabulary.USERS:
            self.know_user(value)

    def know_user(self, name: Any) -> None:
        """Replace the name of a user even if it is also a word of the program."""
        if isinstance(name, str) and name not in self._names:
            self._names.add(name)
            self._users.update(re.findall(word_pattern(), name.casefold()))

    def know_users_of_frame(self, text: str) -> None:
        """Know the users that a frame or a body names, if it is JSON."""
        with suppress(BadFrame):
            self.know_users(parse_json(text))

    def know_users_of_target(self, text: str) -> None:
        """Know the user of a target, if it has one."""
        if found := _USER_TARGET.fullmatch(text):
            self.know_user(found[1])

    def know_users_of_call(self, text: str) -> None:
        """Know the user whose friendship a REST call is about."""
        if found := _FRIEND_CALL.fullmatch(text):
            self.know_user(unquote(found[1]))

    def know_users_of_query(self, text: str) -> None:
        """Know the users that the query of a URL names."""
        self.know_users(dict(parse_qsl(text, errors="replace")))

    def text(self, text: str) -> str:
        """Replace all words of a text."""
        return self.pseudonyms.text(text)

    def value(self, value: Any, field: str = "") -> Any:
        """Redact a JSON value, which ``field`` contains."""
        if is_secret(field):
            return self._hidden(value)
        if isinstance(value, dict):
            return {self.field(key): self.value(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [self.value(each, field) for each in value]
        if isinstance(value, str):
            return self._text_of(field, value)
        if isinstance(value, bool) or value is None or field in vocabulary.TIMES:
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
        return kept + space + "/".join(map(self._segment, path.split("/")))

    def _segment(self, segment: str) -> str:
        """Redact a segment of a path, which may contain escapes such as ``%C3``."""
        if segment in vocabulary.ROUTES or _UUID.fullmatch(segment):
            return segment
        plain = unquote(segment)
        return self.text(segment) if plain == segment else quote(self.text(plain), errors="surrogatepass")

    def query(self, query: str) -> str:
        """Redact the query of a URL."""
        pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
        redacted = [
            (self.field(name), value if _is_place(name, value) else str(self.value(value, name)))
            for name, value in pairs
        ]
        return urlencode(redacted, errors="surrogatepass")

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
        """Redact a note of the program about a row.

        Its own words and short numbers are kept, but not in quoted texts and IP addresses.
        """
        parts: list[str] = []
        end = 0
        for found in _HIDDEN.finditer(text):
            parts.append(self.pseudonyms.text(text[end : found.start()], self._keep_in_note))
            mark, quoted = found["mark"], found["quoted"]
            parts.append(mark + self._quoted(quoted) + mark if mark else self.text(found[0]))
            end = found.end()
        return "".join(parts) + self.pseudonyms.text(text[end:], self._keep_in_note)

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

    def _hidden(self, value: Any) -> Any:
        """Redact a value of a field for secrets: also IDs, times and short numbers in it."""
        if isinstance(value, dict):
            return {self.field(key): self._hidden(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._hidden(each) for each in value]
        if isinstance(value, str):
            return self.text(value)
        return value if isinstance(value, bool) or value is None else self._number(value, hide=True)

    def _number(self, number: Any, *, hide: bool = False) -> Any:
        if isinstance(number, float) and not math.isfinite(number):
            return None
        sign = -1 if number < 0 else 1
        if isinstance(number, int):
            large = abs(number) >= MIN_REDACTED_NUMBER
            return sign * int(self.pseudonyms.number(str(abs(number)))) if large or hide else number
        whole, _, fraction = f"{abs(number):.15f}".rstrip("0").partition(".")
        if not hide and len(whole) <= MAX_KEPT_DIGITS and len((whole + fraction).lstrip("0")) <= MAX_KEPT_DIGITS:
            return number
        if hide or len(whole) > MAX_KEPT_DIGITS:
            whole = self.pseudonyms.number(whole)
        found = float(f"{whole}.{self.pseudonyms.word(fraction) if fraction else '0'}")
        return sign * found if math.isfinite(found) else None

    def _raw(self, text: str) -> str:
        return _raw_token().sub(lambda found: self._token(found[0]), text)

    def _token(self, token: str) -> str:
        if token.startswith("\\u"):
            units = b"".join(int(each, 16).to_bytes(2) for each in token.split("\\u")[1:])
            found = self.text(units.decode("utf-16-be", "surrogatepass")).encode("utf-16-be", "surrogatepass")
            return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(found[::2], found[1::2], strict=True))
        if token.startswith('"'):
            return f'"{self.field(token[1:-1])}"'
        return token if token.startswith("\\") or token in ("true", "false", "null") else self.text(token)

    def _quoted(self, text: str) -> str:
        known = (text in self.fields or text in self.events) and text.casefold() not in self._users
        return text if known else self.text(text)

    def _keep_in_note(self, word: str) -> bool:
        if word.casefold() in self._users:
            return False
        return len(word) <= MAX_KEPT_DIGITS if word.isdecimal() else word.lower() in vocabulary.NOTES


def _is_place(name: str, value: str) -> bool:
    """Return whether a parameter says which part of a list is requested, which the state of the UI depends on."""
    return name in ("limit", "offset") and value.isdecimal() and len(value) <= MAX_KEPT_DIGITS


def version_or(text: str, otherwise: Any) -> str:
    """Return a text if it is a version number, or what ``otherwise`` returns for it."""
    return text if _VERSION.fullmatch(text) else str(otherwise(text))
