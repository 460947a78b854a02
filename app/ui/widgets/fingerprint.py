"""Show the fingerprint of the user's and a peer's keys: 60 digits in groups of five, the same on both sides.
A peer is a friend with a companion of their own; the two people compare the digits by voice. ``difference`` checks
the digits that the user types in ``verify_dialog``. ``protocol.peers.fingerprint`` computes the fingerprint.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui import theme
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named

GROUPS_PER_LINE = 4
GROUP = 5
DIGITS = 60
EMPTY = "\n".join([" ".join(["·" * GROUP] * GROUPS_PER_LINE)] * (DIGITS // GROUP // GROUPS_PER_LINE))
"""Shown until the digits are known."""


def groups_of(digits: str) -> list[str]:
    """Return the groups of five digits in a text. Characters that are not digits are ignored."""
    plain = "".join(each for each in digits if each in "0123456789")
    return [plain[at : at + GROUP] for at in range(0, len(plain), GROUP)]


def in_lines(digits: str, per_line: int = GROUPS_PER_LINE) -> str:
    """Return a fingerprint with some groups per line."""
    groups = groups_of(digits)
    return "\n".join(" ".join(groups[at : at + per_line]) for at in range(0, len(groups), per_line))


def difference(shown: str, said: str) -> str:
    """Return in a sentence how digits that a friend has read differ from the shown ones; empty if all match."""
    if strange := next((each for each in said if not each.isspace() and each not in "0123456789-"), ""):
        return f"{strange!r} is not a digit. A fingerprint has 60 digits."
    own, theirs = groups_of(shown), groups_of(said)
    for number, (one, other) in enumerate(zip(own, theirs, strict=False), 1):
        if not one.startswith(other):
            return f"Group {number} differs: {one} here, {other} there. Do not trust these keys."
    given = sum(map(len, theirs))
    total = sum(map(len, own))
    if given > total:
        return f"You have typed {given} digits, but a fingerprint has {total}."
    return f"{given} of {total} digits match so far." if given < total else ""


class Fingerprint(QWidget):
    """A heading and the digits, large, in lines of four groups. The digits can be selected."""

    def __init__(self, heading: str) -> None:
        super().__init__()
        self.heading = named(PlainTextLabel(heading), heading, style_id="detailHead")
        self.digits = named(PlainTextLabel(), heading, style_id="fingerprint")
        self.digits.setFont(theme.mono())
        self.digits.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.heading)
        column.addWidget(self.digits)
        column.addStretch(1)
        self.show_digits("")

    def show_digits(self, digits: str) -> None:
        """Show a fingerprint."""
        self.digits.setText(in_lines(digits) or EMPTY)

    def show_typed(self, digits: str) -> None:
        """Show digits that are still being typed, with a dot for each missing one."""
        plain = "".join(groups_of(digits))[:DIGITS]
        groups = [plain.ljust(DIGITS, "·")[at : at + GROUP] for at in range(0, DIGITS, GROUP)]
        lines = [" ".join(groups[at : at + GROUPS_PER_LINE]) for at in range(0, len(groups), GROUPS_PER_LINE)]
        self.digits.setText("\n".join(lines))
