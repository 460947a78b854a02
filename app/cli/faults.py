"""``companion faults``: arm faults, which disturb frames or REST calls on purpose, list them and clear them.
For example, a fault delays or drops frames, closes connections, or lets REST calls fail. The commands also manage
profiles (saved sets of faults). They call the control API of the running companion, which carries the faults out.
"""

from typing import Annotated, Any

import typer

from app.cli.completion import fault_words, profile_names
from app.cli.options import DataDir, Json, as_json, input_text, not_empty, print_result
from app.protocol.summary import summarize
from app.system.exit_codes import Exit
from app.system.terminal import print_lines, say

app = typer.Typer(
    help="Disrupt the frames between the companion and its clients, and REST calls, in a way that can be repeated.",
    no_args_is_help=True,
)
profiles = typer.Typer(help="List, save, rename and delete profiles of faults.", no_args_is_help=True)
app.add_typer(profiles, name="profiles", short_help="List, save, rename and delete profiles.")

Seed = Annotated[
    int | None, typer.Option("--seed", min=0, help="Decides which frames are affected.", show_default="chosen")
]
Name = Annotated[str, typer.Argument(help="Name of the profile.", autocompletion=profile_names)]


@app.command("set")
def set_(
    to: Annotated[str, typer.Argument(metavar="TARGET", help="all, user:NAME or client:NUMBER.")],
    faults: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FAULT]...", help="For example loss=0.5 latency=200~50.", autocompletion=fault_words
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", help="Use a profile instead of faults.", autocompletion=profile_names),
    ] = None,
    direction: Annotated[str, typer.Option("--direction", help="to_ui, from_ui or both.")] = "to_ui",
    only: Annotated[
        str,
        typer.Option(
            "--only",
            metavar="FILTER",
            callback=not_empty,
            help="Act only on these frames, for example event:typing.",
        ),
    ] = "",
    seed: Seed = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Arm faults for clients, instead of those that are armed for this target.

    Faults: latency=MS~JITTER, bandwidth=KB/S, loss=RATE[,correlation=C], duplicate[=RATE], reorder[=WINDOW],
    truncate, corrupt[=RATE,utf8=false], stall=FRAMES,for=MS, limit=FRAMES[,then=reset].
    """
    from app.cli.control import Control

    if not faults and (only or direction != "to_ui"):
        raise typer.BadParameter("--direction and --only need a FAULT: those of a profile have their own")
    has_options = bool(profile or only or direction != "to_ui" or seed is not None)
    _check_target(to, faults or [], profile, has_options=has_options)
    body: dict[str, Any] = {"to": to}
    if profile:
        body["profile"] = profile
    if faults:
        body["faults"] = [_parsed(each, direction, only) for each in faults]
    if seed is not None:
        body["seed"] = seed
    control = Control(data_dir)
    _print_state(control.call("PUT", "/v1/faults", body), json)
    if profile and to != "all" and (routes := _routes(profile, control.call("GET", "/v1/faults/profiles"))):
        say(
            f"Faults of REST calls act on the calls of all clients, not only of {to}. Clear each by its route:",
            *(f'  companion faults clear "{each}"' for each in routes),
        )


@app.command()
def rest(
    route: Annotated[str, typer.Argument(help='For example "POST /messages"; * stands for any method or text.')],
    effects: Annotated[
        list[str],
        typer.Argument(
            metavar="EFFECT...",
            help="status=503, delay=300, jitter=100, offline, hang, wrong-json, no-cors; rate=0.5 and count=3.",
        ),
    ],
    seed: Seed = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Let REST calls of a route fail, or delay them."""
    import msgspec

    from app.cli.control import Control, fail, note_without_rest
    from app.protocol.faults.rest import parse_rest_fault, why_no_calls
    from app.protocol.faults.words import InvalidFault

    if effects[0].startswith("/"):
        quoted = f'"{route} {effects[0]}"'
        fail(f"The route is one argument. Put it in quotes: companion faults rest {quoted} …", Exit.USAGE)
    try:
        fault = parse_rest_fault(route, effects)
    except InvalidFault as error:
        fail(str(error), Exit.USAGE)
    body: dict[str, Any] = {"fault": msgspec.to_builtins(fault)}
    if seed is not None:
        body["seed"] = seed
    control = Control(data_dir)
    _print_state(control.call("PUT", "/v1/faults/rest", body), json)
    if why := why_no_calls(fault):
        say(f"{why}.")
    note_without_rest(control)


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List the faults that are armed, and what they have done."""
    from app.cli.control import Control

    _print_state(Control(data_dir).call("GET", "/v1/faults"), json)


@app.command()
def clear(
    to: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help="all, user:NAME, client:NUMBER or a route.")
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Clear the faults of a target or of a REST route; without either, all. Frames that wait are sent at once."""
    from app.cli.control import Control
    from app.protocol.faults.rest import METHODS
    from app.protocol.rest_calls import with_upper_method

    if to is not None and not to.strip():
        raise typer.BadParameter("the target is empty. Leave it out to clear all faults")
    method = with_upper_method(to or "").partition(" ")[0]  # names of users may contain spaces
    is_route = method in METHODS
    wanted: dict[str, Any] = {"route" if is_route else "to": to}
    control = Control(data_dir)
    found = control.call("DELETE", "/v1/faults", **wanted)
    print_result(f"cleared {found['cleared']}", found, json)
    if to and not is_route and control.call("GET", "/v1/faults")["rest"]:
        say("Faults of REST calls stay armed. To clear all faults: companion faults clear")


