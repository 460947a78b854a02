"""Write steps as statements of a transcript (a session as readable text): the reverse of ``transcript_parser``.
A step that was read from a transcript keeps its spelling if that still says the same. A step that the grammar
cannot express there, such as a ``wait`` before another step, is written as ``! {json}``, and so is one with
characters that are not visible, such as those that a terminal would carry out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from app.protocol.conditions import value_text
from app.protocol.session import actions
from app.protocol.session.durations import format_duration
from app.protocol.session.errors import InvalidSession
from app.protocol.session.statements import JSON_MARK, KEYWORDS
from app.protocol.session.steps import Comment, Step
from app.protocol.session.transcript_parser import INDENT, parse_statements
from app.protocol.session.words import JSON_IN_TEXT, json_text, name_text, quoted, shows_all, target_text


def format_entries(entries: Sequence[Step | Comment]) -> list[str]:
    """Return the lines of steps and comments. A step keeps its spelling in a transcript if it still applies."""
    lines: list[str] = []
    steps_left = sum(isinstance(each, Step) for each in entries)
    for each in entries:
        if isinstance(each, Comment):
            lines.append(each.text)
            continue
        steps_left -= 1
        lines += _kept(each, last=not steps_left) or format_step(each, last=not steps_left)
    return lines


def format_step(step: Step, *, last: bool = False) -> list[str]:
    """Return the lines of a step in the usual spelling. ``last``: no step follows in the same block.

    ``wait`` statements before another step would become its ``after``, so such a step is written as JSON.
    """
    if _is_pause(step) and not last:
        return [_as_json(step)]
    lines = _pause_lines(step) + _statement_lines(step)
    return lines if all(map(shows_all, lines)) and _reads_as(lines, step) else [_as_json(step)]


def _kept(step: Step, last: bool) -> list[str]:
    """Return the step's own spelling, or nothing if it has none or says something else."""
    if not step.text or (_is_pause(step) and not last):
        return []
    lines = step.text.split("\n")
    return lines if _reads_as(lines, step) else []


def _reads_as(lines: list[str], step: Step) -> bool:
    """Return whether lines would be read as this step. Texts with line breaks are not single lines."""
    if any("\n" in each or "\r" in each for each in lines):
        return False
    try:
        parsed = parse_statements(lines)
    except InvalidSession:
        return False
    return len(parsed) == 1 and _is_same(parsed[0].entry, step) and parsed[0].end == len(lines)


def _is_same(entry: Step | Comment, step: Step) -> bool:
    return isinstance(entry, Step) and entry.is_same(step)


def _is_pause(step: Step) -> bool:
    return isinstance(step.action, actions.Wait) and not isinstance(step.action.wait, actions.ReadyClient)


def _as_json(step: Step) -> str:
    fields = replace(step, text="").to_json()
    return f"{JSON_MARK} {json_text(fields)}"


def _pause_lines(step: Step) -> list[str]:
    return [f"wait {format_duration(step.action.after)}"] if step.action.after else []


def _statement_lines(step: Step) -> list[str]:
    action = step.action
    if isinstance(action, actions.Repeat):
        return _repeat(action, step.steps)
    words = _FORMATTERS[type(action)](action) if type(action) in _FORMATTERS else ""
    return [words, *_indented(format_entries(step.steps))]


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (f"{INDENT}{each}" for each in lines)


def _repeat(action: actions.Repeat, steps: tuple[Step, ...]) -> list[str]:
    head = f"repeat {action.repeat}"
    if steps and (every := steps[0].action.after):
        head += f" every {format_duration(every)}"
        steps = (replace(steps[0], action=msgspec.structs.replace(steps[0].action, after=0.0), text=""), *steps[1:])
    return [head, *_indented(format_entries(steps))]


def _say(action: actions.Say) -> str:
    options = []
    if action.typing:
        options.append(f"types {format_duration(action.typing)}")
    if action.to != "all":
        options.append(f"to {target_text(action.to)}")
    name = name_text(action.as_user, KEYWORDS) + (f" ({' '.join(options)})" if options else "")
    text = action.say
    plain = text and text == text.strip() and text.isprintable() and not text.startswith('"')
    return f"{name}: {text if plain else quoted(text)}"


def _typing(action: actions.Typing) -> str:
    verb = "starts typing" if action.typing else "stops typing"
    duration = f" for {format_duration(action.duration)}" if action.duration is not None else ""
    return f"{name_text(action.as_user, KEYWORDS)} {verb}{duration}"


