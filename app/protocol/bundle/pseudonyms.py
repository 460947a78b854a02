"""Replace the words of texts with pseudonyms of the same length and script.

A word is a run of letters and digits. Equal words get equal pseudonyms and different words different ones, so a
name that is part of a text, a path or a frame still fits the name in the list of friends. Everything else is kept:
spaces, punctuation, combining marks, emoji, control characters, NUL and lone surrogates.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable
from functools import cache

KEY_BYTES = 32
LOWER, UPPER, DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
BLOCK, LARGE_BLOCK = 64, 4096
"""Size of the blocks in which characters are replaced by each other. They have the same length in UTF-8."""
MAX_CACHED = 50_000

_WORD = re.compile(r"[^\W_]+")


class Pseudonyms:
    """Pseudonyms that depend on a random key. The key is not stored, so the words cannot be recovered."""

    def __init__(self, key: bytes = b"") -> None:
        """``key`` empty creates a random one."""
        self._key = key or secrets.token_bytes(KEY_BYTES)
        self._words: dict[str, str] = {}

    def text(self, text: str, keep: Callable[[str], bool] = lambda _: False) -> str:
        """Replace the words of a text, except those for which ``keep`` returns True."""
        return _WORD.sub(lambda found: found[0] if keep(found[0]) else self.word(found[0]), text)

    def word(self, word: str) -> str:
        """Return the pseudonym of one word.

        Each character moves within its alphabet, by a distance that depends on the key, the length of the word and
        the characters before it. The distance is never 0, and different words cannot become equal.
        """
        if (known := self._words.get(word)) is None:
            if len(self._words) >= MAX_CACHED:
                self._words.clear()
            known = self._words[word] = "".join(self._moved(word, index) for index in range(len(word)))
        return known

    def number(self, digits: str) -> str:
        """Return other digits in the same number. The first one is not 0."""
        found = self.word(digits)
        return found if found[0] != "0" or digits[0] == "0" else "1" + found[1:]

    def _moved(self, word: str, index: int) -> str:
        char = word[index]
        alphabet = _alphabet(char)
        if len(alphabet) < 2:
            return char
        before = f"{len(word)}:{word[:index].lower()}".encode(errors="surrogatepass")
        distance = int.from_bytes(hmac.digest(self._key, before, "sha256")[:8]) % (len(alphabet) - 1) + 1
        return alphabet[(alphabet.index(char) + distance) % len(alphabet)]


@cache
def _alphabet(char: str) -> str:
    """Return the characters that may replace a letter or digit: of the same script, case and size."""
    for each in (LOWER, UPPER, DIGITS):
        if char in each:
            return each
    small = _like(char, BLOCK)
    return small if len(small) > 1 else _like(char, LARGE_BLOCK)


def _like(char: str, block: int) -> str:
    script, category = _script(char), unicodedata.category(char)
    first = ord(char) // block * block
    return "".join(
        each
        for each in map(chr, range(first, first + block))
        if unicodedata.category(each) == category
        and _script(each) == script
        and len(each.encode()) == len(char.encode())
        and unicodedata.normalize("NFC", each) == each
    )


def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]
