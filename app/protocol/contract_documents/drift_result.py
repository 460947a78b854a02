"""Convert the TypeScript compiler's errors to a list of the differences between the UI's types and the contract.
The compiler has compiled a module of ``drift_check``, whose assertions compare events and fields. Each difference
has a sentence for users, and names the event and the field if it is about one. ``DriftError`` is raised if the
types could not be compared.
"""

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from app.protocol.contract import Direction
from app.protocol.contract_documents.described_event import EnvelopeKeys
from app.protocol.contract_documents.drift_check import Aspect, Assertion, Check

_ERROR = re.compile(r"^(?P<file>.+?)\((?P<line>\d+),\d+\): error (?P<code>TS\d+): (?P<text>.*)$")
_ANY_ERROR = re.compile(r"^(?P<place>.+\(\d+,\d+\): )?error TS\d+: (?P<text>.*)$")
_ACTUAL = re.compile(r"Type '\[(?P<type>.*)\]' is not assignable to type 'never'\.$")
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\w.+-]*|true|false|null')
_LONGEST = 200
"""A longer type is cut in a sentence."""
_UNRESOLVED = "Type 'any' is not assignable to type 'never'."
_CAUSES = frozenset(
    ("TS2304", "TS2305", "TS2306", "TS2307", "TS2314", "TS2315", "TS2339", "TS2456", "TS2503", "TS2552", "TS2614",
     "TS2694", "TS2724", "TS2749", "TS2792", "TS2834", "TS2835", "TS6142", "TS7016")
)  # fmt: skip
"""The errors because of which a type cannot be resolved: a missing module, export or name, for example."""
_MAX_CAUSES = 3
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
    """An assertion that does not hold, with the UI's type. ``unresolved``: the compiler does not know that type."""

    assertion: Assertion
    actual: str
    unresolved: bool = False


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
    if unresolved := next((each for each in failed.values() if each.unresolved), None):
        raise DriftError(_unresolved(check, unresolved.assertion, output, file_name))
    found: list[Difference] = []
    for each in failed.values():
        if not any(_blocks(failed[line]) for line in each.assertion.needs if line in failed):
            found += _DESCRIBED[each.assertion.aspect](each, check.keys)
    return found


def _unresolved(check: Check, where: Assertion, output: str, file_name: str) -> str:
    """Return why the UI's type at a place is not known: the compiler's errors in other files, with their places."""
    if where.event:
        what = f"The UI's type of {_name(where)}"
    else:
        what = next(
            f"The type {each.contract}"
            for each in check.assertions
            if each.aspect is Aspect.IMPORT and each.direction is where.direction
        )
    errors = [each for line in output.splitlines() if (each := _ERROR.match(line))]
    others = [each for each in errors if not _is_in(each, file_name)]
    causes = [each for each in others if each["code"] in _CAUSES] or others
    texts = [
        f"{each['file'].replace(chr(92), '/').removeprefix('./').replace('../', '')}, line {each['line']}: "
        f"{_sentence(each['text'])}"
        for each in causes[:_MAX_CAUSES]
    ]
    return " ".join([f"{what} cannot be resolved, so nothing was compared.", *texts])


def _sentence(text: str) -> str:
    return _short(text) if text.endswith("?") else f"{_short(text.rstrip('.'))}."


def _is_in(error: re.Match[str], file_name: str) -> bool:
    return error["file"].replace("\\", "/").endswith(file_name)


def _failed(check: Check, output: str, file_name: str) -> dict[int, _Failed]:
    by_line = {each.line: each for each in check.assertions}
    found: dict[int, _Failed] = {}
    for text in output.splitlines():
        error = _ERROR.match(text)
        if not error or not _is_in(error, file_name):
            continue
        line = int(error["line"])
        if line not in by_line:
            raise DriftError(f"The TypeScript compiler does not understand the comparison: {error['text']}")
        actual, unresolved = _ACTUAL.search(error["text"]), error["text"] == _UNRESOLVED
        if actual is None and not unresolved and by_line[line].aspect is not Aspect.IMPORT:
            raise DriftError(f"The TypeScript compiler does not understand the comparison: {error['text']}")
        shown = actual["type"] if actual else error["text"]
        found.setdefault(line, _Failed(by_line[line], shown, unresolved))
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


