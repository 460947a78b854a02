"""Find completions for the statement that the user types in a scenario: for example names of friends, events and
fixtures, keywords, fields, and some values. A scenario is a script with lines such as ``alice (types 2s): hi``.
``transcript_editor`` shows the completions. The completions of templates such as ``{{uuid}}`` are those of
``code_completion``. Comments, steps in JSON and the texts of messages have no other completions.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.faults.kinds import KIND_BY_NAME
from app.protocol.refusals import COMPLETIONS
from app.protocol.session.statements import KEYWORDS, METHODS
from app.protocol.session.words import name_text
from app.ui.widgets.code_completion import MAX_CONTEXT_CHARS, TEMPLATES, Completions, Offers, offers_of
from app.ui.widgets.code_completion import completions as json_completions
from app.ui.widgets.transcript_words import TEXT_FOLLOWS, message

MAX_CHOICES = 60
REST_CALLS = ("POST /messages", "POST /friends", "GET /messages", "GET /friends")
FAULTS = tuple(f"{name}=" for name in KIND_BY_NAME)
REST_FIELDS = ("to", "text", "username", "peer")
VERBS = ("comes online", "goes offline", "starts typing", "stops typing")
STATEMENTS = ("wait for", *sorted(KEYWORDS))
"""How statements begin."""
AFTER = {
    "fire": ("as", "to", "with", "fixture"),
    "expect": ("from", "where", "within"),
    "when": ("from", "where", "times"),
    "wait": ("within",),
    "repeat": ("every",),
    "refuse": ("with",),
    "faults": (*FAULTS, "profile", "direction", "only", "seed", "clear"),
    "rest_fault": ("status=503", "delay=300", "offline", "hang", "wrong-json", "no-cors", "seed", "clear"),
}
"""The keywords that can follow in a statement, by its first word."""
_PATH_VALUE = re.compile(r"([\w.\[\]]+)=.*$")
_WORD = re.compile(r"""(?:[^\s"']|"(?:[^"\\]|\\.)*"?|'[^']*'?)+""")
"""A word. The quotation mark of the last one may not be closed yet."""


class TranscriptOffers(NamedTuple):
    """What can be completed: users, fixtures, events, fields by event, and values by field."""

    users: Sequence[str] = ()
    """Friends, in whose name events are fired."""
    client_users: Sequence[str] = ()
    """Users that clients act as, and friends."""
    fixtures: Sequence[str] = ()
    events: Sequence[str] = ()
    """Events to the UI, which can be fired."""
    client_events: Sequence[str] = ()
    """Events of the UI, which can be expected."""
    fields: Mapping[str, Sequence[str]] = {}
    """Fields of events to the UI."""
    client_fields: Mapping[str, Sequence[str]] = {}
    """Fields of events of the UI."""
    values: Mapping[str, Sequence[str]] = {}


def offers_from(
    catalog: Catalog, users: Sequence[str], fixtures: Sequence[str], clients: Sequence[str] = ()
) -> TranscriptOffers:
    """Return what can be completed under a contract. ``clients`` are the users that clients act as."""
    values = dict(offers_of(catalog, users, with_templates=False).values)
    fields: dict[Direction, dict[str, Sequence[str]]] = {each: {} for each in Direction}
    for each in catalog:
        fields[each.direction][each.name] = tuple(each.fields)
        for name, schema in each.fields.items():
            if schema.get("type") == "boolean":
                values[name] = ("true", "false")
    values |= dict.fromkeys(("to", "from", "peer"), users)
    return TranscriptOffers(
        users, tuple(dict.fromkeys([*clients, *users])), fixtures,
        catalog.names(Direction.TO_UI), catalog.names(Direction.FROM_UI),
        fields[Direction.TO_UI], fields[Direction.FROM_UI], values,
    )  # fmt: skip


def transcript_completions(before: str, offers: TranscriptOffers, *, asked: bool = False) -> Completions:
    """Return the completions for a line's text before the cursor. ``asked``: the user pressed Ctrl+Space."""
    before = before[-MAX_CONTEXT_CHARS:].lstrip()
    template = before.rfind("{{")
    if template >= 0 and "}}" not in before[template:]:
        return json_completions(before, Offers(TEMPLATES))
    if before.startswith(("#", "!", "{")) or message(before):
        return Completions()
    found = list(_WORD.finditer(before))
    written = found.pop()[0] if found and found[-1].end() == len(before) else ""
    words = [each[0] for each in found]
    if words and words[0] in TEXT_FOLLOWS:
        return Completions()
    if not words:
        return (
            _choices(written, [*map(name_text, offers.users), *STATEMENTS]) if written or asked else Completions()
        )
    choices, eager = _next(words, written, offers)
    return _choices(written, choices) if written or eager or asked else Completions()


def _next(words: Sequence[str], written: str, offers: TranscriptOffers) -> tuple[Iterable[str], bool]:
    """Return what can follow words, and whether something has to follow."""
    first, last = words[0], words[-1]
    users = [name_text(each) for each in offers.client_users]
    if first not in KEYWORDS:
        return ([" ".join(each.split()[len(words) - 1 :]) for each in VERBS if _continues(each, words[1:])], True)
    if first == "refuse" and last == "with":
        return COMPLETIONS, True
    if first in ("where", "with") or "=" in written or last in ("where", "with") or "=" in last:
        event, fields = _event(words), offers.fields if first == "fire" else offers.client_fields
        if found := _PATH_VALUE.match(written):
            values = offers.values.get(found[1].rpartition(".")[2], ())
            return [f"{found[1]}={name_text(each)}" for each in values], True
        names = fields.get(event, REST_FIELDS if event in METHODS else ())
        more = AFTER.get(first, ()) if "=" in last else ()
        return [*(f"{name}=" for name in names), *more], last in ("where", "with")
    if last == "as":
        return map(name_text, offers.users), True
    if last == "from":
        return users, True
    if last in ("to", "for", "close", "abort"):
        return ["all", *users], True
    if len(words) == 1:
        return _arguments(first, offers)
    if last == "fixture":
        return map(name_text, offers.fixtures), True
    if last in METHODS:
        return [each.split()[1] for each in REST_CALLS if each.startswith(last)], True
    if first == "wait" and words[1] != "for":
        return (), False
    return [each for each in AFTER.get(first, ()) if each not in words], False


def _arguments(keyword: str, offers: TranscriptOffers) -> tuple[Iterable[str], bool]:
    """Return what can follow the first word of a statement."""
    match keyword:
        case "fire":
            return [*offers.events, *map(name_text, offers.fixtures)], True
        case "expect" | "when":
            return [*offers.client_events, *REST_CALLS], True
        case "state":
            return ["load", "save", "reset"], True
        case "faults":
            return ["all", *map(name_text, offers.client_users)], True
        case "rest_fault":
            return [each.partition(" ")[0] for each in REST_CALLS[1:3]], True
        case "wait":
            return ["for"], False
    return (), False


def _event(words: Sequence[str]) -> str:
    return words[1] if len(words) > 1 else ""


def _continues(verb: str, words: Sequence[str]) -> bool:
    return verb.split()[: len(words)] == list(words)


def _choices(written: str, choices: Iterable[str]) -> Completions:
    """Return the choices that begin with what is written, then those that contain it."""
    wanted = written.lstrip('"').casefold()
    plain = {each: each.lstrip('"').casefold() for each in choices}
    found = [each for each, text in plain.items() if text.startswith(wanted)]
    if len(wanted) > 1:
        found += [each for each, text in plain.items() if wanted in text and not text.startswith(wanted)]
    return Completions(written, () if found == [written] else found[:MAX_CHOICES])
