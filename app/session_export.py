"""Export a session as text in one of the kinds of ``export_kinds``, for example as a test or a bug report.
A session is a recording or a scenario. All kinds but *scenario* need recorded traffic, which a scenario does not
have. Rows of the log are first made a recording with ``session_of_rows``. Only the kind *scenario* is written here,
the others by ``exports.templates``. The caller saves or returns the text.
"""

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from app import __version__
from app.exports.conversion import Exported, query_of_row
from app.exports.templates.kinds import export
from app.hub.origin import REST
from app.hub.recorded_rows import RecordedReader, row_line
from app.hub.row import Kind as RowKind
from app.hub.row import Row
from app.protocol.envelope import BadFrame, parse_json
from app.protocol.errors import Invalid
from app.protocol.export_kinds import Kind
from app.protocol.session.actions import RECORDED, RestCall
from app.protocol.session.steps import Header, InvalidStep, Session, Step, step_from_json
from app.protocol.session.transcript import format_transcript
from app.protocol.templates import iso
from app.protocol.wire_names import WireNames

if TYPE_CHECKING:
    from app.protocol.catalog import Catalog


NO_ROWS = "No rows of the log match. Change the filter or the row numbers."


def export_session(
    session: Session, kind: Kind, name: str, catalog: "Catalog", names: WireNames | None = None
) -> Exported:
    """Return the file of a session. ``name`` is shown if it has no title. Raises ``Invalid``.

    ``names`` are those of the envelope's keys, if the UI has others than the companion.
    """
    if kind is not Kind.SCENARIO:
        return export(session, kind, name, __version__, catalog, names)
    if not any(isinstance(each.action, RECORDED) for each in session.steps):
        return Exported(format_transcript(session))
    return _scenario(session, catalog, names)


def _scenario(session: Session, catalog: "Catalog", names: WireNames | None) -> Exported:
    from app.hub.scenario_from_rows import MAX_ROWS, scenario_from_rows

    reader = RecordedReader(0.0)
    encode = msgspec.json.encode
    read = (reader.read(encode(each.to_json()), exchanges=False) for each in session.steps)
    rows = [each.row for each in read if each and each.row]
    scenario = scenario_from_rows(rows, catalog, session.header.me or "me", session.header.title, names)
    left_out = f"Only the first {MAX_ROWS:,} of {len(rows):,} rows became steps."
    return Exported(format_transcript(scenario), (left_out,) if len(rows) > MAX_ROWS else ())


def session_of_rows(rows: Sequence[Row], me: str, title: str = "") -> Session:
    """Return a recording of rows of the log. It has no responses to REST calls, because rows have none.

    Raises ``Invalid`` if there are no rows, or if one cannot be a step.
    """
    if not rows:
        raise Invalid(NO_ROWS)
    steps = []
    last = rows[0].mono
    for row in rows:
        steps.append(_step(row, max(0.0, row.mono - last)))
        last = row.mono
    header = Header(title=title, kind="recording", me=me, started=iso(rows[0].wall))
    return Session(header, tuple(steps))


def part_of(session: Session, lines: Container[int]) -> Session:
    """Return the steps of a recording on these lines, and the REST calls without a row. Times stay as they were."""
    steps = []
    passed = 0.0
    for step in session.steps:
        passed += step.action.after
        has_no_row = isinstance(step.action, RestCall) and not step.action.seq
        if has_no_row or step.line in lines:
            steps.append(replace(step, action=msgspec.structs.replace(step.action, after=passed)))
            passed = 0.0
    return replace(session, entries=tuple(steps))


def _step(row: Row, after: float) -> Step:
    if row.kind is RowKind.FROM_UI and row.origin == REST:
        text = row.payload.decode("utf-8", "replace")
        try:
            request = parse_json(text) if text else None
        except BadFrame:
            request = text
        if query := query_of_row(row.event, request):
            request = None
        return Step(
            RestCall(
                after=after, rest=row.event, seq=row.seq, query=query, request=request, user=row.user,
                origin=str(row.origin), comment=row.note, verdict=row.verdict.value,
            )
        )  # fmt: skip
    try:
        return step_from_json(msgspec.json.decode(row_line(row, after)))
    except InvalidStep as error:
        raise Invalid(f"Row {row.seq} cannot be exported: {error.reason}") from None
