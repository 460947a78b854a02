"""Test the connection to the Supabase project without changing anything there; return in words what was found.
Other functions return a sentence about a problem of the settings, the clocks, an old schema, or personas with the
name of a registered user.
"""

from collections.abc import Sequence

from app.hub.switchable import ConnectionResult
from app.protocol.directory.errors import DirectoryError
from app.sources.supabase.client import DirectoryClient
from app.sources.supabase.contracts import Options
from app.sources.supabase.registration import LOCAL_NAME, OTHER_NAME, Registration, name_taken
from app.sources.supabase.schema_probe import Schema, probe
from app.supabase_project import key_problem, url_problem

MAX_SKEW_S = 300.0
"""If the clocks differ by more, peers seem to be offline, and their messages seem to be replays."""


def settings_problem(options: Options) -> str:
    """Return a sentence about what is missing or wrong in the settings, or an empty text."""
    if not options.url:
        return "The address of the project is missing: enter it in Settings (supabase_url)."
    if wrong := url_problem(options.url):
        return f"The address of the project {wrong}."
    if wrong := key_problem(options.key):
        return f"The API key {wrong}."
    return ""


def skew_warning(skew_s: float) -> str:
    """Return a sentence if the clocks of this computer and the project differ too much, or an empty text."""
    if abs(skew_s) <= MAX_SKEW_S:
        return ""
    side = "behind" if skew_s > 0 else "ahead of"
    return (
        f"This computer's clock is {abs(skew_s) / 60:.0f} minutes {side} the project's. "
        "Correct it, because messages would look like replays."
    )


def schema_warning(schema: Schema) -> str:
    """Return a sentence if the schema is an old one, or an empty text."""
    if schema.signing_keys:
        return ""
    return "The project has the older schema, without signing keys: signatures of new peers cannot be verified."


async def run_test(
    client: DirectoryClient, options: Options, personas: Sequence[str], node_id: str
) -> ConnectionResult:
    """Look for both tables, for the user's own name, and for users with the name of a persona.

    ``node_id`` is that of the user's keys, empty if there are none yet.
    """
    try:
        schema = await probe(client, read_marks=options.sync_read_marks)
        registration = Registration(client, schema)
        own = await registration.look_up(options.username)
        under_other_name = own is None and node_id != "" and await registration.has_row(node_id)
        conflicts = sorted(each.username for each in await registration.look_up_all(personas))
    except DirectoryError as error:
        return ConnectionResult(False, str(error))
    if warning := skew_warning(client.skew_s):
        return ConnectionResult(False, warning)
    if options.username == LOCAL_NAME:
        return ConnectionResult(
            False, f"The project answers, but the user name {LOCAL_NAME} cannot be registered. Choose your own."
        )
    if options.username in personas:
        return ConnectionResult(
            False,
            f"The project answers, but the user name {options.username} cannot be registered, because it is a "
            "persona in Chats. Rename the persona.",
        )
    if own and own.node_id != node_id:
        return ConnectionResult(False, name_taken(own))
    if under_other_name:
        return ConnectionResult(False, OTHER_NAME)
    registered = "is registered" if own else "is not registered yet"
    latency = f" in {client.latency_s * 1000:.0f} ms" if client.latency_s is not None else ""
    found = f"The project answers{latency}: {schema.text}; {options.username} {registered}."
    return ConnectionResult(True, f"{found} {conflict_warning(conflicts)}" if conflicts else found)


def conflict_warning(names: Sequence[str]) -> str:
    """Return a sentence about personas that have the name of a registered user."""
    several = len(names) > 1
    listed = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    are, personas = ("are", "personas") if several else ("is", "a persona")
    return (
        f"{listed} {are} registered in the directory, but {personas} here: "
        "rename or remove them in Chats to chat with these users."
    )
