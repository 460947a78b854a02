"""``companion peers``: add and manage peers, who are friends with a companion of their own, and manage your keys.
Print your public keys for a friend, and add those of the friend; list and forget peers; compare fingerprints;
accept or reject a peer's changed keys. Replace, export and import your own keys, or erase them with all peers. The
commands call the control API of the running companion. Only public keys pass through them: for an export or import
of secret keys they send the path of the file, which the companion writes or reads.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.completion import peer_names
from app.cli.options import DataDir, Json, absolute_path, as_json, not_empty, print_result
from app.system.terminal import print_lines

app = typer.Typer(
    help="Add friends with a companion of their own, compare fingerprints, and manage your keys.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="User name of the peer.", autocompletion=peer_names)]
Fingerprint = Annotated[
    str | None,
    typer.Option(
        "--fingerprint",
        metavar="DIGITS",
        callback=not_empty,
        help="The 60 digits that your friend reads to you. The command fails if they are not those of the keys.",
    ),
]


@app.command()
def key(json: Json = False, data_dir: DataDir = None) -> None:
    """Print your own public keys as JSON, for a friend to add."""
    from app.cli.control import Control

    print_lines(as_json(Control(data_dir).call("GET", "/v1/peers/key")))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="User name of the peer, as in the output of its `peers key`.")],
    public_key: Annotated[
        str | None,
        typer.Option("--public-key", metavar="BASE64", help="X25519 key. Both keys are required for a new peer."),
    ] = None,
    signing_key: Annotated[
        str | None, typer.Option("--signing-key", metavar="BASE64", help="Ed25519 key of the peer.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST:PORT",
            help="Where to connect to. Default: the stored address of a known peer, or else the one that the peer "
            'connects from. "" removes the stored one.',
        ),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Add a peer and pin its keys, or change the address of one."""
    from app.cli.control import Control

    given = {"public_key": public_key, "signing_key": signing_key, "address": address}
    body = {"username": name, **{key: value for key, value in given.items() if value is not None}}
    added = Control(data_dir).call("POST", "/v1/peers", body)
    if public_key is None:
        text = f"{added['username']} is a friend, at {added['address'] or 'the address that it connects from'}"
    elif added["changed"]:
        text = (
            f"{added['username']} is known with other keys, which stay in use. "
            f"Use companion peers accept {added['username']} if the friend has new keys."
        )
    else:
        text = f"added {added['username']}; compare its fingerprint with companion peers verify {added['username']}"
    print_result(text, added, json)


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List the peers: presence, address, queued messages, and whether their fingerprint was compared."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/peers")
    if json:
        print_lines(as_json(found))
        return
    for each in found["peers"]:
        print_lines(_line(each))
    where = f"listening on port {found['port']}" if found["listening"] else "not listening: peers are switched off"
    print_lines(*([] if found["peers"] else ["no peers"]), where)


@app.command()
def verify(
    name: Name,
    digits: Fingerprint = None,
    compared: Annotated[bool, typer.Option("--compared", help="You have compared the digits yourself.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the fingerprint that you and a peer compare, or store that it was compared."""
    from app.cli.control import Control, fail, segment
    from app.system.exit_codes import Exit

    control = Control(data_dir)
    if digits or compared:
        found = control.call("PUT", f"/v1/peers/{segment(name)}/verified", {"fingerprint": digits or ""})
        print_result(f"{name} is verified", found, json)
        return
    found = next((each for each in control.call("GET", "/v1/peers")["peers"] if each["username"] == name), None)
    if found is None:
        fail(f"There is no peer {name[:80]!r}.", Exit.USAGE)
    lines = [found["fingerprint"] or "You have no keys yet: switch peers on first."]
    if found["changed"]:
        lines += ["With the changed keys, which are refused until you accept them:", found["offered_fingerprint"]]
    print_result("\n".join(lines), found, json)


@app.command()
def accept(
    name: Name,
    digits: Fingerprint = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Accept the changed keys of a peer. Compare the new fingerprint first."""
    _decide(name, {"accept": True, **({"fingerprint": digits} if digits else {})}, json, data_dir)


@app.command()
def reject(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Reject the changed keys of a peer. The pinned ones stay in use."""
    _decide(name, {"accept": False}, json, data_dir)


def _decide(name: str, decision: dict[str, Any], json: bool, data_dir: Path | None) -> None:
    from app.cli.control import Control, segment

    found = Control(data_dir).call("PUT", f"/v1/peers/{segment(name)}/keys", decision)
    done = "accepted" if decision["accept"] else "rejected"
    print_result(f"the changed keys of {name} were {done}", found, json)


@app.command()
def forget(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Forget a peer and its keys. Its messages stay, and its queued messages are deleted."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/peers/{segment(name)}")
    print_result(f"forgot {name}", {"forgotten": name}, json)


@app.command()
def rotate(json: Json = False, data_dir: DataDir = None) -> None:
    """Replace your own keys with new ones. Friends refuse your messages until they accept the new keys."""
    from app.cli.control import Control

    print_result("your keys were replaced", Control(data_dir).call("POST", "/v1/peers/key/rotate"), json)


@app.command("export")
def export_(
    file: Annotated[Path, typer.Argument(help="New file, which only you can read.", callback=absolute_path)],
    nested: Annotated[bool, typer.Option("--nested", help="Write the nested format of keys.json.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Write your secret keys to a file. Keep it where only you can read it."""
    from app.cli.control import Control

    body = {"file": str(file), "shape": "nested" if nested else "flat"}
    print_result(f"wrote {file}", Control(data_dir).call("POST", "/v1/peers/key/export", body), json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A keys.json of either format.", callback=absolute_path)],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the keys in use, which are lost then.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Use the secret keys in a file, such as a backup."""
    from app.cli.control import Control

    body = {"file": str(file), "replace": replace}
    print_result("your keys were imported", Control(data_dir).call("POST", "/v1/peers/key/import", body), json)


@app.command()
def erase(
    yes: Annotated[bool, typer.Option("--yes", help="Required, because the keys are lost.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Switch peers off; delete all peers, their queued messages, and your own keys. Chats stay."""
    from app.cli.control import Control

    if not yes:
        raise typer.BadParameter("this deletes your keys, which cannot be undone. Add --yes to confirm")
    Control(data_dir).call("DELETE", "/v1/peers")
    print_result("erased", {"erased": True}, json)


def _line(peer: dict[str, Any]) -> str:
    words = [
        "online" if peer["online"] else "offline",
        "" if peer["is_friend"] else "not a friend",
        "verified" if peer["verified"] else "not verified",
        "KEYS CHANGED" if peer["changed"] else "",
        peer["address"] or peer["last_ip"] or "no address",
        f"{peer['waiting']} waiting" if peer["waiting"] else "",
    ]
    return f"{peer['username']:<16}  {', '.join(word for word in words if word)}"
