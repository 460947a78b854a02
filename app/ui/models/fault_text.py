"""Describe faults, their targets and what is armed in words, for the Faults room, the strip and messages.
A fault disturbs frames or REST calls on purpose; armed means switched on, and the strip at the window's top says
what is armed. Faults of frames are armed for a target, which is a set of clients, and faults of REST calls for a
route. ``explain`` returns sentences, such as "Drops 5 % of the frames."; ``armed_words`` returns the notation, such
as ``loss=0.05``.
"""

from collections.abc import Iterable

from app.companion import Companion
from app.hub.target import Target
from app.protocol.counts import count
from app.protocol.faults.kinds import (
    AnyFault,
    Bandwidth,
    Corrupt,
    Duplicate,
    Fault,
    Latency,
    Limit,
    Loss,
    Reorder,
    Stall,
    Truncate,
)
from app.protocol.faults.profiles import all_faults_text
from app.protocol.faults.rest import RestFault
from app.protocol.faults.words import faults_text

MAX_SUMMARY = 120
DIRECTION_TITLES = {"to_ui": "To UI ↓", "from_ui": "From UI ↑", "both": "Both"}


def one_line(text: str) -> str:
    """Return a text of a file or of a request with single spaces instead of line breaks and other white space."""
    return " ".join(text.split())


def target_title(to: Target) -> str:
    """Return a target in words: ``all clients``, ``clients of bob`` or ``client 2``."""
    if to.user is not None:
        title = f"clients of {to.user}"
    elif to.clients is None:
        title = "all clients"
    else:
        numbers = ", ".join(map(str, sorted(to.clients)))
        title = f"clients {numbers}" if len(to.clients) != 1 else f"client {numbers}"
    return title if to.excluded is None else f"{title} except {to.excluded}"


def armed_words(profile: str, faults: Iterable[Fault]) -> str:
    """Return what is armed for a target: the profile, if any, and the faults: ``wifi: loss=0.05``."""
    words = faults_text(faults)
    return f"{profile}: {words}" if profile else words


def armed_summary(companion: Companion) -> str:
    """Return a sentence about everything that is armed, or an empty text."""
    frames, calls = companion.faults.armed, companion.faults.rest.armed
    if not (frames or calls):
        return ""
    if len(frames) == 1:
        words = frames[0].profile or faults_text(frames[0].faults)
        text = f"Faults are armed for {target_title(frames[0].to)}: {words}"
    elif frames:
        text = f"Faults are armed for {len(frames)} targets"
    elif len(calls) == 1:
        text = f"Faults are armed for REST calls: {all_faults_text((), [calls[0].fault])}"
    else:
        text = f"Faults are armed for {len(calls)} REST routes"
    text = one_line(text)
    text = text if len(text) <= MAX_SUMMARY else text[: MAX_SUMMARY - 1].rstrip() + "…"
    routes = f", and for {count(len(calls), 'REST route')}" if frames and calls else ""
    return f"{text}{routes}."


def explain(faults: Iterable[AnyFault]) -> str:
    """Return what faults do in sentences, without their directions: ``Drops 5 % of the frames, in bursts.``"""
    faults = list(faults)
    texts = [f"{_effect(each)}." for each in faults]
    filters = [each.only for each in faults]
    if len(set(filters)) == 1:
        return " ".join([*texts, f"Only {filters[0]}."] if filters[0] else texts)
    return " ".join(f"{text} Only {only}." if only else text for text, only in zip(texts, filters, strict=True))


def _effect(fault: AnyFault) -> str:
    match fault:
        case Latency():
            jitter = f", plus or minus {_time(fault.jitter)}" if fault.jitter else ""
            return f"Delays each frame by {_time(fault.ms)}{jitter}"
        case Bandwidth():
            return f"Sends at most {fault.rate:,.15g} KB per second"
        case Loss():
            return f"Drops {_share(fault.rate)}{', in bursts' if fault.correlation else ''}"
        case Duplicate():
            return f"Sends {_share(fault.rate)} twice"
        case Reorder():
            return f"Sends {_share(fault.rate)} after up to {count(fault.window, 'later one')}"
        case Truncate():
            where = "at a random place" if fault.bytes is None else f"after {count(fault.bytes, 'byte')}"
            return f"Cuts {_share(fault.rate)} {where}"
        case Corrupt():
            what = "one character" if fault.utf8 else "one byte, which is not valid UTF-8 then,"
            return f"Replaces {what} in {_share(fault.rate)}"
        case Stall():
            return f"Pauses for {_time(fault.duration)} after every {_every(fault.after)}"
        case Limit():
            how = f"Closes the connection with {fault.code}" if fault.then == "close" else "Resets the connection"
            return f"{how} after every {_every(fault.frames)}"


def explain_rest(fault: RestFault) -> str:
    """Return what a fault of REST calls does in a sentence: ``Answers 10 % of the calls with status 503.``"""
    calls, them = ("each call", "it") if fault.rate == 1 else (f"{_percent(fault.rate)} of the calls", "them")
    parts = []
    if fault.delay or fault.jitter:
        jitter = f", plus or minus {_time(fault.jitter)}" if fault.jitter else ""
        parts.append(f"delays {calls} by {_time(fault.delay)}{jitter}")
        calls = them
    if fault.offline:
        parts.append(f"resets the connection of {calls}")
    elif fault.hang:
        parts.append(f"never answers {calls.replace('each', 'any')}")
    elif fault.status:
        parts.append(f"answers {calls} with status {fault.status} and does not handle {them}")
    elif fault.wrong_json:
        parts.append(f"cuts the JSON of the answer to {calls}")
    if fault.no_cors and not (fault.offline or fault.hang):
        parts.append(f"leaves out the CORS header of the answer to {calls}")
    often = f", {count(fault.count, 'time')} at most" if fault.count else ""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}{often}."


def _share(rate: float) -> str:
    return "every frame" if rate == 1 else f"{_percent(rate)} of the frames"


def _percent(rate: float) -> str:
    return f"{100 * rate:.10g} %"


def _every(number: int) -> str:
    return "frame" if number == 1 else f"{number:,} frames"


def _time(ms: float) -> str:
    return f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:g} s"
