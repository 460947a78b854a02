"""Finds text in payloads, many at a time.

Most payloads are ASCII. There the bytes are searched as they are, lower case, some hundred payloads in one piece:
it takes a third of the time that decoding each would. What is not ASCII is decoded where the bytes leave a doubt.
"""

import importlib
import threading
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate

from app.hub.row_store import Columns


class FilterError(ValueError):
    """A term of a filter that cannot be parsed. The text is for people."""


PayloadMatcher = Callable[[Columns, Sequence[int]], Sequence[bool]]
"""Says of each row at the given places of a span whether it passes."""

REGEX_S = 0.01
REGEX_CHANCES = 4
"""An expression that takes longer than that on a row does not match it, and after so many rows none at all."""

JOINED = 16 * 1024
"""Payloads above that many bytes are searched one by one."""


def text_search(wanted: str) -> PayloadMatcher:
    """PayloadMatcher payloads for ``wanted``, which is casefolded, whatever the case there."""
    if "\n" in wanted:
        return lambda span, places: [wanted in haystack(span, place).casefold() for place in places]
    if not wanted.isascii():
        return lambda span, places: [
            not (payload := span.payloads[place]).isascii() and wanted in _folded(payload) for place in places
        ]
    needle = wanted.encode()

    def search(span: Columns, places: Sequence[int]) -> list[bool]:
        payloads = span.payloads_at(places)
        found = _found(needle, payloads, bytes.lower)
        if not all(map(bytes.isascii, payloads)):
            # Some letters beyond ASCII fold into it: the Kelvin sign is a k, ß is ss.
            for place, payload in enumerate(payloads):
                if not found[place] and not payload.isascii():
                    found[place] = wanted in _folded(payload)
        return found

    return search


def bytes_search(needle: bytes) -> PayloadMatcher:
    """PayloadMatcher payloads for bytes without a line break, just as they are."""
    return lambda span, places: _found(needle, span.payloads_at(places), bytes)


def _found(needle: bytes, payloads: list[bytes], fold: Callable[[bytes], bytes]) -> list[bool]:
    """Say of each payload whether it holds ``needle``, which has no line break, when it is folded."""
    sizes = list(map(len, payloads))
    if max(sizes) > JOINED:
        return [needle in fold(payload) for payload in payloads]
    # No match lies across two payloads: there is a line break between them.
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
    """Load what searches for expressions, in the background: it takes longer than a window may stand still."""
    threading.Thread(target=importlib.import_module, args=("regex",), name="load regex", daemon=True).start()


def expression_search(pattern: str) -> PayloadMatcher:
    """PayloadMatcher event, note and payload for an expression. Raises ``FilterError`` if it is not one."""
    import regex  # Python's own cannot be stopped; loaded only by those who use it

    try:
        find = regex.compile(pattern, regex.IGNORECASE).search
    except regex.error as error:
        raise FilterError(f"/{pattern}/ is no regular expression ({error}); searched as text") from None
    except (OverflowError, RecursionError, MemoryError, ValueError):
        raise FilterError(f"/{pattern[:40]}/ is too large a regular expression; searched as text") from None
    given_up = 0

    def matches(text: str) -> bool:
        nonlocal given_up
        if given_up >= REGEX_CHANCES:
            return False
        try:
            return find(text, timeout=REGEX_S) is not None
        except TimeoutError:
            given_up += 1
            return False

    return lambda span, places: [matches(haystack(span, place)) for place in places]


def haystack(span: Columns, place: int) -> str:
    """Return what is searched of a row: event, note and payload, in lines."""
    head = span.heads[place]
    return f"{head.event}\n{head.note}\n{span.payloads[place].decode('utf-8', 'replace')}"


def _folded(payload: bytes) -> str:
    return payload.decode("utf-8", "replace").casefold()
