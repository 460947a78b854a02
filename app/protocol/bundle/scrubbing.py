"""Remove secrets and the user's folders from the values of a bug report bundle that is not redacted.
A secret, such as a token or a password, is recognized by its value, by the name of its field, or by its form, such
as that of a JWT. A folder becomes ``~``.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator
from typing import Any

from app.protocol.bundle.secret_names import NAMES, NUMBERS, is_secret
from app.protocol.envelope import BadFrame, parse_json

REMOVED = "removed"
MAX_DEPTH = 4
"""JSON in a text of JSON in a text … is read up to this depth."""

# The patterns begin where the characters before them cannot belong to them: otherwise, a long run of such
# characters takes a time that grows with the square of its length.
_FIELD = re.compile(rf'(?i)((?<!\\)\\*"[\w-]*(?:{NAMES})s?[_-]?\d*\\*"\s*:\s*\\*")[^"\\]+')
_NUMBER = re.compile(rf'(?i)((?<!\\)\\*"(?:[\w-]*(?:{NAMES})s?[_-]?\d*|{NUMBERS})\\*"\s*:\s*)-?\d[\d.eE+-]*')
_QUERY = re.compile(rf"(?i)(?<![\w-])((?:[\w-]*(?:{NAMES})s?[_-]?\d*|{NUMBERS})=)[^&\"\\\s]+")
_USER_INFO = re.compile(r"(?<=://)[^/\s\"\\@]+(?=@)")
_BEARER = re.compile(r"(?i)\b(bearer|basic) +[A-Za-z0-9+/._~=-]{8,}")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)


class Scrubber:
    """Removes secrets and folders from JSON values, and from JSON in their texts."""

    def __init__(self, secrets: Collection[str], folders: Collection[str]) -> None:
        """``secrets`` are values that must not occur; ``folders`` are paths, which become ``~``."""
        found = [re.escape(each) for each in secrets if len(each) >= 8]
        self._secrets = re.compile("|".join(found)) if found else None
        paths = sorted({form for each in folders if len(each) > 1 for form in _forms(each)}, key=len, reverse=True)
        self._paths = re.compile("|".join(map(_path_pattern, paths))) if paths else None

    def value(self, value: Any, field: str = "", depth: int = 0) -> Any:
        """Return a JSON value, which ``field`` contains, without them. Nothing else is changed."""
        if is_secret(field) and value not in (None, "", [], {}) and not isinstance(value, bool):
            return REMOVED
        if isinstance(value, dict):
            return {self.text(name): self.value(each, name, depth) for name, each in value.items()}
        if isinstance(value, list):
            return [self.value(each, field, depth) for each in value]
        if not isinstance(value, str):
            return value
        return self._bytes(value, depth) if field == "base64" else self._frame(value, depth)

    def text(self, text: str) -> str:
        """Return a text that is not JSON without them."""
        if self._secrets:
            text = self._secrets.sub(REMOVED, text)
        if self._paths:
            text = self._paths.sub("~", text)
        text = _FIELD.sub(rf"\g<1>{REMOVED}", text)
        text = _NUMBER.sub(rf'\g<1>"{REMOVED}"', text)
        text = _USER_INFO.sub(REMOVED, text)
        text = _QUERY.sub(rf"\g<1>{REMOVED}", text)
        text = _PEM.sub(REMOVED, _JWT.sub(REMOVED, text))
        return _BEARER.sub(rf"\g<1> {REMOVED}", text)

    def _frame(self, text: str, depth: int) -> str:
        """Return a text, which may be JSON. It is the same text if nothing is removed from it."""
        if depth < MAX_DEPTH and text.lstrip()[:1] in ("{", "["):
            try:
                value = parse_json(text)
            except BadFrame:
                return self.text(text)
            if (scrubbed := self.value(value, depth=depth + 1)) != value:
                separators = (", ", ": ") if '": ' in text else (",", ":")
                return json.dumps(scrubbed, ensure_ascii=False, separators=separators)
        return self.text(text)

    def _bytes(self, base64: str, depth: int) -> str:
        """Return bytes in base64, which may be a frame that is not UTF-8."""
        try:
            text = b64decode(base64, validate=True).decode(errors="surrogateescape")
        except ValueError:
            return self.text(base64)
        scrubbed = self._frame(text, depth)
        return base64 if scrubbed == text else b64encode(scrubbed.encode(errors="surrogateescape")).decode()


def _path_pattern(path: str) -> str:
    """Return the pattern of a path at the end of a name. Paths of Windows ignore case."""
    pattern = re.escape(path) + r"(?![\w-]|\.\w)"
    return f"(?i:{pattern})" if re.match(r"[A-Za-z]:", path) else pattern


def _forms(path: str) -> Iterator[str]:
    """Yield a path as texts contain it: with either slash, and with escaped backslashes."""
    yield path
    yield path.replace("\\", "/")
    escaped = path.replace("\\", "\\\\")
    yield escaped
    yield escaped.replace("\\", "\\\\")
