"""Changing one value inside an event by its path: ``data.text``, ``data.reactions[0].emoji``."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any

from app.protocol.envelope import MAX_DEPTH

_PATH = re.compile(r"[^.\[\]]+(?:\[\d{1,4}\])*(?:\.[^.\[\]]+(?:\[\d{1,4}\])*)*")
_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")

Step = str | int


class BadPath(ValueError):
    """A path that leads nowhere; the text says where it ends."""


def apply_changes(value: Any, to: Mapping[str, Any], without: Sequence[str] = ()) -> Any:
    """Return a copy of ``value`` with some paths set and others removed. Raises ``BadPath``."""
    result = deepcopy(value)
    for path, new in to.items():
        place, last = _place(result, path, make=True)
        _make_room(place, last, None)
        place[_checked(place, last, path, new=True)] = deepcopy(new)
    for path in without:
        place, last = _place(result, path)
        del place[_checked(place, last, path, new=False)]
    return result


def absolute_path(path: str) -> str:
    """Return a path into an envelope; one that names neither ``event`` nor ``data`` means a field of the data."""
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    return path if first in ("event", "data") else f"data.{path}"


def check_path(path: str) -> None:
    """Raise ``BadPath`` for what can lead nowhere, whatever the value."""
    _steps(absolute_path(path))


def value_at(value: Any, path: str) -> Any:
    """Return what ``path`` leads to. Raises ``BadPath`` where there is nothing."""
    place, last = _place(value, path)
    return place[_checked(place, last, path, new=False)]


def _steps(path: str) -> list[Step]:
    if not _PATH.fullmatch(path):
        raise BadPath(f"{path[:80]!r} is no path; write it like data.text or data.reactions[0].emoji")
    steps = _STEP.findall(path)
    if len(steps) > MAX_DEPTH:
        raise BadPath(f"{path[:40]}… is deeper than {MAX_DEPTH} levels")
    return [int(step[1:-1]) if step.startswith("[") else step for step in steps]


def _place(value: Any, path: str, *, make: bool = False) -> tuple[Any, Step]:
    """Return the object or list that holds the path's last step; ``make`` makes what lacks on the way."""
    steps = _steps(path)
    for step, following in pairwise(steps):
        if make:
            _make_room(value, step, [] if isinstance(following, int) else {})
        value = value[_checked(value, step, path, new=False)]
    return value, steps[-1]


def _make_room(place: Any, step: Step, new: Any) -> None:
    if isinstance(place, dict) and isinstance(step, str):
        place.setdefault(step, new)
    elif isinstance(place, list) and step == len(place):
        place.append(new)


def _checked(place: Any, step: Step, path: str, *, new: bool) -> Any:
    if isinstance(place, dict) and isinstance(step, str) and (new or step in place):
        return step
    if isinstance(place, list) and isinstance(step, int) and step < len(place):
        return step
    what = f"[{step}]" if isinstance(step, int) else step
    raise BadPath(f"{path}: there is no {what}")
