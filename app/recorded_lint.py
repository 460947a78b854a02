"""Lint a recording without a companion (``companion contract lint FILE``)."""

from pathlib import Path

from app.observers.contract_lint import RowLint
from app.observers.recorded_run import RecordedRun
from app.protocol.catalog import Catalog
from app.protocol.lint.findings import Tally
from app.recorded_input import read_run

BATCH_ROWS = 1_000_000


def lint_recording(file: Path, catalog: Catalog) -> Tally:
    """Return the findings in a recording, with the row numbers of the log. Raises ``RequestError``."""
    found: list[RowLint] = []

    def watch(run: RecordedRun) -> None:
        lint = RowLint(run, catalog)
        # REST calls are examined at once, so that a long recording's responses do not fill the memory.
        run.rest_exchanges.connect(lambda _: lint.catch_up(BATCH_ROWS))
        found.append(lint)

    read_run(file, watch)
    (lint,) = found
    lint.catch_up(BATCH_ROWS)
    return lint.tally
