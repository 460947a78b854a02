"""JSON types of the control API operations on recordings, and functions that convert recordings to responses.
A recording is a file with the traffic between UI and companion: of a run of the program, or one that a user began.
"""

from typing import Annotated

from msgspec import Meta, Struct

from app.endpoints.control.parts import ActiveRecording, RunRecording
from app.endpoints.control.shapes import Input
from app.protocol.session.run_names import ANY_RUN


class RecordingBody(Input):
    """What to record from now on."""

    name: Annotated[str, Meta(min_length=1, max_length=200, description="Name of the session")]
    filter: Annotated[str, Meta(max_length=2000, description="Record only the rows that match; empty: all")] = ""


class StopBody(Input):
    """Which recording to end."""

    name: Annotated[str, Meta(max_length=200, description="Empty: the one that was begun last")] = ""


class OpenBody(Input):
    """Which recording to open: this-run, this-run-earlier, run-before, run-before-earlier, or one of the user's."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]


class OpenFileBody(Input):
    """Which file to open."""

    file: Annotated[str, Meta(min_length=1, max_length=4096, description="Absolute path of a recording")]


class BundleQuery(Input):
    """What the bundle contains."""

    redact: Annotated[bool, Meta(description="Replace names and texts with pseudonyms")] = True


class ActiveInfo(Struct, kw_only=True):
    """A recording that is being made, or has just ended."""

    name: str
    lines: int
    size: Annotated[int, Meta(description="Bytes")]
    file: str
    error: str


class RunRecordingInfo(Struct, kw_only=True):
    """The recording of a run."""

    name: Annotated[str, Meta(description=ANY_RUN)]
    size: Annotated[int, Meta(description="Bytes")]
    complete: Annotated[bool, Meta(description="Whether the run has ended normally")]


class RecordingList(Struct, kw_only=True):
    """The recordings. ``error`` says why this run is not recorded, or is empty."""

    runs: list[RunRecordingInfo]
    active: list[ActiveInfo]
    error: str


def run_recording(found: RunRecording) -> RunRecordingInfo:
    """Convert the recording of a run to an answer."""
    return RunRecordingInfo(name=found.name, size=found.size, complete=found.complete)


def active(found: ActiveRecording) -> ActiveInfo:
    """Convert a recording of the user to an answer."""
    return ActiveInfo(
        name=found.name, lines=found.recorder.lines, size=found.file.size, file=str(found.file.file),
        error=found.file.error,
    )  # fmt: skip
