"""Parse and write faults of frames in a short notation: ``loss=0.5``, ``latency=200~50``, ``stall=10,for=2000``.
It is used, for example, on the command line, in sessions, in the log and in the Faults room. ``rest`` has the
notation for faults of REST calls.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import msgspec

from app.protocol.did_you_mean import suggestion
from app.protocol.faults.kinds import KIND_BY_NAME, AnyFault, Direction, Fault, Latency, parameters
from app.validation_messages import fault as why_invalid


class InvalidFault(ValueError):
    """An invalid fault. The text is a sentence for users."""


def parse_fault(text: str, direction: Direction = "to_ui", only: str = "") -> AnyFault:
    """Return the fault that a word describes. Raises ``InvalidFault``.

    The word is the name, ``=`` and the main parameter, and then ``,name=value`` for each other one.
    """
    first, *others = text.split(",")
    name, _, main = first.partition("=")
    kind = KIND_BY_NAME.get(name)
    if kind is None:
        hint = suggestion(name, KIND_BY_NAME) or f". There are {', '.join(KIND_BY_NAME)}."
        raise InvalidFault(f"There is no fault {name[:40]!r}{hint}")
    values: dict[str, Any] = {"fault": name, "direction": direction, "only": only}
    if main:
        if kind is Latency:
            main, _, jitter = main.partition("~")
            if jitter:
                others.append(f"jitter={jitter}")
        others.insert(0, f"{kind.main}={main}")
    known = parameters(kind)
    for each in others:
        key, _, value = each.partition("=")
        if key not in known or not value:
            raise InvalidFault(
                f"{text[:80]!r} is not a valid fault: {each[:40]!r} is unknown. "
                f"{name} has the parameters {', '.join(known)}."
            )
        if key in values:
            raise InvalidFault(f"{text[:80]!r} is not a valid fault: {key} is given twice.")
        values[key] = value
    try:
        return msgspec.convert(values, AnyFault, strict=False)  # type: ignore[no-any-return]
    except msgspec.ValidationError as error:
        raise InvalidFault(f"{text[:80]!r} is not a valid fault: {_reason(error, kind)}.") from None


def faults_from_json(value: Any) -> tuple[AnyFault, ...]:
    """Convert JSON values to faults. Raises ``InvalidFault``."""
    try:
        return msgspec.convert(value, tuple[AnyFault, ...])
    except msgspec.ValidationError as error:
        raise InvalidFault(f"Not valid faults: {why_invalid(error)}.") from None


def fault_text(fault: Fault) -> str:
    """Return the word that ``parse_fault`` reads as this fault, without direction and filter."""
    written = {name: value for name, value in msgspec.to_builtins(fault).items() if name in parameters(type(fault))}
    main = written.pop(fault.main, None)
    text = fault.name if main is None else f"{fault.name}={_number(main)}"
    if isinstance(fault, Latency) and "jitter" in written:
        text += f"~{_number(written.pop('jitter'))}"
    return ",".join([text, *(f"{name}={_number(value)}" for name, value in written.items())])


def faults_text(faults: Iterable[Fault]) -> str:
    """Return faults as words, with the direction and the filter that several share written once."""
    groups = groupby(faults, lambda each: (each.direction, each.only))
    return "; ".join(
        " ".join(map(fault_text, group))
        + (f" direction {direction}" if direction != "to_ui" else "")
        + (f" only {only}" if only else "")
        for (direction, only), group in groups
    )


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.17g}" if isinstance(value, float) and value.is_integer() else str(value)


def _reason(error: msgspec.ValidationError, kind: type[Fault]) -> str:
    found = why_invalid(error)
    if found.path:
        return str(found).replace(", not text", "")
    return f"it {found.sentence}; write {kind.__name__.lower()}={kind.main.upper()}"
