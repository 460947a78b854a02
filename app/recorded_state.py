"""Compute the state of the UI's stores from a recording, without a companion (``companion ui-state show FILE``)."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from app.observers.recorded_run import RecordedRun
from app.observers.ui_state import UiStates
from app.protocol.envelope import BadFrame, parse_json
from app.protocol.errors import Malformed, NotFound, RequestError
from app.protocol.session.steps import NO_HEADER, InvalidStep, header_from_json
from app.protocol.times import seconds_of
from app.protocol.ui_comparison import as_plain
from app.protocol.ui_stores import Flavour
from app.system.files import reason, require_regular


def recorded_state(file: Path, client: int | None, flavour: Flavour, after: int | None) -> dict[str, Any]:
    """Return the state at the end of a recording, or just after the row ``after``, as ``GET /v1/ui-state`` does.

    ``client`` None is the only client whose page is in the recording. Raises ``RequestError``.
    """
    run, states = _read(file)
    known = [each.client for each in states.pages]
    if client is None:
        if len(known) != 1:
            clients = ", ".join(map(str, known)) or "none"
            raise RequestError(f"{file.name} has the pages of several clients or of none ({clients}). Name one.")
        client = known[0]
    row = None
    if after is not None and (row := run.row_number(after)) is None:
        raise NotFound(f"Row {after} is not in {file.name}.")
    found = asyncio.run(states.expected(client, flavour, row))
    return {
        "client": found.client, "seq": run.seq(found.seq), "stores": as_plain(found.stores.to_json()),
        "complete": found.complete, "rest_is_guess": found.rest_is_guess,
    }  # fmt: skip


def _read(file: Path) -> tuple[RecordedRun, UiStates]:
    try:
        require_regular(file)
        with file.open(encoding="utf-8-sig") as lines:
            run = RecordedRun(_started(file, next(lines, "")))
            states = UiStates(run)
            try:
                run.read(lines)
            except ValueError as error:
                if next(lines, None) is not None:  # a last line that is cut off is not an error
                    raise Malformed(f"{file.name} is not a recording: line {run.lines + 1}: {error}.") from None
            return run, states
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {reason(error)}.") from None


def _started(file: Path, line: str) -> float:
    try:
        header, _ = header_from_json(parse_json(line))
        return seconds_of(datetime.fromisoformat(header.started)) if header.started else 0.0
    except BadFrame:
        raise Malformed(f"{file.name} is not a recording: {NO_HEADER}") from None
    except (InvalidStep, ValueError) as error:
        raise Malformed(f"{file.name} is not a recording: {error}") from None
