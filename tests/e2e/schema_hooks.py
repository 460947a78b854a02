"""Hooks for schemathesis (``SCHEMATHESIS_HOOKS``) that shorten the waiting times in its requests."""

from typing import Any

import schemathesis

LONGEST_S = 0.05
ALLOWED_S = 3600


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    for values, name in ((case.query, "wait"), (case.query, "within"), (case.body, "wait"), (case.body, "within")):
        if isinstance(values, dict) and name in values and _waits(values[name]):
            values[name] = LONGEST_S
    if case.path == "/v1/expectations" and isinstance(case.body, dict):
        case.body.setdefault("within", LONGEST_S)
    if case.path == "/v1/breakpoints/wait":
        case.query = {"within": LONGEST_S, **(case.query or {})}


def _waits(value: object) -> bool:
    """Return whether the companion would wait for this number of seconds, a number or the text of a query."""
    try:
        return LONGEST_S < float(value) <= ALLOWED_S  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
