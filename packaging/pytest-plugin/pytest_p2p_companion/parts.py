"""The attributes ``faults``, ``state`` and ``ui_state`` of ``Companion``, each with calls of the control API.
For example, they arm faults, save or load the chat state, and compare what the UI reports with what it should show.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pytest_p2p_companion.control import Control
from pytest_p2p_companion.errors import NotMetError
from pytest_p2p_companion.journal_text import printable

__tracebackhide__ = True  # the report of a failed test shows the line of the test, not those of this module

WITHIN_S = 5.0
Json = Mapping[str, Any]


class Faults:
    """Faults that disrupt frames and REST calls on purpose."""

    def __init__(self, control: Control) -> None:
        self._call = control.call

    def arm(self, what: str | Sequence[Json], *, to: str = "all", seed: int | None = None) -> Any:
        """Arm a profile by its name, or faults, for a target. They replace what was armed for it."""
        named = {"profile": what} if isinstance(what, str) else {"faults": list(what)}
        return self._call("PUT", "/v1/faults", {**named, "to": to, "seed": seed})

    def rest(self, route: str, *, seed: int | None = None, **fault: Any) -> Any:
        """Arm a fault of a REST route, such as ``rest("POST /messages", status=503)``."""
        return self._call("PUT", "/v1/faults/rest", {"fault": {"route": route, **fault}, "seed": seed})

    def list(self) -> Any:
        """Return the armed faults, with counts of what they have done."""
        return self._call("GET", "/v1/faults")

    def clear(self, *, to: str | None = None, route: str | None = None) -> None:
        """Clear everything, or only what is armed for a target or a REST route."""
        self._call("DELETE", "/v1/faults", query={"to": to, "route": route})


class ChatState:
    """The chat state: friends, messages and read marks."""

    def __init__(self, control: Control) -> None:
        self._call = control.call

    def save(self) -> dict[str, Any]:
        """Return the whole state, for ``load``."""
        return cast(dict[str, Any], self._call("GET", "/v1/state"))

    def load(self, state: Json) -> None:
        """Replace the whole state. After an error, nothing has changed."""
        self._call("PUT", "/v1/state", dict(state))

    def reset(self) -> None:
        """Return to the friends and messages of the first start."""
        self._call("POST", "/v1/state/reset")


class UiState:
    """What the stores of the UI must contain, and what the UI reported.

    ``options``: ``client`` (number of the client; default: the only one), ``flavour`` (``guide`` or ``shipped``)
    and the other parameters of the operation of the control API.
    """

    def __init__(self, control: Control) -> None:
        self._call = control.call

    def expected(self, **options: Any) -> dict[str, Any]:
        """Return what the stores must contain now, or with ``after`` just after a row of the log."""
        return cast(dict[str, Any], self._call("GET", "/v1/ui-state", query=options))

    def compare(self, state: Json | None = None, **options: Any) -> dict[str, Any]:
        """Compare a state of the stores with the expected one. Without a state: what the UI reported last."""
        body = {**options, **({} if state is None else {"state": dict(state)})}
        return cast(dict[str, Any], self._call("POST", "/v1/ui-state/compare", body, waits=WITHIN_S))

    def expect(self, *conditions: str, within: float = WITHIN_S, **options: Any) -> dict[str, Any]:
        """Wait until the reported state meets conditions (``chat.activeChat=alice``). Raises ``NotMetError``."""
        body = {**options, "conditions": list(conditions), "within": within}
        result = cast(dict[str, Any], self._call("POST", "/v1/ui-state/expect", body, waits=within))
        if result["met"]:
            return result
        if result["client"] is None:
            why = result.get("why_no_client") or "No client is connected."
        elif result["has_reported"]:
            why = "\n".join(_difference(each) for each in result["differences"])
        else:
            why = "The UI has not reported its state."
        raise NotMetError(f"The UI's state is not as expected within {within:g} s.\n{why}", result)


def _difference(each: Json) -> str:
    expected, reported = (json.dumps(each[key], ensure_ascii=False) for key in ("expected", "reported"))
    return printable(f"{each['path']}: expected {expected}, the UI has {reported}")
