"""Convert the TypeScript compiler's errors to a list of the differences between the UI's types and the contract.
The compiler has compiled a module of ``drift_check``, in which each line compares one event or field. Each
difference names the event and the field, and has a sentence that says what the two sides have.
"""

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from app.protocol.contract import Direction
from app.protocol.contract_documents.drift_check import Aspect, Assertion, Check

_ERROR = re.compile(r"^(?P<file>.+?)\((?P<line>\d+),\d+\): error (?P<code>TS\d+): (?P<text>.*)$")
_ANY_ERROR = re.compile(r"^(?P<place>.+\(\d+,\d+\): )?error TS\d+: (?P<text>.*)$")
_ACTUAL = re.compile(r"Type '\[(?P<type>.*)\]' is not assignable to type 'never'\.$")
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\w.+-]*|true|false|null')
_LONGEST = 200
"""A longer type is cut in a sentence."""
_DATA = "data"
_WHERE = {Direction.TO_UI: "events to the UI", Direction.FROM_UI: "events from the UI"}


class DriftError(Exception):
    """The compiler could not compare the types. The message says why and what to do."""


class Difference(Struct, frozen=True, kw_only=True):
    """A difference between the UI's types and the contract.

    ``kind``: ``missing event``, ``extra event``, ``missing field``, ``extra field``, ``presence`` (optional or
    required) or ``type``. ``path`` is empty for an event or its whole data.
    """

    direction: Direction
    event: str
    path: str
    kind: str
    ui: str
    contract: str
    sentence: str


class _Failed(Struct, frozen=True):
    """An assertion that does not hold, with the UI's type."""

    assertion: Assertion
    actual: str


def differences(check: Check, output: str, file_name: str) -> list[Difference]:
    """Return the differences that the compiler's output describes, in the order of the module.

    ``output`` is that of ``tsc --pretty false``; ``file_name`` is the name of the module's file. Raises
    ``DriftError`` if the compiler did not compare the types.
    """
    failed = _failed(check, output, file_name)
    if not any(each.assertion.aspect is Aspect.CANARY for each in failed.values()):
        raise DriftError(f"The TypeScript compiler compared no types. {_first_error(output)}")
    for each in failed.values():
        if each.assertion.aspect is Aspect.IMPORT:
            raise DriftError(
                f"The type {each.assertion.contract} could not be imported: {each.actual.rstrip('.')}. "
                "Name the UI's types with --type and --client-type."
            )
    found: list[Difference] = []
    for each in failed.values():
        if not any(_blocks(failed[line]) for line in each.assertion.needs if line in failed):
            found += _DESCRIBED[each.assertion.aspect](each)
    return found


def _failed(check: Check, output: str, file_name: str) -> dict[int, _Failed]:
    by_line = {each.line: each for each in check.assertions}
    found: dict[int, _Failed] = {}
    for text in output.splitlines():
        error = _ERROR.match(text)
        if not error or not error["file"].replace("\\", "/").endswith(file_name):
            continue
        line = int(error["line"])
        if line not in by_line:
            raise DriftError(f"The TypeScript compiler does not understand the comparison: {error['text']}")
        actual = _ACTUAL.search(error["text"])
        if actual is None and by_line[line].aspect is not Aspect.IMPORT:
            raise DriftError(f"The TypeScript compiler does not understand the comparison: {error['text']}")
        found.setdefault(line, _Failed(by_line[line], actual["type"] if actual else error["text"]))
    return dict(sorted(found.items()))


def _first_error(output: str) -> str:
    for line in output.splitlines():
        if error := _ANY_ERROR.match(line):
            return f"Its first error: {error['place'] or ''}{error['text']}"
    return f"It printed: {output.strip()[:_LONGEST]}" if output.strip() else "It printed nothing."


def _blocks(failed: _Failed) -> bool:
    """Return whether nothing within a type can be compared because of this error."""
    return failed.assertion.aspect is not Aspect.PRESENCE or failed.actual == '"missing"'


def _name(each: Assertion) -> str:
    client = " (from the UI)" if each.direction is Direction.FROM_UI else ""
    dot = "" if not each.path or each.path.startswith("[") else "."
    return f"{each.event}{dot}{each.path}{client}"


def _difference(each: _Failed, kind: str, sentence: str, *, ui: str = "", contract: str = "",
                event: str = "", path: str = "") -> Difference:  # fmt: skip
    where = each.assertion
    return Difference(
        direction=where.direction, event=event or where.event, path=path or where.path, kind=kind, ui=ui,
        contract=contract, sentence=sentence,
    )  # fmt: skip


