"""Convert a recording to the text of a file of any kind but a scenario, such as a Playwright test or a HAR file.
``app.session_export`` calls this, also with rows of the log as a recording, and makes scenarios itself.
"""

from app.exports.conversion import Exported
from app.exports.formats import HAR, JSON_LINES, write
from app.exports.templates.bug_report import bug_report
from app.exports.templates.msw import msw_handlers
from app.exports.templates.playwright import playwright_test
from app.exports.templates.playwright_routes import playwright_routes_test
from app.exports.templates.python_test import pytest_test
from app.exports.templates.script import script_of
from app.protocol.catalog import Catalog
from app.protocol.export_kinds import Kind
from app.protocol.session.steps import Session
from app.protocol.wire_names import WireNames

NO_RESPONSES = "The log has no responses to REST calls. Add those that your UI needs, or export a recording."
_FORMATS = {Kind.HAR: HAR, Kind.NDJSON: JSON_LINES}
_WITH_COMPANION = {Kind.PLAYWRIGHT: playwright_test, Kind.PYTEST: pytest_test}
_ALONE = {Kind.PLAYWRIGHT_ROUTES: playwright_routes_test, Kind.MSW: msw_handlers}


def export(
    session: Session, kind: Kind, name: str, version: str, catalog: Catalog, names: WireNames | None = None
) -> Exported:
    """Return the text of a file, and notes about what it does not contain.

    ``name`` is shown if the session has no title; ``version`` is that of this program. ``catalog`` has the events
    that change the chat state. ``names`` are those of the
    envelope's keys, if the UI has others than the companion: tests and handlers send and await frames with them.
    Raises ``Invalid`` if the session has no recorded traffic, or too much.
    """
    if kind in _FORMATS:
        return write(session, _FORMATS[kind])
    if kind is Kind.MARKDOWN:
        return Exported(bug_report(session, name, version))
    template = _WITH_COMPANION.get(kind) or _ALONE[kind]
    script = script_of(session, name, repeats_effects=kind in _WITH_COMPANION, names=names, catalog=catalog)
    made_by = f"Made by P2P Chat Companion {version} from {name or 'its log'}."
    missing = (NO_RESPONSES,) if kind in _ALONE and not script.responses else ()
    return Exported(template(script, made_by), (*script.notes, *missing))
