"""Lint a recording: find where its frames and REST calls violate the contract, without sending anything.
``companion contract lint FILE``, which needs no running companion, and bug report bundles (.zip) get the findings.
The window that shows a recording gets the violated rules of each row.
"""

from collections.abc import Callable
from pathlib import Path

from app.observers.contract_lint import RowLint
from app.observers.recorded_run import RecordedRun
from app.protocol.catalog import Catalog
from app.protocol.lint.findings import Tally
from app.protocol.wire_names import WireNames
from app.recorded_input import read_run

ALL_ROWS, BATCH_ROWS = 1_000_000, 100


def lint_recording(
    file: Path, catalog: Catalog, names: WireNames | None = None, go_on: Callable[[], None] = lambda: None
) -> Tally:
    """Return the findings in a recording, with the row numbers of the log. Raises ``RequestError``.

    ``names``: see ``recorded_input``. ``go_on`` is called again and again, and may raise an exception to end this.
    """
    return _linted(file, catalog, names, go_on)[1].tally


def lint_marks(file: Path, catalog: Catalog) -> dict[int, tuple[str, ...]]:
    """Return the rules that rows of a recording violate, by their numbers there. Raises ``RequestError``."""
    return linted_run(file, catalog).journal.rows.marks.lint


def linted_run(file: Path, catalog: Catalog, names: WireNames | None = None) -> RecordedRun:
    """Return the run in a file, whose rows have the rules that they violate. Raises ``RequestError``.

    ``names``: see ``recorded_input``.
    """
    return _linted(file, catalog, names)[0]


def _linted(
    file: Path, catalog: Catalog, names: WireNames | None, go_on: Callable[[], None] = lambda: None
) -> tuple[RecordedRun, RowLint]:
    found: list[RowLint] = []

    def watch(run: RecordedRun) -> None:
        run.go_on = go_on
        lint = RowLint(run, catalog)
        # REST calls are examined at once, so that a long recording's responses do not fill the memory.
        run.rest_exchanges.connect(lambda _: lint.catch_up(ALL_ROWS))
        found.append(lint)

    run = read_run(file, watch, names)
    (lint,) = found
    while lint.behind:
        go_on()
        lint.catch_up(BATCH_ROWS)
    return run, lint
