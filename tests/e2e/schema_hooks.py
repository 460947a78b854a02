"""Loaded by schemathesis (``SCHEMATHESIS_HOOKS``): no request may wait for as long as the document allows."""

from typing import Any

import schemathesis

LONGEST_S = 0.05
ALLOWED_S = 3600


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    for values, name in ((case.query, "wait"), (case.body, "wait"), (case.body, "within")):
        if isinstance(values, dict) and name in values and _waits(values[name]):
            values[name] = LONGEST_S
    if case.path == "/v1/expectations" and isinstance(case.body, dict):
        case.body.setdefault("within", LONGEST_S)


def _waits(value: object) -> bool:
    """Whether the companion would wait for so many seconds, given as a number or as a query's text."""
    try:
        return LONGEST_S < float(value) <= ALLOWED_S  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
