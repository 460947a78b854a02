"""Complete names and IDs of the command line's arguments in the shell, with values from the running companion.
Kinds of faults and refusal modes always come from built-in lists. If the companion cannot be asked, event names,
lint rules and setting keys do too, and all others are empty.

Errors are not printed.
"""

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import typer

TIMEOUT_S = 2.0
"""Seconds to wait for the companion: the prompt is blocked meanwhile."""

Complete = Callable[[typer.Context, str], list[str]]


def get_or_none(context: typer.Context, path: str, **query: Any) -> Any:
    """Send a GET request to the running companion. Return the JSON of the response, or None if it fails."""
    from app.cli.control import Control

    folder = context.params.get("data_dir")  # a str: completion does not convert parameters
    try:
        with redirect_stderr(io.StringIO()):
            return Control(Path(folder) if folder else None).call("GET", path, timeout_s=TIMEOUT_S, **query)
    except typer.Exit:
        return None


def completion(path: str, values: Callable[[Any], list[str]], fallback: Callable[[], list[str]] = list) -> Complete:
    """Return a completion function: ``values`` of the response to a GET request, or ``fallback()`` if it fails."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        answer = get_or_none(context, path)
        found = fallback() if answer is None else values(answer)
        return [each for each in found if each.startswith(incomplete)]

    return complete


def _events(direction: str) -> Complete:
    def fallback() -> list[str]:
        from app.protocol.catalog import built_in
        from app.protocol.contract import Direction

        return built_in().names(Direction(direction))

    def names(events: Any) -> list[str]:
        return [each["name"] for each in events if each["direction"] == direction]

    return completion("/v1/events", names, fallback)


def _lint_rules() -> list[str]:
    from app.system.lint_rules import LINT_RULES

    return list(LINT_RULES)


events_to_ui = _events("s2c")
events_from_ui = _events("c2s")
run_names = completion("/v1/recordings", lambda answer: [each["name"] for each in answer["runs"]])
lint_rules = completion("/v1/contract/lint", lambda answer: [each["rule"] for each in answer["rules"]], _lint_rules)
session_names = completion("/v1/sessions", lambda answer: [each["name"] for each in answer["sessions"]])
fixture_names = completion("/v1/fixtures", lambda answer: [each["name"] for each in answer["fixtures"]])
pinned_names = completion(
    "/v1/fixtures", lambda answer: [each["name"] for each in answer["fixtures"] if each["pinned"]]
)
persona_names = completion("/v1/personas", lambda answer: [each["username"] for each in answer])
peer_names = completion("/v1/peers", lambda answer: [each["username"] for each in answer["peers"]])
client_ids = completion("/v1/clients", lambda answer: [str(each["id"]) for each in answer])
breakpoint_ids = completion("/v1/breakpoints", lambda answer: [*(str(each["id"]) for each in answer), "all"])
held_ids = completion("/v1/breakpoints/held", lambda answer: [*(str(each["id"]) for each in answer), "all"])
filter_names = completion("/v1/filters", lambda answer: [each["name"] for each in answer])
source_names = completion("/v1/sources", lambda answer: [each["name"] for each in answer])
profile_names = completion("/v1/faults/profiles", lambda answer: [each["name"] for each in answer["profiles"]])
filter_references = completion(
    "/v1/filters", lambda answer: [f"@{each['name']}" for each in answer if " " not in each["name"]]
)
refused_origins = completion(
    "/v1/origins",
    lambda answer: list(dict.fromkeys(each["origin"] for each in answer["refused"] if each["origin"])),
)
allowed_origins = completion("/v1/origins", lambda answer: answer["allowed"])


def refusal_modes(incomplete: str) -> list[str]:
    """Return the modes in which the event server can refuse connections."""
    from app.protocol.refusals import COMPLETIONS

    return [each for each in COMPLETIONS if each.startswith(incomplete)]


def setting_keys() -> list[str]:
    """Return the keys of all settings of this version."""
    from app.system.settings import Settings

    return list(Settings.__struct_fields__)


settings = completion("/v1/settings", lambda answer: list(answer["values"]), setting_keys)


def message_ids(context: typer.Context, incomplete: str) -> list[str]:
    """Return the IDs of the newest messages of each chat."""
    found: list[str] = []
    for each in get_or_none(context, "/v1/personas") or []:
        page = get_or_none(context, "/v1/messages", peer=each["username"], limit=20)
        found += [message["msg_id"] for message in reversed(page["messages"] if page else [])]
    return [each for each in found if each.startswith(incomplete)]


def fault_words(context: typer.Context, incomplete: str) -> list[str]:
    """Return the kinds of faults, each with ``=`` for its value, which is optional for some."""
    from app.protocol.faults.kinds import KIND_BY_NAME

    return [name for each in KIND_BY_NAME if (name := f"{each}=").startswith(incomplete)]
