"""The exception for a session that cannot be read, or for a file that cannot be imported as one: the reason, and if
known the line, the column and the text of the line with a caret below it. Also the limit of lines.
"""

MAX_LINES = 1_000_000
"""Maximum number of lines of a session. A step needs about 250 bytes of memory, however short its line is."""

MAX_SHOWN_CHARS = 120
"""At most this much of the invalid line is shown."""
_BEFORE_CARET = 60


class InvalidSession(ValueError):
    """A session that cannot be read or imported. The text is shown to users.

    ``line`` and ``column`` start at 1; 0 is unknown. ``source`` is the text of the line.
    """

    def __init__(self, reason: str, line: int = 0, column: int = 0, source: str = "") -> None:
        self.reason, self.source = (text.encode(errors="replace").decode() for text in (reason, source))
        self.line = line
        self.column = column
        super().__init__(self._text())

    def _text(self) -> str:
        place = f"line {self.line}" if self.line else ""
        if self.line and self.column:
            place += f", column {self.column}"
        return f"{place}: {self.message}" if place else self.message

    @property
    def message(self) -> str:
        """The reason, the line and a caret below the column, without the numbers of the line and the column."""
        return "\n".join([self.reason, *self._excerpt()])

    def _excerpt(self) -> list[str]:
        """Return the line and a caret below the column; long lines are cut around the column."""
        if not self.source.strip() or not self.column:
            return []
        start = max(0, self.column - 1 - _BEFORE_CARET) if len(self.source) > MAX_SHOWN_CHARS else 0
        shown = self.source[start : start + MAX_SHOWN_CHARS]
        before = shown[: self.column - 1 - start]
        caret = "".join("\t" if letter == "\t" else " " for letter in before) + "^"
        return [f"    {shown}", f"    {caret}"]


def check_number_of_lines(text: str) -> None:
    """Raise ``InvalidSession`` for a session with too many lines, before memory is used for each of them."""
    if (count := text.count("\n")) > MAX_LINES:
        raise InvalidSession(f"The session has {count:,} lines; at most {MAX_LINES:,} can be read. Record less.")
