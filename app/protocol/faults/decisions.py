"""Decide what faults do to a client's frame in one direction: drop, delay, repeat, reorder or change it, pause the
connection after it, or end the connection. Pure: ``interceptors.client_faults`` carries it out.

Whether a fault acts on a frame depends only on the seed, the fault, the earlier faults of its kind in the list, and
the number of frames that its filter has matched, also those that another fault drops. So a run can be repeated.
What a fault does also depends on the payload, which an earlier fault may have changed.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.protocol.counts import count
from app.protocol.faults.draws import draw
from app.protocol.faults.kinds import (
    MAX_DELAY_MS,
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

MAX_COPIES = 16
"""The most times that a frame is sent if several faults repeat it."""
_PRINTABLE = b"#$%&*+=?@^_~"
_NOT_UTF8 = 0xFF


class Reason(NamedTuple):
    """The kind of a fault that acts on a frame, and what it does in words."""

    kind: str
    text: str


class Decision(NamedTuple):
    """What happens to one frame. Without ``reasons``, it is unchanged."""

    payload: bytes
    reasons: tuple[Reason, ...] = ()
    lost: bool = False
    copies: int = 1
    delay_s: float = 0.0
    transmission_s: float = 0.0
    """How long it occupies the line. Later frames wait."""
    behind: int = 0
    """It is sent after this many later frames."""
    stall_s: float = 0.0
    """For how long nothing is sent after it."""
    end: Limit | None = None
    """How the connection ends after it."""

    def merged(self, other: "Decision") -> "Decision":
        """Return the decision that has the effects of both. ``other`` was made about this decision's payload."""
        return Decision(
            other.payload,
            self.reasons + other.reasons,
            self.lost or other.lost,
            min(self.copies * other.copies, MAX_COPIES),
            min(self.delay_s + other.delay_s, MAX_DELAY_MS / 1000),
            self.transmission_s + other.transmission_s,
            max(self.behind, other.behind),
            max(self.stall_s, other.stall_s),
            self.end or other.end,
        )


class FaultSequence:
    """The faults of one client in one direction, and how many frames each of them has seen."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self.seed = seed
        self._states = [_State(fault, name) for fault, name in zip(faults, _names(faults), strict=True)]

    def decide(self, payload: bytes, matches: Callable[[Fault], bool]) -> Decision:
        """Return the decision about the next frame. ``matches`` tells whether a fault's filter matches it."""
        decision = Decision(payload)
        for state in self._states:
            if matches(state.fault):
                state.number += 1
                decision = _act(decision, state, self.seed)
        return decision


class _State:
    """A fault with the number of the latest frame that it has seen, and whether it lost that frame."""

    def __init__(self, fault: Fault, name: str) -> None:
        self.fault = fault
        self.name = name
        self.number = 0
        self.lost = False

    def draw(self, seed: int, part: str = "") -> float:
        return draw(seed, self.name, self.number, part)


def _names(faults: Sequence[Fault]) -> list[str]:
    """Return the names under which faults draw: several of one kind draw different numbers."""
    seen: dict[str, int] = {}
    names = []
    for fault in faults:
        seen[fault.name] = seen.get(fault.name, 0) + 1
        names.append(fault.name if seen[fault.name] == 1 else f"{fault.name} {seen[fault.name]}")
    return names


def _act(so_far: Decision, state: _State, seed: int) -> Decision:
    """Add what one fault does to a decision."""
    text, effect = _effect(state.fault, state, so_far.payload, seed)
    if not text:
        return so_far
    reason = Reason(state.fault.name, f"{text} by {state.name} (seed {seed}, draw {state.number})")
    return so_far.merged(effect._replace(reasons=(reason,)))


def _effect(fault: Fault, state: _State, payload: bytes, seed: int) -> tuple[str, Decision]:
    """Return what a fault does to a frame, in words and as a decision; the words are empty if it does nothing."""
    unchanged = Decision(payload)
    match fault:
        case Loss():
            state.lost = state.draw(seed) < _loss_rate(fault, state.lost)
            return ("dropped", unchanged._replace(lost=True)) if state.lost else ("", unchanged)
        case Latency():
            ms = max(0.0, fault.ms + fault.jitter * (2 * state.draw(seed) - 1))
            return (f"delayed by {ms:.0f} ms", unchanged._replace(delay_s=ms / 1000)) if ms else ("", unchanged)
        case Bandwidth():
            seconds = len(payload) / (1000 * fault.rate)
            return f"slowed by {1000 * seconds:.0f} ms", unchanged._replace(transmission_s=seconds)
        case Stall() if state.number % fault.after == 0:
            return f"followed by a pause of {fault.duration:g} ms", unchanged._replace(
                stall_s=fault.duration / 1000
            )
        case Limit() if state.number % fault.frames == 0:
            how = f"close with {fault.code}" if fault.then == "close" else "reset"
            return f"followed by a {how}", unchanged._replace(end=fault)
        case Duplicate() | Reorder() | Truncate() | Corrupt() if state.draw(seed) < fault.rate:
            return _random_effect(fault, state, unchanged, seed)
    return "", unchanged


def _random_effect(
    fault: Duplicate | Reorder | Truncate | Corrupt, state: _State, unchanged: Decision, seed: int
) -> tuple[str, Decision]:
    payload, where = unchanged.payload, state.draw(seed, "where")
    match fault:
        case Duplicate():
            return "sent twice", unchanged._replace(copies=2)
        case Reorder():
            behind = 1 + int(where * fault.window)
            return f"sent {behind} later", unchanged._replace(behind=behind)
        case Truncate():
            cut = _truncated(payload, int(where * len(payload)) if fault.bytes is None else fault.bytes)
            return _with_payload(f"cut to {count(len(cut), 'byte')}", unchanged, cut)
        case Corrupt():
            changed = _corrupted(payload, where, state.draw(seed, "what"), fault.utf8)
            return _with_payload("corrupted", unchanged, changed)


def _with_payload(text: str, unchanged: Decision, payload: bytes) -> tuple[str, Decision]:
    """Return the effect of a fault that changes the payload; it has none if the payload is the same."""
    return text if payload != unchanged.payload else "", unchanged._replace(payload=payload)


def _loss_rate(fault: Loss, lost_before: bool) -> float:
    """Return the probability of the next loss: higher after a loss, and as high as ``rate`` in the long run."""
    rate, correlation = fault.rate, fault.correlation
    return rate + correlation * (1 - rate) if lost_before else rate * (1 - correlation)


def _truncated(payload: bytes, size: int) -> bytes:
    return payload[:size].decode("utf-8", "ignore").encode()


def _corrupted(payload: bytes, where: float, what: float, utf8: bool) -> bytes:
    if not payload:
        return payload
    at = int(where * len(payload))
    if not utf8:
        return payload[:at] + bytes([_NOT_UTF8]) + payload[at + 1 :]
    while at > 0 and payload[at] & 0xC0 == 0x80:  # the first byte of the character
        at -= 1
    end = at + 1
    while end < len(payload) and payload[end] & 0xC0 == 0x80:
        end += 1
    other = [each for each in _PRINTABLE if each != payload[at]]
    return payload[:at] + bytes([other[int(what * len(other))]]) + payload[end:]
