"""The kinds of files that a session or rows of the log can be exported as, with their titles and suffixes."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """The kind of file that a session or rows of the log are exported as."""

    PLAYWRIGHT = "playwright"
    PLAYWRIGHT_ROUTES = "playwright-routes"
    MSW = "msw"
    PYTEST = "pytest"
    SCENARIO = "scenario"
    MARKDOWN = "markdown"
    HAR = "har"
    NDJSON = "ndjson"


class KindInfo(NamedTuple):
    """The title of a kind, and the suffix of its files."""

    title: str
    suffix: str


KIND_INFO = {
    Kind.PLAYWRIGHT: KindInfo("Playwright test with a companion", "spec.ts"),
    Kind.PLAYWRIGHT_ROUTES: KindInfo("Playwright test without a companion", "spec.ts"),
    Kind.MSW: KindInfo("Handlers for MSW", "ts"),
    Kind.PYTEST: KindInfo("pytest test", "py"),
    Kind.SCENARIO: KindInfo("Scenario", "chat"),
    Kind.MARKDOWN: KindInfo("Bug report in Markdown", "md"),
    Kind.HAR: KindInfo("HAR file", "har"),
    Kind.NDJSON: KindInfo("JSON lines", "ndjson"),
}
