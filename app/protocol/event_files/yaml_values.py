"""Parse YAML, such as an event file, to JSON values, and note the line and column of each field name and list item.

Only the types of JSON exist: ``no``, ``True``, ``1:30`` and ``2024-01-15`` are texts. Other values, such as
``.inf``, are errors, and so are duplicate and merge keys. The values are built from the events of PyYAML's parser.
Its loader has the types of YAML 1.1, accepts duplicate keys, and does not limit aliases.
"""

import math
import re
from typing import Any, Literal

import yaml

from app.protocol.envelope import MAX_DEPTH
from app.protocol.event_files.problems import inner_path

MAX_VALUES = 20_000
"""More values than this, with aliases expanded, are an error."""
MAX_CHARS = 4 * 1024 * 1024
"""Values with more characters than this, with aliases expanded, are an error."""

Place = tuple[int, int]
"""Line and column, starting at 1."""

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser, which is ten times as fast; PyYAML's own if it was built without libyaml."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_TAG = "tag:yaml.org,2002:"


class InvalidYaml(ValueError):
    """A text that is not valid YAML, or has values that JSON does not have. ``line`` and ``column`` may be 0."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.line, self.column = reason, line, column


def parse_yaml(text: str) -> tuple[Any, dict[str, Place]]:
    """Return the value of a YAML document, and the place of each value by its path. Raises ``InvalidYaml``.

    Paths are those of ``inner_path``; values with the same path have the place of the first one.
    """
    try:
        return _Composer(_Parser(text)).document()
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        reason = f"invalid YAML: {error.problem or error.context or 'it cannot be read'}"
        raise _marked(reason, mark) from None
    except (yaml.YAMLError, UnicodeError) as error:  # a character that YAML does not allow
        reason = getattr(error, "reason", None) or "it contains a character that YAML does not allow"
        raise InvalidYaml(f"invalid YAML: {reason}") from None


class _Composer:
    """Build values from the events of a parser."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        """Values with an anchor, with their number of values and of characters."""
        self._open: set[str] = set()
        """Anchors of the values that are being read."""
        self._count = 0
        self._chars = 0
        self.places: dict[str, Place] = {}

    def document(self) -> tuple[Any, dict[str, Place]]:
        self._parser.get_event()  # start of the stream
        if isinstance(self._parser.get_event(), yaml.StreamEndEvent):
            raise InvalidYaml("the file is empty")
        value = self._value(self._parser.get_event(), "", 0)
        self._parser.get_event()  # end of the document
        after = self._parser.get_event()
        if not isinstance(after, yaml.StreamEndEvent):
            raise _at(after, "the file has more than one YAML document. Write one event per file")
        return value, self.places

    def _value(self, event: Any, path: str, depth: int) -> Any:
        self.places.setdefault(path, _place(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        anchor, count, chars = event.anchor, self._count, self._chars
        self._add(event, 1, len(event.value) if isinstance(event, yaml.ScalarEvent) else 0)
        if depth > MAX_DEPTH:
            raise _at(event, f"nested deeper than {MAX_DEPTH} levels")
        if anchor:
            self._open.add(anchor)
        if isinstance(event, yaml.ScalarEvent):
            value: Any = _scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(event, path, depth)
        else:
            value = self._sequence(event, path, depth)
        if anchor:
            self._open.discard(anchor)
            self._anchors[anchor] = value, self._count - count, self._chars - chars
        return value

    def _alias(self, event: Any, depth: int) -> Any:
        if event.anchor in self._open:
            raise _at(event, f"the alias *{event.anchor} refers to the value that contains it")
        if event.anchor not in self._anchors:
            raise _at(event, f"there is no anchor &{event.anchor}")
        value, count, chars = self._anchors[event.anchor]
        self._add(event, count, chars)
        if depth + _depth(value) > MAX_DEPTH + 1:
            raise _at(event, f"nested deeper than {MAX_DEPTH} levels")
        return value

    def _add(self, event: Any, values: int, chars: int) -> None:
        self._count += values
        self._chars += chars
        if self._count > MAX_VALUES:
            raise _at(event, f"it has more than {MAX_VALUES:,} values once its aliases are expanded")
        if self._chars > MAX_CHARS:
            raise _at(event, f"it has more than {MAX_CHARS:,} characters once its aliases are expanded")

    def _mapping(self, event: Any, path: str, depth: int) -> dict[str, Any]:
        _check_tag(event, "map")
        found: dict[str, Any] = {}
        while not isinstance(key := self._parser.get_event(), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise _at(key, "the name of a field must be a text")
            name = key.value
            if name == "<<" and key.implicit[0]:
                raise _at(key, "merge keys (<<) are not supported. Write the fields out")
            self._add(key, 0, len(name))
            if name in found:
                raise _at(key, f"duplicate key {name[:60]!r}")
            where = inner_path(path, f".{name}" if path else name)
            self.places.setdefault(where, _place(key))
            found[name] = self._value(self._parser.get_event(), where, depth + 1)
        return found

    def _sequence(self, event: Any, path: str, depth: int) -> list[Any]:
        _check_tag(event, "seq")
        found: list[Any] = []
        while not isinstance(item := self._parser.get_event(), yaml.SequenceEndEvent):
            found.append(self._value(item, inner_path(path, f"[{len(found)}]"), depth + 1))
        return found


def _depth(value: Any) -> int:
    """Return how deep a value is nested. It is at most ``MAX_DEPTH`` deep."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    # Aliases share objects, but the number of expanded values is limited, so this takes a limited time.
    return 1 + max(map(_depth, children), default=0)


def _scalar(event: Any) -> Any:
    text: str = event.value
    kind = (event.tag or "").removeprefix(_TAG)
    if event.tag and event.tag != "!" and kind not in ("str", "int", "float", "bool", "null"):
        raise _at(event, f"the tag {event.tag[:60]} is not supported: only the types of JSON are")
    if kind == "str" or event.tag == "!" or not (event.implicit[0] or event.tag):
        return text
    value = _plain(event, text)
    types: dict[str, tuple[type, ...]] = {
        "int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)
    }  # fmt: skip
    if kind and type(value) not in types[kind]:
        raise _at(event, f"{text[:40]!r} does not fit its tag !!{kind}")
    return value


def _plain(event: Any, text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NO_NUMBER.fullmatch(text):
        raise _at(event, f"{text} is not a valid number in JSON. Put it in quotes if it is a text")
    if _NUMBER.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise _at(event, f"the number {text[:24]} is too large")
        return number
    return text


def _check_tag(event: Any, kind: Literal["map", "seq"]) -> None:
    if event.tag not in (None, "!", f"{_TAG}{kind}"):
        raise _at(event, f"the tag {event.tag[:60]} is not supported: only the types of JSON are")


def _marked(reason: str, mark: Any) -> InvalidYaml:
    if mark is None:
        return InvalidYaml(reason)
    return InvalidYaml(reason, mark.line + 1, mark.column + 1)


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _at(event: Any, reason: str) -> InvalidYaml:
    return _marked(reason, event.start_mark)