def _presence(action: actions.Presence) -> str:
    verb = "comes online" if action.presence == "online" else "goes offline"
    return f"{name_text(action.user, KEYWORDS)} {verb}"


def _wait(action: actions.Wait) -> str:
    if not isinstance(action.wait, actions.ReadyClient):
        return f"wait {format_duration(action.wait)}"
    within = _within(action.wait.within, actions.ReadyClient(client="all").within)
    return f"wait for {target_text(action.wait.client)}{within}"


def _expect(action: actions.Expect) -> str:
    return f"expect {_cause(action.expect, action.sender, action.where)}{_within(action.within, 5.0)}"


def _when(action: actions.When) -> str:
    times = f" {action.times} times" if action.times is not None else ""
    return f"when {_cause(action.when, action.sender, action.where)}{times}"


def _fire(action: actions.Fire) -> str:
    return f"fire {name_text(action.fire)}{_options(action.as_user, action.to, action.data)}"


def _fixture(action: actions.UseFixture) -> str:
    keyword = "" if "/" in action.fixture else "fixture "
    return f"fire {keyword}{name_text(action.fixture)}{_options(action.as_user, action.to, action.changes)}"


def _options(as_user: str | None, to: str | None, values: dict[str, Any]) -> str:
    text = f" as {name_text(as_user)}" if as_user else ""
    if to not in (None, "all"):
        text += f" to {target_text(str(to))}"
    return text + (f" with {_conditions(values)}" if values else "")


def _close(action: actions.Close) -> str:
    text = f"close {target_text(action.close)}"
    if action.code != 1000 or action.reason:
        text += f" {action.code}"
    return text + (f" {quoted(action.reason)}" if action.reason else "")


def _refuse(action: actions.Refuse) -> str:
    return f"refuse {action.refuse}" + (f" with {action.mode}" if action.mode != "503" else "")


def _faults(action: actions.Faults) -> str:
    text = f"faults {target_text(action.faults)}"
    if not (action.set or action.profile):
        return f"{text} clear"
    text += "".join(f" {each}" for each in action.set)
    text += f" profile {name_text(action.profile)}" if action.profile else ""
    text += f" direction {action.direction}" if action.direction != "to_ui" else ""
    text += f" only {name_text(action.only)}" if action.only else ""
    return text + _seed(action.seed)


def _rest_fault(action: actions.RestFault) -> str:
    words = "".join(f" {each}" for each in action.set) or " clear"
    return f"rest_fault {action.rest_fault}{words}{_seed(action.seed)}"


def _seed(seed: int | None) -> str:
    return "" if seed is None else f" seed {seed}"


def _state(action: actions.ChangeState) -> str:
    return f"state {action.state}" + (f" {name_text(action.file)}" if action.file else "")


def _cause(event: str, sender: str | None, where: dict[str, Any]) -> str:
    text = event
    if sender is not None:
        text += f" from {name_text(sender)}"
    return text + (f" where {_conditions(where)}" if where else "")


def _conditions(where: dict[str, Any]) -> str:
    return " ".join(f"{path}={_condition_value(value)}" for path, value in where.items())


def _condition_value(value: Any) -> str:
    """Return a value as ``Words.conditions`` reads it."""
    text = value_text(value)
    if isinstance(value, str) and text != value and not value.startswith(JSON_IN_TEXT):
        return text  # a text that looks like a number is a JSON string already
    plain = text and not any(letter.isspace() or letter in "\"'\\" for letter in text)
    return text if plain else quoted(text)


def _within(seconds: float, default: float) -> str:
    return f" within {format_duration(seconds)}" if seconds != default else ""


_FORMATTERS: dict[type[actions.Action], Callable[[Any], str]] = {
    actions.Say: _say,
    actions.Typing: _typing,
    actions.Presence: _presence,
    actions.Wait: _wait,
    actions.Expect: _expect,
    actions.When: _when,
    actions.Fire: _fire,
    actions.UseFixture: _fixture,
    actions.Close: _close,
    actions.Abort: lambda action: f"abort {target_text(action.abort)}",
    actions.Refuse: _refuse,
    actions.Faults: _faults,
    actions.RestFault: _rest_fault,
    actions.ChangeState: _state,
    actions.Mark: lambda action: f"mark {action.mark}",
    actions.Note: lambda action: f"note {action.note}",
}
