"""Get, set and remove values in JSON by path, for example ``data.text`` or ``data.reactions[0].emoji``."""

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
    """A path that is invalid or does not exist in the value. The text is shown to users."""


def apply_changes(value: Any, to: Mapping[str, Any], without: Sequence[str] = ()) -> Any:
    """Return a copy of ``value`` with the paths ``to`` set, then the paths ``without`` removed.

    Missing objects and lists on the way to a path that is set are created. Raises ``BadPath``.
    """
    result = deepcopy(value)
    for path, new in to.items():
        container, last = _container(result, path, make=True)
        _create(container, last, None)
        container[_existing_step(container, last, path, new=True)] = deepcopy(new)
    for path in without:
        container, last = _container(result, path)
        del container[_existing_step(container, last, path, new=False)]
    return result


def absolute_path(path: str) -> str:
    """Return ``path`` with the prefix ``data.``, unless it starts with ``event`` or ``data`` already."""
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    return path if first in ("event", "data") else f"data.{path}"


def check_path(path: str) -> None:
    """Raise ``BadPath`` if a path is syntactically invalid or too deep."""
    _steps(absolute_path(path))


def value_at(value: Any, path: str) -> Any:
    """Return the value at ``path``. Raises ``BadPath`` if there is none."""
    container, last = _container(value, path)
    return container[_existing_step(container, last, path, new=False)]


def _steps(path: str) -> list[Step]:
    if not _PATH.fullmatch(path):
        raise BadPath(f"invalid path {path[:80]!r}; write it like data.text or data.reactions[0].emoji")
    steps = _STEP.findall(path)
    if len(steps) > MAX_DEPTH:
        raise BadPath(f"{path[:40]}… is deeper than {MAX_DEPTH} levels")
    return [int(step[1:-1]) if step.startswith("[") else step for step in steps]


def _container(value: Any, path: str, *, make: bool = False) -> tuple[Any, Step]:
    """Return the object or list that contains the last step of a path, and that step.

    ``make`` creates missing objects and lists on the way.
    """
    steps = _steps(path)
    for step, following in pairwise(steps):
        if make:
            _create(value, step, [] if isinstance(following, int) else {})
        value = value[_existing_step(value, step, path, new=False)]
    return value, steps[-1]


def _create(container: Any, step: Step, new: Any) -> None:
    if isinstance(container, dict) and isinstance(step, str):
        container.setdefault(step, new)
    elif isinstance(container, list) and step == len(container):
        container.append(new)


def _existing_step(container: Any, step: Step, path: str, *, new: bool) -> Any:
    """Return ``step`` if it exists in the container; ``new`` also allows a new key. Raises ``BadPath``."""
    if isinstance(container, dict) and isinstance(step, str) and (new or step in container):
        return step
    if isinstance(container, list) and isinstance(step, int) and step < len(container):
        return step
    name = f"[{step}]" if isinstance(step, int) else step
    raise BadPath(f"{path}: there is no {name}")