def _event_name(each: _Failed) -> list[Difference]:
    actual = _short(each.actual)
    where = _WHERE[each.assertion.direction]
    sentence = f"{where}: the UI says {actual} for the name of the event, the contract lists names."
    return [_difference(each, "type", sentence, ui=each.actual)]


def _extra_events(each: _Failed) -> list[Difference]:
    client = " (from the UI)" if each.assertion.direction is Direction.FROM_UI else ""
    return [
        _difference(
            each, "extra event", f"{name}{client}: the UI has this event, the contract does not.", event=name
        )
        for name in _unquoted(each.actual)
    ]


def _missing_event(each: _Failed) -> list[Difference]:
    name = _name(each.assertion)
    return [_difference(each, "missing event", f"{name}: the contract has this event, the UI does not.")]


def _presence(each: _Failed) -> list[Difference]:
    where, (actual,) = each.assertion, _unquoted(each.actual)
    if actual == "unclear":  # any or unknown: the assertion about the type reports it
        return []
    says, _, type_ = where.contract.partition(" ")
    name = _name(where)
    if actual == "missing" and not where.path:
        return [_difference(each, "missing field", f"{name}: the UI's event has no {_DATA}.", path=_DATA)]
    if actual == "missing":
        sentence = f"{name}: the contract has this field ({_short(type_)}, {says}), the UI does not."
        return [_difference(each, "missing field", sentence, contract=type_)]
    sentence = f"{name}: {actual} in the UI, {says} in the contract."
    return [_difference(each, "presence", sentence, ui=actual, contract=says)]


def _extra_fields(each: _Failed) -> list[Difference]:
    where = each.assertion
    found = []
    for name in _unquoted(each.actual):
        dot = "." if where.path else ""
        path = f"{where.path}{dot}{name}"
        full = _name(
            Assertion(line=0, aspect=where.aspect, direction=where.direction, event=where.event, path=path)
        )
        found.append(
            _difference(each, "extra field", f"{full}: the UI has this field, the contract does not.", path=path)
        )
    return found


def _nullable(each: _Failed) -> list[Difference]:
    (actual,) = _unquoted(each.actual)
    may = {"nullable": "may be null", "not nullable": "is never null"}
    contract = each.assertion.contract
    sentence = f"{_name(each.assertion)}: {may[actual]} in the UI, {may[contract]} in the contract."
    return [_difference(each, "type", sentence, ui=actual, contract=contract)]


def _type(each: _Failed) -> list[Difference]:
    where = each.assertion
    sentence = (
        f"{_name(where)}: the UI says {_short(each.actual)}, the contract says {_short(where.contract)}"
        f"{_literals(each.actual, where.contract)}."
    )
    return [_difference(each, "type", sentence, ui=each.actual, contract=where.contract)]


def _literals(ui: str, contract: str) -> str:
    """Return which literals only one of two unions of literals has; empty if they are no such unions."""
    left, right = _literal_set(ui), _literal_set(contract)
    if left is None or right is None or len(left) + len(right) <= 2:
        return ""
    parts = []
    if missing := [each for each in right if each not in left]:
        parts.append(f"the UI lacks {', '.join(missing)}")
    if extra := [each for each in left if each not in right]:
        parts.append(f"the contract lacks {', '.join(extra)}")
    return f" ({'; '.join(parts)})" if parts else ""


def _literal_set(text: str) -> list[str] | None:
    parts = text.split(" | ")
    return parts if all(_LITERAL.fullmatch(each) for each in parts) else None


def _unquoted(union: str) -> list[str]:
    """Return the names in a union of string literals, as the compiler prints it."""
    names = re.findall(r'"((?:[^"\\]|\\.)*)"', union)
    return [re.sub(r"\\(.)", r"\1", each) for each in names] or [union]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _nothing(_: _Failed) -> Iterable[Difference]:
    return ()


_DESCRIBED: dict[Aspect, Callable[[_Failed], Iterable[Difference]]] = {
    Aspect.IMPORT: _nothing,
    Aspect.CANARY: _nothing,
    Aspect.NAME: _event_name,
    Aspect.EXTRA_EVENT: _extra_events,
    Aspect.EVENT: _missing_event,
    Aspect.PRESENCE: _presence,
    Aspect.KIND: _type,
    Aspect.NULLABLE: _nullable,
    Aspect.TYPE: _type,
    Aspect.EXTRA_FIELD: _extra_fields,
}
