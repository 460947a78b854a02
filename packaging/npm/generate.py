"""Write the TypeScript types of the npm package in ``src/generated/``: the built-in events, and the control API.

Run it after a change of either: ``python packaging/npm/generate.py``. A test fails if the files are not up to date.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from app.endpoints.control.api import OPERATIONS
from app.endpoints.control.openapi import document
from app.protocol.catalog import built_in
from app.protocol.contract_documents.described_event import described
from app.protocol.contract_documents.typescript import typescript
from app.protocol.contract_documents.typescript_types import TypeScriptTypes

FOLDER = Path(__file__).parent / "src" / "generated"
SHAPES = (
    "EventBody", "TriggerBody", "Fired", "ExpectationBody", "Expected", "JournalRow", "JournalPage", "RunBody",
    "RunInfo", "ArmBody", "RestFault", "FaultState", "Cleared", "UiStateInfo", "ComparisonBody", "Comparison",
    "UiExpectationBody", "UiExpectationResult", "UiPageInfo", "ClientInfo", "Status", "Problem",
)  # fmt: skip
"""The types of the control API that the package uses. Those that they refer to are written too."""
_HEADER = "// The JSON types of the control API. Written by packaging/npm/generate.py: do not edit."


def events() -> str:
    """Return the types of the built-in events."""
    return typescript(described(built_in()))


def api(names: Sequence[str] = SHAPES) -> str:
    """Return the types of the control API."""
    description = document(OPERATIONS, "")
    types = TypeScriptTypes()
    for name in names:
        types.text({"$ref": f"#/components/schemas/{name}"}, description)
    return "\n\n".join([_HEADER, *types.declarations]) + "\n"


FILES = {"events.ts": events, "api.ts": api}
"""The files, and the functions that make their text."""


def main(*, check: bool = False) -> None:
    """Write all files. With ``check``, end the program with an error if one is not up to date instead."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        if not check:
            (FOLDER / name).write_text(text(), encoding="utf-8")
        elif (FOLDER / name).read_text(encoding="utf-8") != text():
            sys.exit(f"{FOLDER / name} is not up to date. Run: python packaging/npm/generate.py")


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
