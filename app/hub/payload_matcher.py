"""Create functions that test many log rows at once for a text, for bytes or for a regular expression.
A text or bytes are searched in the payload; a regular expression, and a text with a line break, also in event and
note. Only the search for bytes respects case.

Most payloads are ASCII. A text is therefore searched in the bytes in lower case. Unless one is large, the payloads
are joined into one piece, which takes a third of the time of decoding each. A payload that is not ASCII is decoded
if the bytes alone do not decide.
"""

import importlib
import math
import re
import threading
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate

from app.hub.row_store import Columns


class FilterError(ValueError):
    """A term of a filter is invalid. The text is shown to the user."""


PayloadMatcher = Callable[[Columns, Sequence[int]], Sequence[bool]]
"""Returns for each row at the given indexes of the columns whether it matches."""

REGEX_TIMEOUT_S = 0.01
"""A search for a regular expression in one row is stopped after this time. The row does not match then."""
MAX_REGEX_TIMEOUTS = 4
"""After this many timeouts, the expression matches no further rows."""
MAX_EXPANDED = 20_000
"""The maximum length of the expressions of a filter after their repeats are written out, as the library does for
the lower bound of ``{n,m}``. A character takes up to 700 bytes, and nothing can stop the library while it compiles.
"""
SET_CHARS = 16
"""This many characters of a set, such as ``[abc]``, take at most as much as another character."""
_COUNT = re.compile(r"\\.|(\{)([\s0-9]*)(#?)", re.DOTALL)
"""An escaped character, or the lower bound of a repeat. Spaces and comments may occur with ``(?x)``."""
_VERBOSE = re.compile(r"\(\?[\w-]*x")
"""May switch on ``(?x)``."""

MAX_JOINED_BYTES = 16 * 1024
"""If a payload is larger than this, the payloads are searched one by one instead of joined."""


def text_search(wanted: str) -> PayloadMatcher:
    """Return a matcher that ignores case. ``wanted`` must be casefolded."""
    if "\n" in wanted:
        return lambda columns, indexes: [wanted in searched_text(columns, index).casefold() for index in indexes]
    if not wanted.isascii():
        return lambda columns, indexes: [
            not (payload := columns.payloads[index]).isascii() and wanted in _folded(payload) for index in indexes
        ]
    needle = wanted.encode()

    def search(columns: Columns, indexes: Sequence[int]) -> list[bool]:
        payloads = columns.payloads_at(indexes)
        found = _contains(needle, payloads, bytes.lower)
        if not all(map(bytes.isascii, payloads)):
            # Some non-ASCII letters casefold to ASCII: the Kelvin sign to k, ß to ss.
            for index, payload in enumerate(payloads):
                if not found[index] and not payload.isascii():
                    found[index] = wanted in _folded(payload)
        return found

    return search


def bytes_search(needle: bytes) -> PayloadMatcher:
    """Return a matcher for exact bytes. ``needle`` must not contain a line break."""
    return lambda columns, indexes: _contains(needle, columns.payloads_at(indexes), bytes)


def _contains(needle: bytes, payloads: list[bytes], fold: Callable[[bytes], bytes]) -> list[bool]:
    """Return for each payload whether it contains ``needle`` after ``fold`` was applied to it."""
    sizes = list(map(len, payloads))
    if max(sizes) > MAX_JOINED_BYTES:
        return [needle in fold(payload) for payload in payloads]
    # The needle has no line break, so no match can span two payloads.
    whole = fold(b"\n".join(payloads))
    found = [False] * len(payloads)
    at = whole.find(needle)
    if at < 0:
        return found
    for breaks, end in enumerate(accumulate(sizes)):
        if at < end + breaks:
            found[breaks] = True
            at = whole.find(needle, end + breaks)
            if at < 0:
                break
    return found


@cache
def prepare_expressions() -> None:
    """Import ``regex`` in a background thread, because importing it would block the window for too long."""
    threading.Thread(target=importlib.import_module, args=("regex",), name="load regex", daemon=True).start()


class Expressions:
    """Compiles the regular expressions of one filter. Together, they may have ``MAX_EXPANDED`` characters."""

    def __init__(self) -> None:
        self._room = float(MAX_EXPANDED)

    def search(self, pattern: str) -> PayloadMatcher:
        """Return a matcher that searches event, note and payload for a regular expression, ignoring case.

        Raises ``FilterError`` if the expression is invalid, or too large; see ``expanded_size``.
        """
        import regex  # unlike re, it supports a timeout; imported only if needed

        too_large = f"the regular expression /{pattern[:40]}/ is too large; searched as plain text"
        size = expanded_size(pattern)
        if size > self._room:
            raise FilterError(too_large)
        try:
            find = regex.compile(pattern, regex.IGNORECASE, cache_pattern=False).search
        except regex.error as error:
            raise FilterError(
                f"/{pattern}/ is not a valid regular expression ({error}); searched as plain text"
            ) from None
        except (OverflowError, RecursionError, MemoryError, ValueError):
            raise FilterError(too_large) from None
        self._room -= size
        timeouts = 0

        def matches(text: str) -> bool:
            nonlocal timeouts
            if timeouts >= MAX_REGEX_TIMEOUTS:
                return False
            try:
                return find(text, timeout=REGEX_TIMEOUT_S) is not None
            except TimeoutError:
                timeouts += 1
                return False

        return lambda columns, indexes: [matches(searched_text(columns, index)) for index in indexes]


def expanded_size(pattern: str) -> float:
    """Return an upper limit of the length of an expression with its repeats written out.

    Repeats of groups may be nested, so their numbers are multiplied. Those of single characters and sets cannot be.
    """
    verbose = _VERBOSE.search(pattern) is not None
    of_characters, of_groups = float(len(pattern)), 1.0
    for found in _COUNT.finditer(pattern):
        brace, digits, comment = found.groups()
        if not brace:
            continue
        at = found.start()
        before = pattern[at - 1 : at]
        number = math.inf if verbose and comment else float("".join(digits.split()) or 1)
        if before in ")}*+?" or (verbose and before.isspace()):
            of_groups *= max(number, 1.0)
        else:
            size = 1 + at // SET_CHARS if before == "]" else 1
            of_characters += number * size
    return of_characters * of_groups


def searched_text(columns: Columns, index: int) -> str:
    """Return the text of a row that terms without a key search: event, note and payload, one per line."""
    key = columns.keys[index]
    return f"{key.event}\n{key.note}\n{columns.payloads[index].decode('utf-8', 'replace')}"


def _folded(payload: bytes) -> str:
    return payload.decode("utf-8", "replace").casefold()