@profiles.command("list")
def list_profiles(json: Json = False, data_dir: DataDir = None) -> None:
    """List the profiles: name, title and faults."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/faults/profiles")
    if json:
        print_lines(as_json(found))
        return
    width = max((len(each["name"]) for each in found["profiles"]), default=0)
    for each in found["profiles"]:
        print_lines(f"{each['name']:<{width}}  {summarize(each['title'])}: {_words(each['profile'])}")
    say(*found["warnings"])


@profiles.command("save")
def save_profile(
    name: Annotated[str, typer.Argument(help="Name of the profile.")],
    file: Annotated[str, typer.Argument(help="The profile as JSON; - reads standard input.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Save a profile. A profile with the same name is replaced."""
    import msgspec

    from app.cli.control import Control, fail, segment
    from app.protocol.faults.profiles import MAX_PROFILE_BYTES, parse_profile
    from app.protocol.faults.words import InvalidFault

    text = input_text(file, MAX_PROFILE_BYTES)
    try:
        profile = parse_profile(text)
    except InvalidFault as error:
        fail(f"Not a valid profile: {error}.", Exit.USAGE)
    body = msgspec.to_builtins(profile)
    saved = Control(data_dir).call("PUT", f"/v1/faults/profiles/{segment(name)}", body)
    print_result(f"saved {saved['name']}", saved, json)


