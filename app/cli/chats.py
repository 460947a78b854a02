"""``companion state personas`` and ``companion state messages``: change the simulated users and the messages.
Personas can be listed, added, changed, renamed and removed. Messages can be listed, marked as delivered, given
reactions and deleted; ``companion trigger`` sends new ones. A persona is a chat user that the companion simulates
and the developer plays. The commands call the control API, so a companion must be running.
"""

from typing import Annotated, Any

import typer

from app.cli.completion import message_ids, persona_names
from app.cli.options import DataDir, Json, as_json, print_result
from app.protocol.summary import summarize
from app.system.terminal import print_lines

personas = typer.Typer(help="List, add, change, rename and remove personas.", no_args_is_help=True)
messages = typer.Typer(help="List, mark, react to and delete messages.", no_args_is_help=True)

Persona = Annotated[str, typer.Argument(help="Name of the persona.", autocompletion=persona_names)]
Message = Annotated[str, typer.Argument(help="ID of the message (msg_id).", autocompletion=message_ids)]


@personas.command("list")
def list_personas(json: Json = False, data_dir: DataDir = None) -> None:
    """List the personas with their friendship, presence and behaviour."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/personas")
    if json:
        print_lines(as_json(found))
        return
    for each in found:
        print_lines(_line(each))


def _line(persona: dict[str, Any]) -> str:
    words = [
        "online" if persona["online"] else "offline",
        "peer" if persona.get("is_peer") else "",
        "" if persona["is_friend"] else "not a friend",
        "auto-reply" if persona["auto_reply"] else "",
        "stays online" if persona["stay_online"] else "",
        "your UI is typing" if persona.get("ui_typing") else "",
    ]
    return f"{summarize(persona['username']):<16}  {', '.join(word for word in words if word)}"


@personas.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the new persona.")],
    friend: Annotated[
        bool, typer.Option("--friend/--no-friend", help="Add it as a friend, or as a user that the UI can add.")
    ] = True,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Add a persona."""
    from app.cli.control import Control

    added = Control(data_dir).call("POST", "/v1/personas", {"username": name, "is_friend": friend})
    print_result(f"added {added['username']}", added, json)


@personas.command()
def change(
    name: Persona,
    friend: Annotated[
        bool | None, typer.Option("--friend/--no-friend", help="Start or end the friendship.", show_default=False)
    ] = None,
    online: Annotated[
        bool | None, typer.Option("--online/--offline", help="Set its presence.", show_default=False)
    ] = None,
    auto_reply: Annotated[
        bool | None,
        typer.Option(
            "--auto-reply/--no-auto-reply", help="Reply to your messages automatically.", show_default=False
        ),
    ] = None,
    stay_online: Annotated[
        bool | None,
        typer.Option(
            "--stay-online/--no-stay-online",
            help="Do not go offline after 5 minutes without activity.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Change the friendship, presence or behaviour of a persona."""
    given = {"is_friend": friend, "online": online, "auto_reply": auto_reply, "stay_online": stay_online}
    changes = {key: value for key, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("nothing to change: give --friend, --online, --auto-reply or --stay-online")
    from app.cli.control import Control, segment

    changed = Control(data_dir).call("PATCH", f"/v1/personas/{segment(name)}", changes)
    print_result(_line(changed), changed, json)


@personas.command()
def rename(
    name: Persona,
    new: Annotated[str, typer.Argument(help="New name of the persona.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Rename a persona and the sender of its messages."""
    from app.cli.control import Control, segment

    renamed = Control(data_dir).call("PATCH", f"/v1/personas/{segment(name)}", {"username": new})
    print_result(f"{name} is now {renamed['username']}", renamed, json)


@personas.command()
def remove(name: Persona, json: Json = False, data_dir: DataDir = None) -> None:
    """Remove a persona. Its messages are kept."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/personas/{segment(name)}")
    print_result(f"removed {name}", {"removed": name}, json)


@messages.command("list")
def list_messages(
    name: Persona,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Print at most this many messages.")] = 50,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the newest messages of a chat: ID, sender and text."""
    from app.cli.control import Control

    page = Control(data_dir).call("GET", "/v1/messages", peer=name, limit=limit)
    if json:
        print_lines(as_json(page["messages"]))
        return
    for each in page["messages"]:
        waiting = "" if each["delivered"] else "  (waiting)"
        reactions = "".join(reaction["emoji"] for reaction in each.get("reactions", []))
        shown = f"  {summarize(reactions)}" if reactions else ""
        print_lines(f"{each['msg_id']}  {summarize(each['from'])}: {summarize(each['text'])}{shown}{waiting}")


@messages.command()
def deliver(message: Message, json: Json = False, data_dir: DataDir = None) -> None:
    """Mark a waiting message as delivered."""
    from app.cli.control import Control, segment

    changed = Control(data_dir).call("PATCH", f"/v1/messages/{segment(message)}", {"delivered": True})
    print_result(f"{message} is delivered", changed, json)


@messages.command()
def react(
    message: Message,
    emoji: Annotated[str, typer.Argument(help="Emoji of the reaction.")] = "👍",
    by: Annotated[
        str,
        typer.Option("--as", metavar="NAME", help="The user who reacts.", autocompletion=persona_names),
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the reaction.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Add a reaction to a message, or remove it. Reload your UI to see the change."""
    if not by:
        raise typer.BadParameter("give the user who reacts, for example --as alice")
    from app.cli.control import Control, segment

    control, path = Control(data_dir), f"/v1/messages/{segment(message)}/reactions"
    if remove:
        changed = control.call("DELETE", path, emoji=emoji, by=by)
    else:
        changed = control.call("PUT", path, {"emoji": emoji, "by": by})
    print_result(f"{'removed' if remove else 'added'} {emoji} by {by}", changed, json)


@messages.command()
def delete(message: Message, json: Json = False, data_dir: DataDir = None) -> None:
    """Delete a message. Reload your UI to see the change."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/messages/{segment(message)}")
    print_result(f"deleted {message}", {"deleted": message}, json)
