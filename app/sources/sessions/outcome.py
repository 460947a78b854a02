"""The result of one step of a session: how many events it fired, whether an expectation was met. Also the exception
for a step that cannot be played, and a wait for a client, which returns such a result.
"""

from typing import NamedTuple

from app.hub.target import ALL, Target
from app.sources.sessions.track import Track


class CannotPlay(Exception):
    """A step, or the whole session, cannot be played. The text is shown to users."""


class Outcome(NamedTuple):
    """What a step did: the number of events that it fired, and for an expectation, whether it was met."""

    events: int = 0
    met: bool | None = None
    detail: str = ""


async def wait_for_client(to: Target, within_s: float, track: Track) -> Outcome:
    """Wait until a client is ready. The outcome is that of an expectation."""
    ready = await track.stage.wait_for_ready_client(to, within_s)
    track.timeline.resynchronize()
    if ready:
        return Outcome(met=True)
    whose = "" if to == ALL else f" for {to}"
    detail = f"no client{whose} was ready within {within_s:g} s"
    refused = "" if to.select(track.stage.hub.clients) else track.stage.refused_page(within_s)
    return Outcome(met=False, detail=f"{detail}. {refused}" if refused else detail)
