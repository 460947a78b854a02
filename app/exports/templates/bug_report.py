"""Return a bug report about a recording as Markdown: what happened, in order, with the frames, how to repeat it.
It is a format of ``session export`` and of exported log rows. It has at most ``MAX_ROWS`` rows, and is not the bug
report bundle (``protocol.bundle``), a ZIP archive that contains the recording itself.
"""

import re
from collections.abc import Iterator
from typing import Any

from app.exports.conversion import text_or_json
from app.exports.json_lines import started_at
from app.protocol.counts import count_with
from app.protocol.envelope import BadFrame, decode
from app.protocol.errors import Invalid
from app.protocol.session.actions import RECORDED, Received, RestCall, Sent, ServerEvent
from app.protocol.session.steps import Session
from app.protocol.summary import is_visible, one_line, summarize
from app.protocol.templates import iso

MAX_ROWS = 500
"""Maximum number of rows in a report. The first ones are left out."""
MAX_FRAME_CHARS = 2_000
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~&]")
_LIVE = re.compile(r"@|://|\bwww\.|\$|:[\w+-]+:|#\d|\bGH-\d|^[-+] |^\d+[.)] ", re.IGNORECASE)
"""What GitHub turns into mentions, links, formulas, emoji, references or lists, even if it is escaped."""


def bug_report(session: Session, name: str, version: str) -> str:
    """Return the report. Raises ``Invalid`` if the session has no recorded traffic."""
    rows = list(_rows(session))
    if not rows:
        raise Invalid("The session has no recorded traffic. Play it, then export a recording of the run.")
    return "".join(f"{line}\n" for line in _report(session, name, version, rows))


class _Row:
    """One line of the report."""

    def __init__(self, at: float, action: Any) -> None:
        self.at = at
        self.seq = action.seq
        self.is_bad = action.verdict != "ok"
        self.note = action.comment
        self.answer = self.summary = ""
        match action:
            case Sent():
                self.who, self.what, self.content = "to the UI", action.s2c, action.payload or action.base64
                self.summary = _summary(self.content)
            case Received():
                self.who, self.what, self.content = (
                    f"client {action.client}",
                    action.c2s,
                    action.payload or action.base64,
                )
                self.summary = _summary(self.content)
            case RestCall():
                self.who, self.what = "REST", action.rest + (f"?{action.query}" if action.query else "")
                self.content = text_or_json(action.request)
                self.answer = f"{action.status} {text_or_json(action.response)}".strip() if action.status else ""
                self.summary = one_line(f"{self.answer[:4]} {self.content}".strip())
            case ServerEvent():
                self.who, self.what, self.content = "server", f"{action.server} {action.client}".strip(), ""


def _summary(frame: str) -> str:
    try:
        return summarize(decode(frame).data)
    except BadFrame:
        return one_line(frame)


def _rows(session: Session) -> Iterator[_Row]:
    passed = 0.0
    for step in session.steps:
        passed += step.action.after
        if isinstance(step.action, RECORDED):
            yield _Row(passed, step.action)


def _report(session: Session, name: str, version: str, rows: list[_Row]) -> Iterator[str]:
    header = session.header
    yield f"# {plain(header.title or name or 'Bug report')}"
    yield ""
    yield "What I did: …"
    yield ""
    yield "What I expected: …"
    yield ""
    yield "What happened instead: …"
    yield ""
    yield "## Versions"
    yield ""
    yield f"- P2P Chat Companion {plain(header.companion or version)}"
    for page in dict.fromkeys(_pages(session)):
        yield f"- {plain(page)}"
    if (started := started_at(session)) > 0:
        yield f"- Recorded {iso(started)}"
    yield ""
    if bad := [row for row in rows if row.is_bad]:
        yield "## Warnings of the companion"
        yield ""
        for row in bad[:50]:
            yield f"- Row {row.seq}, {plain(row.what)}: {plain(row.note)}"
        yield ""
    yield "## What happened"
    yield ""
    if len(rows) > MAX_ROWS:
        yield f"The first {count_with(len(rows) - MAX_ROWS, 'row', 'is', 'are')} left out."
        yield ""
    yield "| Row | Seconds | Direction | Event | Content |"
    yield "|---:|---:|---|---|---|"
    shown = rows[-MAX_ROWS:]
    for row in shown:
        number = row.seq or ""
        yield f"| {number} | {row.at:.3f} | {plain(row.who)} | {code(row.what)} | {code(row.summary)} |"
    yield ""
    yield "## Frames"
    for row in shown:
        if row.content or row.answer:
            yield ""
            yield f"{f'Row {row.seq}' if row.seq else 'Without a row'}, {plain(row.what)}:"
            yield ""
            yield from _fenced(row.content, row.answer)
    yield ""
    yield "## How to repeat it"
    yield ""
    yield "Attach the recording, and play it to your UI:"
    yield ""
    yield from _fenced("companion session run RECORDING --sync")


def _pages(session: Session) -> Iterator[str]:
    for step in session.steps:
        match step.action:
            case ServerEvent(page=page, agent=agent) | RestCall(page=page, agent=agent) if page or agent:
                yield ", ".join(each for each in (page, agent) if each)


def plain(text: str) -> str:
    """Return text for one line of Markdown: with escapes, or as code if it could notify a user or become a link."""
    if _LIVE.search(text):
        return code(text)
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], "\\" + found[0]), visible(text))


def code(text: str) -> str:
    """Return text as code for a cell of a table; empty if it is."""
    shown = visible(text).replace("|", "\\|")
    if not shown.strip():
        return ""
    fence = _fence(shown, 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def visible(text: str) -> str:
    """Return text with escapes for characters that cannot be printed."""
    return "".join(char if is_visible(char) else f"\\u{ord(char):04x}" for char in text)


_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def _fence(text: str, least: int) -> str:
    """Return backticks that are longer than any in the text."""
    longest = max((len(each) for each in re.findall(r"`+", text)), default=0)
    return "`" * max(least, longest + 1)


def _fenced(*texts: str) -> Iterator[str]:
    """Yield a block of code with a line for each text. Line breaks in it are escaped: they could forge a line."""
    lines = [visible(text[:MAX_FRAME_CHARS]) + _rest(text) for text in texts if text]
    fence = _fence("\n".join(lines), 3)
    yield fence
    yield from lines
    yield fence


def _rest(text: str) -> str:
    more = len(text) - MAX_FRAME_CHARS
    return f" … {more:,} more characters" if more > 0 else ""
