"""What a session or rows of the log can be exported as: the kinds, their titles, and their suffixes."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a session is exported as."""

    PLAYWRIGHT = "playwright"
    PLAYWRIGHT_ROUTES = "playwright-routes"
    MSW = "msw"
    PYTEST = "pytest"
    SCENARIO = "scenario"
    MARKDOWN = "markdown"
    HAR = "har"
    NDJSON = "ndjson"


class About(NamedTuple):
    """A kind in words for people, and the end of the name of its files."""

    title: str
    suffix: str


ABOUT = {
    Kind.PLAYWRIGHT: About("Playwright test with a companion", "spec.ts"),
    Kind.PLAYWRIGHT_ROUTES: About("Playwright test without a companion", "spec.ts"),
    Kind.MSW: About("Handlers for MSW", "ts"),
    Kind.PYTEST: About("pytest test", "py"),
    Kind.SCENARIO: About("Scenario", "chat"),
    Kind.MARKDOWN: About("Bug report in Markdown", "md"),
    Kind.HAR: About("HAR file", "har"),
    Kind.NDJSON: About("JSON lines", "ndjson"),
}