def _no_key(each: _Failed, keys: EnvelopeKeys) -> list[Difference]:
    found = ", ".join(sorted(_unquoted(each.actual)))
    sentence = (
        f"{_WHERE[each.assertion.direction]}: the UI's types have no key {keys.event!r} with the name of the event "
        f"(they have {_short(found)}). If the frames of the UI have other keys, set envelope_event_key and "
        "envelope_data_key."
    )
    return [_difference(each, "type", sentence, ui=each.actual, contract=keys.event)]


def _event_name(each: _Failed, _: EnvelopeKeys) -> list[Difference]:
    actual = _short(each.actual)
    where = _WHERE[each.assertion.direction]
    sentence = f"{where}: the UI says {actual} for the name of the event, the contract lists names."
    return [_difference(each, "type", sentence, ui=each.actual)]


def _extra_events(each: _Failed, _: EnvelopeKeys) -> list[Difference]:
    client = " (from the UI)" if each.assertion.direction is Direction.FROM_UI else ""
    return [
        _difference(
            each, "extra event", f"{name}{client}: the UI has this event, the contract does not.", event=name
        )
        for name in _unquoted(each.actual)
    ]


def _missing_event(each: _Failed, _: EnvelopeKeys) -> list[Difference]:
    name = _name(each.assertion)
    return [_difference(each, "missing event", f"{name}: the contract has this event, the UI does not.")]


def _presence(each: _Failed, keys: EnvelopeKeys) -> list[Difference]:
    where, (actual,) = each.assertion, _unquoted(each.actual)
    if actual == "unclear":  # any or unknown: the assertion about the type reports it
        return []
    says, _, type_ = where.contract.partition(" ")
    name = _name(where)
    if actual == "missing" and not where.path:
        sentence = f"{name}: the UI's event has no {keys.data}."
        return [_difference(each, "missing field", sentence, path=keys.data)]
    if actual == "missing":
        sentence = f"{name}: the contract has this field ({_short(type_)}, {says}), the UI does not."
        return [_difference(each, "missing field", sentence, contract=type_)]
    data = "" if where.path else f"{keys.data} is "
    sentence = f"{name}: {data}{actual} in the UI, {says} in the contract."
    return [_difference(each, "presence", sentence, ui=actual, contract=says)]


def _extra_fields(each: _Failed, _: EnvelopeKeys) -> list[Difference]:
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


def _nullable(each: _Failed, keys: EnvelopeKeys) -> list[Difference]:
    (actual,) = _unquoted(each.actual)
    may = {"nullable": "may be null", "not nullable": "is never null"}
    contract = each.assertion.contract
    data = "" if each.assertion.path else f"{keys.data} "
    sentence = f"{_name(each.assertion)}: {data}{may[actual]} in the UI, {may[contract]} in the contract."
    return [_difference(each, "type", sentence, ui=actual, contract=contract)]


def _kind(each: _Failed, keys: EnvelopeKeys) -> list[Difference]:
    where = each.assertion
    if each.actual not in ("any", "unknown"):
        return _type(each, keys)
    of = "" if where.path else f" of {keys.data}"
    sentence = f"{_name(where)}: the UI's type{of} is {each.actual}, so nothing in it can be compared."
    return [_difference(each, "type", sentence, ui=each.actual, contract=where.contract)]


def _type(each: _Failed, _: EnvelopeKeys) -> list[Difference]:
    where = each.assertion
    sentence = (
        f"{_name(where)}: the UI says {_short(each.actual)}, the contract says {_short(where.contract)}"
        f"{_literals(each.actual, where.contract)}."
    )
    return [_difference(each, "type", sentence, ui=each.actual, contract=where.contract)]


def _literals(ui: str, contract: str) -> str:
    """Return which literals only one of two unions of literals has; empty if they are not such unions."""
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


def _nothing(_: _Failed, __: EnvelopeKeys) -> Iterable[Difference]:
    return ()


_DESCRIBED: dict[Aspect, Callable[[_Failed, EnvelopeKeys], Iterable[Difference]]] = {
    Aspect.IMPORT: _nothing,
    Aspect.CANARY: _nothing,
    Aspect.KEY: _no_key,
    Aspect.NAME: _event_name,
    Aspect.EXTRA_EVENT: _extra_events,
    Aspect.EVENT: _missing_event,
    Aspect.PRESENCE: _presence,
    Aspect.KIND: _kind,
    Aspect.NULLABLE: _nullable,
    Aspect.TYPE: _type,
    Aspect.EXTRA_FIELD: _extra_fields,
}
