"""Return test results as JUnit XML (text) for CI systems: for the option ``--junit`` of commands, and for the lint.
A played session is a suite, and each of its expectations a test. The result of any other command is a suite, too:
its tests are the rules of the lint, the differences that ``contract check`` found, or a single test.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Case(NamedTuple):
    """A test, such as an expectation of a session or a rule of the lint. ``failure`` is empty if it passed."""

    name: str
    took_s: float
    failure: str = ""


class Suite(NamedTuple):
    """Tests that belong together: those of a session or a command. Without ``cases``, it has the test *played*.

    ``error`` is not empty if a session could not be played to its end.
    """

    name: str
    cases: tuple[Case, ...]
    took_s: float
    error: str = ""


def junit_xml(suites: Iterable[Suite]) -> str:
    """Return the text of a JUnit file."""
    return "\n".join(
        ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>", *map(_suite, suites), "</testsuites>", ""]
    )


def _suite(suite: Suite) -> str:
    cases = suite.cases or (Case("played", suite.took_s),)
    failures = sum(bool(each.failure) for each in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{int(bool(suite.error))}"'
    lines = [f'  <testsuite name={_attribute(suite.name)} {counts} time="{suite.took_s:.3f}">']
    for index, case in enumerate(cases):
        error = suite.error if index == len(cases) - 1 else ""
        lines.append(_case(suite.name, case, error))
    return "\n".join([*lines, "  </testsuite>"])


def _case(suite: str, case: Case, error: str) -> str:
    head = f'    <testcase classname={_attribute(suite)} name={_attribute(case.name)} time="{case.took_s:.3f}"'
    parts = []
    if case.failure:
        parts.append(f"<failure message={_attribute(case.failure)}>{_text(case.failure)}</failure>")
    if error:
        parts.append(f"<error message={_attribute(error)}>{_text(error)}</error>")
    return f"{head}>{''.join(parts)}</testcase>" if parts else f"{head} />"


def _attribute(text: str) -> str:
    from xml.sax.saxutils import quoteattr  # loads the HTTP client, which would slow down each command

    return quoteattr(_allowed(text))


def _text(text: str) -> str:
    """Escape text, also its line breaks: a reader gets them back, and a text cannot look like lines of the file."""
    from xml.sax.saxutils import escape

    return escape(_allowed(text), {"\n": "&#10;", "\r": "&#13;"})


def _allowed(text: str) -> str:
    """Replace the characters that XML 1.0 cannot contain."""
    return "".join(each if _is_allowed(ord(each)) else "\ufffd" for each in text)


def _is_allowed(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
