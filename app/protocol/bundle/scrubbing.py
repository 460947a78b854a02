"""Remove secrets and the user's folders from the values of a bug report bundle that is not redacted.
A secret, such as a token or a password, is recognized by its value, by the name of its field or before it, as in
``password: …``, or by its form, such as that of a JWT. A folder becomes ``~``.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote as percent_encoded

from app.protocol.bundle.secret_names import NAMES, NUMBERS, is_secret
from app.protocol.envelope import BadFrame, parse_json

REMOVED = "removed"
MAX_DEPTH = 4
"""JSON in a text of JSON in a text … is read up to this depth."""

# The patterns begin where the characters before them cannot belong to them: otherwise, a long run of such
# characters takes a time that grows with the square of its length.
_FIELD = re.compile(
    rf'(?i)(?<!\\)(\\*)"(?:[\w-]*(?:{NAMES})s?[_-]?\d*|{NUMBERS})\1"\s*:\s*(?:\1(")|(?=[\[{{])|(-?\d[\d.eE+-]*))'
)
"""A field with a secret in JSON: the name, and the beginning of a value that is a text, an array, an object or a
number. Backslashes are before the quotation marks if the JSON is itself in a text of JSON."""
_QUOTE = re.compile(r'(?<!\\)(\\*)"')
_QUOTE_OR_BRACKET = re.compile(r'(?<!\\)(\\*)"|[\[\]{}]')
_NAMED = re.compile(
    rf"(?i)(?<![\w-])((?:[\w-]*(?:{NAMES})s?[_-]?\d*|{NUMBERS})"
    r"(?:'|%2[27])?[ \t]{0,8}(?:[:=]|%3[AD])[ \t]{0,8})(?:'[^'\"\\\r\n]*'|[^&\"\\\s]+)"
)
"""``name=value`` or ``name: value``, also in the percent encoding or with the quotation marks of Python."""
_HEADER = re.compile(r"(?i)(?<![\w-])((?:[\w-]*(?:authorization|cookie)): {0,8})[^\"\\\r\n]+")
"""A header whose value has several words."""
_KEY = re.compile(
    r"(?<![\w-])(?:(?:sb_secret_|sk-|gh[opsru]_|github_pat_|glpat-|xox[abprs]-)[\w-]{16,}|AKIA[A-Z0-9]{16})"
)
"""The keys of well-known services begin so."""
_ESCAPE = re.compile(r"(?<!\\)\\+u00([2-7][0-9A-Fa-f])")
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
        plain = _ESCAPE.sub(_unescaped, text)
        if plain != text and (scrubbed := self._scrubbed(plain)) != plain:
            return scrubbed
        return self._scrubbed(text)

    def _scrubbed(self, text: str) -> str:
        if self._secrets:
            text = self._secrets.sub(REMOVED, text)
        if self._paths:
            text = self._paths.sub("~", text)
        text = _without_fields(text)
        text = _USER_INFO.sub(REMOVED, text)
        text = _NAMED.sub(rf"\g<1>{REMOVED}", _HEADER.sub(rf"\g<1>{REMOVED}", text))
        text = _PEM.sub(REMOVED, _KEY.sub(REMOVED, _JWT.sub(REMOVED, text)))
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


def _without_fields(text: str) -> str:
    """Return a text, which contains JSON that may be invalid or cut off, without the values of secret fields."""
    parts, end = [], 0
    while found := _FIELD.search(text, end):
        level, mark = len(found[1]), found[1] + '"'
        if found[2]:
            start, mark = found.end(), ""
            stop, _ = _string_end(text, start, level)
        elif found[3]:
            start, stop = found.span(3)
        else:
            start = found.end()
            stop = _bracket_end(text, start, level)
        is_empty = not text[start:stop].strip("[]{} \t\r\n")
        parts += [text[end:start], text[start:stop] if is_empty else f"{mark}{REMOVED}{mark}"]
        end = stop
    return "".join([*parts, text[end:]])


def _string_end(text: str, start: int, level: int) -> tuple[int, bool]:
    """Return the end of the content of a JSON string, and whether a quotation mark closes it there.

    ``level`` is the number of backslashes before its own quotation marks. One inside has twice as many and one
    more, and those for the backslashes before it. Any other belongs to a text around the string, which is cut off.
    """
    for quote in _QUOTE.finditer(text, start):
        backslashes = len(quote[1])
        if backslashes % (2 * level + 2) == level:
            return quote.end() - level - 1, True
        if backslashes % (2 * level + 2) != 2 * level + 1:
            return quote.start(), False
    return len(text), False


def _bracket_end(text: str, start: int, level: int) -> int:
    """Return the end of an array or object, or of the text around it if that ends first. See ``_string_end``."""
    depth, at = 0, start
    while found := _QUOTE_OR_BRACKET.search(text, at):
        at = found.end()
        if found[1] is None:
            depth += 1 if found[0] in "[{" else -1
            if not depth:
                return at
            continue
        if len(found[1]) != level:
            return found.start()
        end, is_closed = _string_end(text, at, level)
        if not is_closed:
            return end
        at = end + level + 1
    return len(text)


def _path_pattern(path: str) -> str:
    """Return the pattern of a path at the end of a name. Paths of Windows ignore case."""
    pattern = re.escape(path) + r"(?![\w-]|\.\w)"
    return f"(?i:{pattern})" if re.match(r"[A-Za-z]:", path) else pattern


def _unescaped(found: re.Match[str]) -> str:
    """Return the character of an escape of JSON, unless it belongs to JSON's grammar."""
    char = chr(int(found[1], 16))
    return found[0] if char in '"\\\x7f' else char


def _forms(path: str) -> Iterator[str]:
    """Yield a path as texts contain it: with either slash, with escaped slashes, and in the percent encoding."""
    yield path
    slashes = path.replace("\\", "/")
    yield slashes
    yield slashes.replace("/", "\\/")
    yield slashes.replace("/", "\\\\/")
    for each in (path, slashes):
        for safe in ("", "/"):
            encoded = percent_encoded(each, safe, errors="surrogatepass")
            yield encoded
            yield re.sub("%..", lambda found: found[0].lower(), encoded)
    escaped = path.replace("\\", "\\\\")
    yield escaped
    yield escaped.replace("\\", "\\\\")
