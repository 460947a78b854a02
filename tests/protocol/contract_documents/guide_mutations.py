"""Change a copy of the guide's types at random, and say what must be reported."""

import re
from pathlib import Path
from random import Random
from typing import NamedTuple

GUIDE = Path(__file__).with_name("guide")
_FIELD = re.compile(r"(?P<name>\w+)(?P<optional>\??): (?P<type>string|boolean|\"\w+\" \| \"\w+\"|Reaction\[\]);?")
_EVENT = re.compile(r"^  \| \{ event: \"(?P<name>\w+)\".*$", re.MULTILINE)
_OTHER_TYPES = ("number", "string | null", "Date", "any", "unknown", "string[]", '"x" | "y"', "{ id: string }")


class Mutant(NamedTuple):
    """A changed copy of the two files. ``path`` is the changed field or event, as the result must name it."""

    events: str
    message: str
    path: str


class _Place(NamedTuple):
    """A field in one of the two files."""

    file: str
    start: int
    end: int
    name: str
    type: str
    optional: bool
    path: str


def mutant(random: Random) -> Mutant:
    """Return a copy with one change."""
    files = {each.stem: each.read_text(encoding="utf-8") for each in GUIDE.iterdir()}
    if random.random() < 0.2:
        path = _change_event(files, random)
    else:
        path = _change_field(files, random.choice(_places(files)), random)
    return Mutant(files["events"], files["message"], path)


def _places(files: dict[str, str]) -> list[_Place]:
    found = []
    for file, text in files.items():
        for each in _FIELD.finditer(text):
            if each["name"] in ("event", "data"):
                continue
            found.append(
                _Place(
                    file, each.start(), each.end(), each["name"], each["type"], bool(each["optional"]),
                    f"{_prefix(file, text, each.start())}{each['name']}{_suffix(file, text, each.start())}",
                )
            )  # fmt: skip
    return found


def _prefix(file: str, text: str, start: int) -> str:
    if file == "message":
        return "new_message.reactions[]." if start < text.index("interface Message") else "new_message."
    events: list[str] = re.findall(r'event: "(\w+)"', text[:start])
    return events[-1] + "."


def _suffix(file: str, text: str, start: int) -> str:
    return " (from the UI)" if file == "events" and start > text.index("WSClientEvent") else ""


def _change_field(files: dict[str, str], place: _Place, random: Random) -> str:
    text = files[place.file]
    mark = "?" if place.optional else ""
    changes = {
        "type": f"{place.name}{mark}: {random.choice(_OTHER_TYPES)}",
        "optional": f"{place.name}{'' if place.optional else '?'}: {place.type}",
        "remove": "",
        "rename": f"{place.name}_2{mark}: {place.type}",
        "add": f"{place.name}{mark}: {place.type}; {place.name}_new: string",
        "narrow": f"{place.name}{mark}: {place.type.split(' | ')[0]}",
        "widen": f'{place.name}{mark}: {place.type} | "later"',
    }
    literal = " | " in place.type
    kind = random.choice([each for each in changes if literal or each not in ("narrow", "widen")])
    changed = f"{changes[kind]};" if changes[kind] else ""
    files[place.file] = text[: place.start] + changed + text[place.end :]
    return place.path.replace(place.name, f"{place.name}_new", 1) if kind == "add" else place.path


def _change_event(files: dict[str, str], random: Random) -> str:
    text = files["events"]
    event = random.choice(list(_EVENT.finditer(text)))
    line, name = event[0], event["name"]
    suffix = _suffix("events", text, event.start())
    kind = random.choice(["rename", "add"])
    if kind == "rename":
        changed = line.replace(f'"{name}"', f'"{name}_2"')
    else:
        changed = f'  | {{ event: "{name}_new"; data: {{ id: string }} }}\n{line}'
    files["events"] = text[: event.start()] + changed + text[event.end() :]
    return f"{name}_new{suffix}" if kind == "add" else f"{name}{suffix}"
