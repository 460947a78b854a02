"""``companion state personas`` and ``companion state messages``: what *Chats* can do in the window."""

from typing import Annotated, Any

import typer

from app.cli.completion import message_ids, persona_names
from app.cli.options import DataDir, Json, as_json, done
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
        "" if persona["is_friend"] else "not a friend",
        "auto-reply" if persona["auto_reply"] else "",
        "stays online" if persona["stay_online"] else "",
    ]
    return f"{summarize(persona['username']):<16}  {', '.join(word for word in words if word)}"


@personas.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the new persona.")],
    friend: Annotated[
        bool, typer.Option("--friend/--no-friend", help="Add it as a friend, or only for the UI to add it.")
    ] = True,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Add a persona."""
    from app.cli.control import Control

    added = Control(data_dir).call("POST", "/v1/personas", {"username": name, "is_friend": friend})
    done(f"added {added['username']}", added, json)


@personas.command()
def change(
    name: Persona,
    friend: Annotated[
        bool | None, typer.Option("--friend/--no-friend", help="Make or end the friendship.", show_default=False)
    ] = None,
    online: Annotated[
        bool | None, typer.Option("--online/--offline", help="Switch it online or offline.", show_default=False)
    ] = None,
    auto_reply: Annotated[
        bool | None,
        typer.Option("--auto-reply/--no-auto-reply", help="Answer your messages by itself.", show_default=False),
    ] = None,
    stay_online: Annotated[
        bool | None,
        typer.Option(
            "--stay-online/--no-stay-online", help="Do not go offline after 5 minutes.", show_default=False
        ),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Change the friendship, presence or behaviour of a persona."""
    given = {"is_friend": friend, "online": online, "auto_reply": auto_reply, "stay_online": stay_online}
    changes = {key: value for key, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("say what to change: --friend, --online, --auto-reply or --stay-online")
    from app.cli.control import Control, segment

    changed = Control(data_dir).call("PATCH", f"/v1/personas/{segment(name)}", changes)
    done(_line(changed), changed, json)


@personas.command()
def rename(
    name: Persona,
    new: Annotated[str, typer.Argument(help="New name.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Rename a persona, in its messages too."""
    from app.cli.control import Control, segment

    renamed = Control(data_dir).call("PATCH", f"/v1/personas/{segment(name)}", {"username": new})
    done(f"{name} is now {renamed['username']}", renamed, json)


@personas.command()
def remove(name: Persona, json: Json = False, data_dir: DataDir = None) -> None:
    """Remove a persona; its messages stay."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/personas/{segment(name)}")
    done(f"removed {name}", {"removed": name}, json)


@messages.command("list")
def list_messages(
    name: Persona,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 50,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the newest messages of a chat: ID, sender, text."""
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
    done(f"{message} is delivered", changed, json)


@messages.command()
def react(
    message: Message,
    emoji: Annotated[str, typer.Argument(help="The reaction.")] = "👍",
    by: Annotated[
        str,
        typer.Option("--as", metavar="NAME", help="The user who reacts.", autocompletion=persona_names),
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the reaction.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Add a reaction to a message, or remove it. Your UI shows it after a reload."""
    if not by:
        raise typer.BadParameter("say who reacts: --as alice")
    from app.cli.control import Control, segment

    control, path = Control(data_dir), f"/v1/messages/{segment(message)}/reactions"
    if remove:
        changed = control.call("DELETE", path, emoji=emoji, by=by)
    else:
        changed = control.call("PUT", path, {"emoji": emoji, "by": by})
    done(f"{'removed' if remove else 'added'} {emoji} by {by}", changed, json)


@messages.command()
def delete(message: Message, json: Json = False, data_dir: DataDir = None) -> None:
    """Delete a message. Your UI shows it until a reload."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/messages/{segment(message)}")
    done(f"deleted {message}", {"deleted": message}, json)
