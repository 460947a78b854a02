"""Read a recording from its file, without a running companion. An error names the invalid line."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from app.observers.recorded_run import RecordedRun
from app.protocol.envelope import BadFrame, parse_json
from app.protocol.errors import Malformed, NotFound
from app.protocol.session.steps import NO_HEADER, InvalidStep, header_from_json
from app.protocol.times import seconds_of
from app.system.files import reason, require_regular


def read_run(file: Path, watch: Callable[[RecordedRun], object] = lambda _: None) -> RecordedRun:
    """Return the run in a file. ``watch`` connects observers before it is read. Raises ``RequestError``."""
    try:
        require_regular(file)
        with file.open(encoding="utf-8-sig") as lines:
            run = RecordedRun(_started(file, next(lines, "")))
            watch(run)
            try:
                run.read(lines)
            except ValueError as error:
                if next(lines, None) is not None:  # a last line that is cut off is not an error
                    raise Malformed(f"{file.name} is not a recording: line {run.lines + 1}: {error}.") from None
            return run
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
