"""Faults of REST calls: which calls they act on, what happens to a call, and their notation (``status=503``).
Pure, like the faults of frames: ``endpoints.rest`` carries out what is decided.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote

import msgspec
from msgspec import Meta, Struct

from app.protocol.did_you_mean import suggestion
from app.protocol.faults.draws import draw
from app.protocol.faults.kinds import MAX_FRAMES, Ms, Rate
from app.protocol.faults.words import InvalidFault
from app.protocol.rest_calls import why_no_route, with_upper_method
from app.validation_messages import fault as why_invalid

METHODS = ("GET", "POST", "DELETE", "*")
_ROUTE = re.compile(r"(\S+) (/\S*)")


class RestFault(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What happens to the REST calls of a route. Several parameters act together."""

    route: Annotated[str, Meta(max_length=200, description='"POST /messages"; * stands for any method or text')]
    rate: Rate = 1.0
    count: (
        Annotated[int, Meta(ge=1, le=MAX_FRAMES, description="How many calls it acts on; default: all")] | None
    ) = None
    delay: Annotated[Ms, Meta(description="Milliseconds before the answer")] = 0.0
    jitter: Annotated[Ms, Meta(description="The largest random change of the delay, in milliseconds")] = 0.0
    status: (
        Annotated[int, Meta(ge=200, le=599, description="Answer with this status; the call changes nothing")] | None
    ) = None
    body: Annotated[str, Meta(max_length=10_000, description="The body of that answer")] = ""
    offline: Annotated[bool, Meta(description="Reset the connection; the call changes nothing")] = False
    hang: Annotated[bool, Meta(description="Never answer; the call changes nothing")] = False
    wrong_json: Annotated[bool, Meta(description="Cut the JSON of the answer")] = False
    no_cors: Annotated[bool, Meta(description="Leave out the header that lets a page read the answer")] = False

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "route", with_upper_method(self.route))


class RestDecision(NamedTuple):
    """What happens to one call. ``reason`` says it in words. ``delay_s`` is in seconds."""

    fault: RestFault
    reason: str
    delay_s: float


class RestFaultSequence:
    """A fault of a route, with a seed, and the number of calls that it has seen."""

    def __init__(self, fault: RestFault, seed: int) -> None:
        self.fault = fault
        self.seed = seed
        self.seen = self.acted = 0
        self._route = unquote(fault.route)
        """The path may be encoded as in a URL: calls have a decoded one."""

    def is_of(self, call: str) -> bool:
        """Return whether the fault is one of this call."""
        return matches_route(self._route, call)

    def decide(self, method: str, path: str, *, decided: bool = False) -> RestDecision | None:
        """Return what happens to the next call, or None if it is answered normally.

        If another fault has ``decided`` about the call already, it is only counted as seen.
        """
        fault = self.fault
        if not self.is_of(f"{method} {path}"):
            return None
        self.seen += 1
        if decided or (fault.count is not None and self.acted >= fault.count):
            return None
        name = f"rest {fault.route}"
        if draw(self.seed, name, self.seen) >= fault.rate:
            return None
        self.acted += 1
        delay = max(0.0, fault.delay + fault.jitter * (2 * draw(self.seed, name, self.seen, "delay") - 1))
        reason = f"{_effect(fault, delay)} (faults, seed {self.seed}, draw {self.seen})"
        return RestDecision(fault, reason, delay / 1000)


def parse_rest_word(word: str) -> tuple[str, str]:
    """Return the parameter and the value of a word like ``status=503`` or ``offline``. Raises ``InvalidFault``."""
    known = [each.name for each in msgspec.structs.fields(RestFault) if each.name != "route"]
    name, _, value = word.partition("=")
    name = name.replace("-", "_")
    if name not in known:
        names = [each.replace("_", "-") for each in known]
        hint = suggestion(name.replace("_", "-"), names) or f". Use {', '.join(names)}."
        raise InvalidFault(f"{word[:80]!r} is unknown{hint}")
    return name, value or "true"


def parse_rest_fault(route: str, words: Sequence[str]) -> RestFault:
    """Return the fault that words like ``status=503`` or ``offline`` describe. Raises ``InvalidFault``."""
    values: dict[str, Any] = {"route": route}
    for name, value in map(parse_rest_word, words):
        if name in values:
            raise InvalidFault(f"Not a valid REST fault: {name.replace('_', '-')} is given twice.")
        values[name] = value
    try:
        fault = msgspec.convert(values, RestFault, strict=False)
    except msgspec.ValidationError as error:
        reason = str(why_invalid(error)).replace(", not text", "")
        raise InvalidFault(f"Not a valid REST fault: {reason}.") from None
    check_rest_fault(fault)
    return fault


def check_rest_fault(fault: RestFault) -> None:
    """Raise ``InvalidFault`` if the route is invalid, or if the fault has no effect."""
    found = _ROUTE.fullmatch(fault.route)
    if not found or found[1] not in METHODS:
        raise InvalidFault(
            f"{fault.route[:80]!r} is not a route. Write a method ({', '.join(METHODS)}) and a path, "
            "like POST /messages or GET /messages*."
        )
    if not (fault.delay or fault.jitter or fault.status or fault.offline or fault.hang or fault.wrong_json
            or fault.no_cors):  # fmt: skip
        raise InvalidFault(
            "The fault has no effect: add status=503, delay=300, offline, hang, wrong-json or no-cors."
        )


def why_no_calls(fault: RestFault) -> str:
    """Return a warning if the REST API does not have the route of a fault; empty if it has, or may have.

    A fault may answer calls of any route with success, in place of a backend that has them.
    """
    method, _, path = unquote(fault.route).partition(" ")
    if "*" in path or 0 < (fault.status or 0) < 400:
        return ""
    calls = [f"{each} {path}" for each in METHODS if each != "*"] if method == "*" else [f"{method} {path}"]
    return why_no_route(fault.route) if all(map(why_no_route, calls)) else ""


def rest_fault_text(fault: RestFault) -> str:
    """Return the words of a fault, without its route."""
    written = msgspec.to_builtins(fault)
    del written["route"]
    return " ".join(
        name.replace("_", "-") if value is True else f"{name.replace('_', '-')}={_number(value)}"
        for name, value in written.items()
    )


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def matches_route(route: str, call: str) -> bool:
    """Return whether a route, in which ``*`` stands for any text, matches a call such as ``GET /friends``.

    Finds the first place of each part, so that many ``*`` do not take longer, as they would in an expression.
    """
    first, *middle = route.split("*")
    if not middle:
        return call == route
    last = middle.pop()
    if not call.startswith(first):
        return False
    at = len(first)
    for part in middle:
        found = call.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return call.endswith(last) and len(call) - len(last) >= at


def _effect(fault: RestFault, delay: float) -> str:
    parts = [f"delayed by {delay:.0f} ms"] if delay else []
    if fault.offline:
        parts.append("connection reset")
    elif fault.hang:
        parts.append("never answered")
    elif fault.status:
        parts.append(f"answered with {fault.status}")
    else:
        parts += ["JSON cut"] if fault.wrong_json else []
    parts += ["no CORS header"] if fault.no_cors else []
    return ", ".join(parts) or "not delayed"
