"""Convert rows of the log to a scenario: frames to the UI become steps, its frames and calls become expectations.

Rows of the companion's own events are left out, except ``mark`` rows, which a scenario or a script has set. Also
left out are GET requests, rejected REST calls, invalid frames of the UI, and frames to it that the companion sent
by itself, such as forwarded typing, auto-replies and presence: these occur again when the scenario is played. Raw
and resent frames stay frames, because they did not change the chat state. Only the first ``MAX_ROWS`` rows are
converted.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec

from app.hub.origin import EFFECTS, REST, Origin
from app.hub.outgoing import wire_text
from app.hub.row import Kind, Row, Verdict
from app.hub.target import Target
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, decode, parse_json
from app.protocol.fixture import from_frame, with_fresh_values
from app.protocol.raw_frames import is_sent_only
from app.protocol.session import actions
from app.protocol.session.durations import MAX_SECONDS
from app.protocol.session.steps import Header, InvalidStep, Session, Step, step_from_json
from app.protocol.templates import escaped
from app.protocol.wire_names import WireNames, own_text

MAX_ROWS = 2_000
"""At most this many rows become a scenario."""
MAX_TITLE = 200
"""Maximum length of the title of a session, in characters."""
MIN_PAUSE_S = 0.05
"""A shorter pause is left out."""
MAX_TYPING_GAP_S = 0.5
"""A message that follows the end of its typing indicator within this time was typed."""
WITHIN_S = 5.0
"""The least time that an expectation gets. It gets twice the time that the UI took, if that is more."""
KEPT_FIELDS = ("to", "peer", "typing")
"""The fields of a frame of the UI that an expectation requires."""
_IDS = ("msg_id", "message_id", "id")


def scenario_from_rows(
    rows: Sequence[Row], catalog: Catalog, local_user: str, title: str = "", names: WireNames | None = None
) -> Session:
    """Return a scenario that causes again what the rows show. Rows that it cannot express are left out.

    ``names`` are those of the envelope's keys, if the UI has others than the companion.
    """
    rows = sorted(rows, key=lambda row: row.seq)[:MAX_ROWS]
    shared = _shared_ids(rows)
    steps = ((row.mono, _step(row, catalog, shared, local_user, names)) for row in rows)
    timed = [(time, step) for time, step in steps if step]
    return Session(Header(title=title[:MAX_TITLE]), tuple(_paused(_typed(timed))))


def _step(row: Row, catalog: Catalog, shared: set[str], local_user: str, names: WireNames | None) -> Step | None:
    step = _made(row, catalog, shared, local_user, names)
    if step is None or _can_be_read(step):
        return step
    if row.kind is not Kind.TO_UI:
        return None
    # a step with a frame sends it unchanged
    return Step(actions.SendFrame(frame=escaped(wire_text(row, names)), to=_target(row.client)))


def _can_be_read(step: Step) -> bool:
    """Return whether a scenario may contain a step: names of events and users in a log can be longer."""
    try:
        step_from_json(step.to_json())
    except InvalidStep:
        return False
    return True


def _made(row: Row, catalog: Catalog, shared: set[str], local_user: str, names: WireNames | None) -> Step | None:
    if row.kind is Kind.TO_UI:
        return _sent(row, catalog, shared, local_user, names)
    if row.kind is Kind.FROM_UI and row.verdict is not Verdict.INVALID:
        return _received(row)
    if row.kind is Kind.SERVER and row.event == "mark" and row.note:
        return Step(actions.Mark(mark=row.note[:200]))
    return None


def _sent(row: Row, catalog: Catalog, shared: set[str], local_user: str, names: WireNames | None) -> Step | None:
    if _is_effect(row):
        return None  # it occurs again when its cause does
    text = wire_text(row, names)
    fixture = from_frame(text, catalog, names, literal=True)
    to = _target(row.client)
    if fixture.raw or fixture.malformed or not isinstance(fixture.data, dict) or is_sent_only(row.event, row.note):
        return Step(actions.SendFrame(frame=escaped(text), to=to))
    data = decode(own_text(text, names)).data
    match row.event, data:
        case (("friend_online" | "friend_offline"), {"username": str(user)}) if len(data) == 1 and to == "all":
            presence: Literal["online", "offline"] = "online" if row.event == "friend_online" else "offline"
            return Step(actions.Presence(presence=presence, user=user))
        case "typing", {"username": str(user), "typing": bool(typing)} if len(data) == 2:
            return Step(actions.Typing(typing=typing, as_user=user, to=to))
    fresh = with_fresh_values(fixture, catalog).envelope().data
    known = {key: escaped(value) for key, value in data.items() if isinstance(value, str) and value in shared}
    if row.event == "new_message" and not known and _is_plain_message(data, catalog, local_user):
        return Step(actions.Say(say=escaped(data["text"]), as_user=str(data["from"]), to=to))
    return Step(actions.Fire(fire=row.event, data={**fresh, **known}, to=to))


def _is_effect(row: Row) -> bool:
    return Origin(row.origin).kind in EFFECTS


def _is_plain_message(data: dict[str, Any], catalog: Catalog, local_user: str) -> bool:
    """Return whether ``say`` sends such a message: only the sender, the text, the id and the time are its own."""
    known = catalog.get(Direction.TO_UI, "new_message")
    if known is None or not isinstance(data.get("text"), str) or not isinstance(data.get("from"), str):
        return False
    template = known.template if isinstance(known.template, dict) else {}
    usual = {**template, "to": local_user}
    varying = {"from", "text", "msg_id", "timestamp"}
    return data.keys() - varying == usual.keys() - varying and all(
        data[key] == usual[key] for key in data.keys() - varying
    )


def _received(row: Row) -> Step | None:
    if row.event.startswith("GET "):
        return None
    try:
        value = parse_json(row.payload.decode()) if row.payload else {}
    except (BadFrame, UnicodeDecodeError):
        return None
    data = value if row.origin == REST else value.get("data") if isinstance(value, dict) else None
    where = {key: data[key] for key in KEPT_FIELDS if key in data} if isinstance(data, dict) else {}
    return Step(actions.Expect(expect=row.event, sender=row.user or None, where=where))


def _target(text: str) -> str:
    try:
        return str(Target.parse(text)) if text else "all"
    except ValueError:
        return "all"


def _shared_ids(rows: Iterable[Row]) -> set[str]:
    """Return the ids that are kept, because frames of the scenario refer to each other with them, or to an effect.

    An effect counts only if no frame of the scenario contained the id before: otherwise the effect, for example
    the frame that faults delivered, gets its id from that frame.
    """
    found: Counter[str] = Counter()
    for row in rows:
        if row.kind is not Kind.TO_UI:
            continue
        try:
            value = parse_json(row.payload.decode())
        except (BadFrame, UnicodeDecodeError):
            continue
        data = value.get("data") if isinstance(value, dict) else None
        if isinstance(data, dict):
            ids = {data[key] for key in _IDS if isinstance(data.get(key), str)}
            found.update(ids - found.keys() if _is_effect(row) else ids)
    return {each for each, number in found.items() if number > 1}


def _typed(timed: list[tuple[float, Step]]) -> list[tuple[float, float, Step]]:
    """Return the steps with their start and end. Typing on, typing off and a message become one step."""
    found: list[tuple[float, float, Step]] = []
    at = 0
    while at < len(timed):
        start, step = timed[at]
        on, off, say = (each.action for _, each in (timed[at : at + 3] + [timed[at]] * 3)[:3])
        if (
            len(timed) >= at + 3
            and isinstance(on, actions.Typing) and on.typing
            and isinstance(off, actions.Typing) and not off.typing
            and isinstance(say, actions.Say)
            and on.as_user == off.as_user == say.as_user
            and on.to == off.to == say.to
            and timed[at + 2][0] - timed[at + 1][0] <= MAX_TYPING_GAP_S
            and (typing := _rounded(timed[at + 1][0] - start))
        ):  # fmt: skip
            found.append((start, timed[at + 2][0], Step(msgspec.structs.replace(say, typing=typing))))
            at += 3
            continue
        found.append((start, start, step))
        at += 1
    return found


def _paused(steps: list[tuple[float, float, Step]]) -> Iterable[Step]:
    """Yield the steps with the pauses between them. An expectation waits by itself, so it begins at once."""
    ended = steps[0][0] if steps else 0.0
    before: Step | None = None
    for start, end, step in steps:
        passed = start - ended
        action = step.action
        if isinstance(action, actions.Expect):
            ended = end
            if before is not None and before.action == action:
                continue  # the UI repeated itself
            before = step
            within = min(max(WITHIN_S, float(round(2 * passed + 0.5))), MAX_SECONDS)
            yield replace(step, action=msgspec.structs.replace(action, within=within))
            continue
        before, ended = step, end
        pause = _rounded(passed)
        yield replace(step, action=msgspec.structs.replace(action, after=pause)) if pause else step


def _rounded(seconds: float) -> float:
    """Return a duration with two significant digits: 0 if it is too short, and at most what a scenario allows."""
    if seconds < MIN_PAUSE_S:
        return 0.0
    return float(f"{seconds:.2g}") if seconds < 10 else float(min(round(seconds), MAX_SECONDS))
