"""Replace the words of texts with pseudonyms of the same length and script.

A word is a run of letters and digits, with the combining marks among them. Within a bundle, equal words get equal
pseudonyms and different words different ones, so a name that is part of a text, a path or a frame still fits the
name in the list of friends. Everything else is kept: spaces, punctuation, combining marks, emoji, control
characters, NUL and lone surrogates.
"""

import hashlib
import re
import secrets
from array import array
from collections.abc import Callable, Iterable
from functools import cache

from app.protocol.bundle.alphabets import alphabet_of, marks

KEY_BYTES = 32
ROUNDS = 6
MAX_CACHED = 50_000


@cache
def word_pattern() -> str:
    """Return the regular expression of a word."""
    return rf"[^\W_]+(?:[{marks()}]+[^\W_]*)*"


class Pseudonyms:
    """Pseudonyms that depend on a random key. The key is not stored, so the words cannot be recovered."""

    def __init__(self, key: bytes = b"", go_on: Callable[[], None] = lambda: None) -> None:
        """``key`` empty creates a random one. ``go_on`` is called for each new word; it may raise an exception."""
        self._go_on = go_on
        self._key = key or secrets.token_bytes(KEY_BYTES)
        self._words: dict[str, str] = {}
        self._pattern = re.compile(word_pattern())
        self._orders: dict[str, str] = {}

    def text(self, text: str, keep: Callable[[str], bool] = lambda _: False) -> str:
        """Replace the words of a text, except those for which ``keep`` returns True."""
        return self._pattern.sub(lambda found: found[0] if keep(found[0]) else self.word(found[0]), text)

    def word(self, word: str) -> str:
        """Return the pseudonym of one word. It is never the word itself, and different words cannot become equal.

        Nothing about the word can be derived from other words and their pseudonyms: each character of the
        pseudonym depends on the key and on all characters of the word.
        """
        if (known := self._words.get(word)) is None:
            if len(self._words) >= MAX_CACHED:
                self._words.clear()
            known = self._words[word] = self._replaced(word)
        return known

    def number(self, digits: str) -> str:
        """Return other digits in the same number. The first one is not 0."""
        found = self.word(digits)
        while found[0] == "0" != digits[0]:
            found = self.word(found)
        return found

    def _replaced(self, word: str) -> str:
        self._go_on()
        alphabets = [alphabet_of(char) for char in word]
        places = [index for index, each in enumerate(alphabets) if len(each) > 1]
        chars = list(word)
        if len(places) == 1:
            order = self._order(alphabets[places[0]])
            chars[places[0]] = order[(order.index(word[places[0]]) + 1) % len(order)]
        elif places:
            sizes = [len(alphabets[place]) for place in places]
            kept = "".join(char for char, each in zip(word, alphabets, strict=True) if len(each) < 2)
            values = [alphabets[place].index(word[place]) for place in places]
            for place, value in zip(places, self._permuted(values, sizes, kept), strict=True):
                chars[place] = alphabets[place][value]
        return "".join(chars)

    def _permuted(self, values: list[int], sizes: list[int], kept: str) -> list[int]:
        """Return other values below ``sizes``.

        Words of the same shape are replaced by each other. A permutation without a fixed point (each value is
        moved) between an encryption and its inverse has no fixed point either.
        """
        source = self._key + array("I", sizes).tobytes() + kept.encode(errors="surrogatepass")
        key = hashlib.shake_256(source).digest(KEY_BYTES)
        self._encrypt(values, sizes, key, range(ROUNDS), 1)
        moves = _numbers(key, ROUNDS, len(values))
        values = [
            (value + move % (size - 1) + 1) % size for value, move, size in zip(values, moves, sizes, strict=True)
        ]
        self._encrypt(values, sizes, key, reversed(range(ROUNDS)), -1)
        return values

    def _encrypt(self, values: list[int], sizes: list[int], key: bytes, rounds: Iterable[int], sign: int) -> None:
        """Encrypt values in place, with a Feistel network: in each round, one half is moved by the other one."""
        middle = len(values) // 2
        first, second = slice(0, middle), slice(middle, len(values))
        for number in rounds:
            moved, by = (first, second) if number % 2 else (second, first)
            moves = _numbers(key, number, moved.stop - moved.start, array("I", values[by]).tobytes())
            values[moved] = [
                (value + sign * move) % size
                for value, move, size in zip(values[moved], moves, sizes[moved], strict=True)
            ]

    def _order(self, alphabet: str) -> str:
        """Return the alphabet in a random order."""
        if (known := self._orders.get(alphabet)) is None:
            keys = _numbers(self._key, ROUNDS + 1, len(alphabet), alphabet.encode())
            order = sorted(range(len(alphabet)), key=lambda index: (keys[index], index))
            known = self._orders[alphabet] = "".join(alphabet[index] for index in order)
        return known


def _numbers(key: bytes, number: int, count: int, source: bytes = b"") -> memoryview:
    """Return random numbers of 32 bits that depend on the key and the other arguments."""
    return memoryview(hashlib.shake_256(key + bytes((number,)) + source).digest(4 * count)).cast("I")
