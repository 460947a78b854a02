"""Remove tokens, keys and the user's folders from the texts of a bundle that is not redacted."""

import re
from collections.abc import Collection, Iterator

REMOVED = "removed"
_NAMES = (
    "access_token|refresh_token|id_token|token|api_?key|secret|password|passwd|authorization|private_key|"
    "secret_key|cookie"
)
_FIELD = re.compile(rf'(?i)(\\*"[\w-]*(?:{_NAMES})\\*"\s*:\s*\\*")[^"\\]+')
_QUERY = re.compile(rf"(?i)(?<![\w])((?:{_NAMES})=)[^&\"\\\s]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic) [A-Za-z0-9+/._~=-]{8,}")


class Scrubber:
    """Removes secrets and folders from JSON text, in which they may be escaped once or twice."""

    def __init__(self, secrets: Collection[str], folders: Collection[str]) -> None:
        """``secrets`` are values that must not occur; ``folders`` are paths, which become ``~``."""
        found = [re.escape(each) for each in secrets if len(each) >= 8]
        self._secrets = re.compile("|".join(found)) if found else None
        paths = sorted({form for each in folders if len(each) > 1 for form in _forms(each)}, key=len, reverse=True)
        self._paths = re.compile("|".join(map(re.escape, paths))) if paths else None

    def scrub(self, text: str) -> str:
        """Return a text without them. It stays valid JSON."""
        if self._secrets:
            text = self._secrets.sub(REMOVED, text)
        if self._paths:
            text = self._paths.sub("~", text)
        text = _FIELD.sub(rf"\g<1>{REMOVED}", text)
        text = _QUERY.sub(rf"\g<1>{REMOVED}", text)
        return _BEARER.sub(rf"\g<1> {REMOVED}", text)


def _forms(path: str) -> Iterator[str]:
    """Yield a path as texts contain it: with either slash, and with escaped backslashes."""
    yield path
    yield path.replace("\\", "/")
    escaped = path.replace("\\", "\\\\")
    yield escaped
    yield escaped.replace("\\", "\\\\")