@profiles.command("rename")
def rename_profile(
    name: Name,
    new: Annotated[str, typer.Argument(help="New name of the profile.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Rename a profile of your own."""
    from app.cli.control import Control, segment

    found = Control(data_dir).call("PATCH", f"/v1/faults/profiles/{segment(name)}", {"name": new})
    print_result(f"{name} is now {found['name']}", found, json)


@profiles.command("delete")
def delete_profile(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Delete a profile of your own."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/faults/profiles/{segment(name)}")
    print_result(f"deleted {name}", {"deleted": name}, json)


def _check_target(to: str, faults: list[str], profile: str | None, *, has_options: bool) -> None:
    """End the command if a fault or a profile stands where the target must be, or if there is neither."""
    from app.cli.control import fail

    command = "companion faults set"
    if _is_fault(to):
        words = "TARGET FAULT..." if has_options else _target_first([to, *faults]) or "TARGET FAULT..."
        fail(f"{to[:80]!r} is a fault, not a target. Write the target first: {command} {words}", Exit.USAGE)
    if faults or profile:
        return
    if "=" in to or _is_target(to):
        fail(f"Add a target and faults, as in {command} all loss=0.5, or a target and --profile NAME.", Exit.USAGE)
    use = f"Use all, user:NAME or client:NUMBER. For a profile: {command} all --profile {_quoted(to)}"
    fail(f"{to[:80]!r} is not a target. {use}", Exit.USAGE)


def _target_first(words: list[str]) -> str:
    """Return the words with the target moved to the front; empty if there is none, or a fault is not valid."""
    from app.protocol.faults.words import InvalidFault, parse_fault

    targets = [each for each in words if _is_target(each)]
    faults = [each for each in words if not _is_target(each)]
    try:
        for each in faults:
            parse_fault(each)
    except InvalidFault:
        return ""
    return " ".join([_quoted(targets[0]), *faults]) if len(targets) == 1 else ""


def _is_fault(word: str) -> bool:
    """Return whether a word begins with the name of a kind of fault."""
    from app.protocol.faults.kinds import KIND_BY_NAME

    return word.partition(",")[0].partition("=")[0] in KIND_BY_NAME


def _is_target(word: str) -> bool:
    return word == "all" or word.startswith(("user:", "client:"))


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _parsed(word: str, direction: str, only: str) -> dict[str, Any]:
    import msgspec

    from app.cli.control import fail
    from app.protocol.faults.kinds import DIRECTIONS
    from app.protocol.faults.words import InvalidFault, parse_fault

    if direction not in DIRECTIONS:
        fail(f"The direction {direction[:40]!r} is unknown. Use {', '.join(DIRECTIONS)}.", Exit.USAGE)
    try:
        found: dict[str, Any] = msgspec.to_builtins(parse_fault(word, direction, only))  # type: ignore[arg-type]
    except InvalidFault as error:
        profile = "" if "=" in word or _is_fault(word) else f" For a profile, use --profile {_quoted(word)}."
        fail(f"{error}{profile}", Exit.USAGE)
    return found


def _routes(profile: str, saved: dict[str, Any]) -> list[str]:
    """Return the REST routes of a saved profile. ``profile`` is its name, or the last part of it."""
    wanted = profile.strip().casefold()
    names = {each["name"].casefold(): each["profile"].get("rest", []) for each in saved["profiles"]}
    last_parts = {name.rpartition("/")[2]: rest for name, rest in names.items()}
    return [each["route"] for each in names.get(wanted, last_parts.get(wanted, []))]


def _words(armed: dict[str, Any]) -> str:
    """Return the faults of a profile or of a target as words."""
    import msgspec

    from app.protocol.faults.profiles import all_faults_text
    from app.protocol.faults.rest import RestFault
    from app.protocol.faults.words import faults_from_json

    calls = msgspec.convert(armed.get("rest", []), list[RestFault])
    return all_faults_text(faults_from_json(armed.get("faults", [])), calls)


def _print_state(state: dict[str, Any], json: bool) -> None:
    if json:
        print_lines(as_json(state))
        return
    for each in state["frames"]:
        acted = ", ".join(f"{kind} {number:,}" for kind, number in each["acted"].items()) or "no effect yet"
        name = f"{each['profile']}: " if each["profile"] else ""
        print_lines(
            f"{each['to']}  {name}{_words(each)}; seed {each['seed']}",
            f"  clients: {', '.join(map(str, each['clients'])) or 'none'} · frames: {each['seen']:,} · {acted}",
        )
    for each in state["rest"]:
        words = _words({"rest": [each["fault"]]})
        print_lines(f"{words}; seed {each['seed']}", f"  calls: {each['seen']:,} · affected: {each['acted']:,}")
    if not (state["frames"] or state["rest"]):
        print_lines("no faults")
