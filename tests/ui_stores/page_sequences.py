"""Random sequences of what happens to a UI page, and the stores that the reference client computes for each.

A page (``ui/``) runs a sequence, and prints what a server sees of it and the page's stores in between.
``differences_of`` computes the stores from what the server saw, and compares them.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from app.protocol.ui_comparison import Difference, differences
from app.protocol.ui_stores import Flavour, UiStores
from tests.ui_stores.sequences import TYPING, UNTRIMMED

Action = dict[str, Any]
Seen = dict[str, Any]
NAMES = ("alice", "bob", "carol", "mallory", "a.b", "1")
"""Mallory is never a friend."""
FEW_IDS = 12
"""A small number, so that duplicates are frequent."""
SAMPLE_S = 1.0
"""The page samples its connection at this interval."""
LOOK_EVERY = 0.1
"""Probability that the page's stores are compared after an action."""


def sequence(random: Random, length: int) -> list[Action]:
    """Return the actions of one page in chronological order. No two of them have the same time."""
    actions: list[Action] = [{"at": 0.001, "do": "open"}]
    now = 0.001
    for _ in range(length):
        now += random.choice((0.001, 0.01, 0.3, 1.5, 4.999, 5.0))
        actions.append({"at": now, **_action(random)})
        if random.random() < LOOK_EVERY:
            actions.append({"at": now, "do": "look"})
    now += random.choice((0.001, 4.9, 5.0))
    return [*actions, {"at": now, "do": "look"}]


def _action(random: Random) -> Action:
    chosen = random.randrange(100)
    if chosen < 40:
        return {"do": "frame", "value": _frame(random)}
    if chosen < 68:
        return {"do": "respond", "which": random.choice((0, 0, 0, random.randrange(9))), "value": _answers(random)}
    if chosen < 78:
        return {"do": "click", "value": random.choice(NAMES)}
    if chosen < 82:
        return {"do": "more"}
    if chosen < 88:
        return {"do": "send", "value": random.choice(("hi", "  hi  ", "zwölf 👋", UNTRIMMED))}
    if chosen < 92:
        return {"do": "add", "value": random.choice(NAMES)}
    if chosen < 98:
        return {"do": random.choice(("open", "open", "close"))}
    return {"do": "reload"}


def _frame(random: Random) -> str:
    name = random.choice(NAMES)
    match random.randrange(20):
        case 0:
            return random.choice(
                ("", "{", "[]", "null", '{"event": "x", "data": {}}', '{"event": "new_message_2"}')
            )
        case 1 | 2 | 3:
            event = random.choice(("friend_online", "friend_offline"))
            return json.dumps({"event": event, "data": {"username": name}})
        case 4 | 5 | 6 | 7:
            data = {"username": name, "typing": random.choice(TYPING)}
            if random.random() < 0.05:
                del data["typing"]
            return json.dumps({"event": "typing", "data": data})
    return json.dumps({"event": "new_message", "data": _message(random, odd=random.random() < 0.1)})


def _message(random: Random, *, odd: bool = False) -> dict[str, Any]:
    """Return a message; an odd one lacks fields or has others than the contract says."""
    friend, sent = random.choice(NAMES), random.random() < 0.3
    message: dict[str, Any] = {
        "msg_id": f"id-{random.randrange(FEW_IDS)}",
        "from": "me" if sent else friend,
        "to": friend if sent else "me",
        "text": random.choice(("one", "two", "")),
        "timestamp": f"t{random.randrange(100)}",
        "direction": "sent" if sent else "received",
        "delivered": True,
        "delivery_method": "direct",
    }
    if odd:
        for name in random.sample(sorted(message), 2):
            del message[name]
        message |= random.choice(({}, {"msg_id": 1}, {"msg_id": "1"}, {"msg_id": None}, {"direction": None},
                                  {"from": 1}, {"from": None}))  # fmt: skip
    return message


def _answers(random: Random) -> dict[str, Any]:
    """Return the answer to each possible request, with its status: one request is answered with it."""
    names = random.sample(("alice", "bob", "carol", "a.b", "1", "me"), random.randrange(6))
    contents: dict[str, Any] = {
        "GET /friends": [_friend(random, name) for name in names],
        "POST /friends": _friend(random, ""),
        "GET /messages": {
            "messages": [_message(random) for _ in range(random.randrange(4))],
            "has_more": random.random() < 0.5,
        },
        "POST /messages": {
            "msg_id": f"id-{random.randrange(FEW_IDS)}",
            "delivered": random.random() < 0.5,
            "delivery_method": "direct",
        },
        "GET /status": {"status": "ok", "username": "me"},
    }
    status = random.choice((200, 200, 200, 200, 202, 404, 409, 500))
    return {name: [status, content if status < 400 else {"error": "no"}] for name, content in contents.items()}


def _friend(random: Random, name: str) -> dict[str, Any]:
    return {"username": name, "online": random.random() < 0.5, "last_seen": f"t{random.randrange(100)}"}


def differences_of(flavour: Flavour, trace: list[Seen]) -> Iterator[tuple[int, Difference]]:
    """Yield the first value that differs at each ``state`` of a trace, with its index in the trace."""
    stores = UiStores(flavour)
    connection_changed = 0.0
    for index, seen in enumerate(trace):
        at = seen["at"]
        stores = stores.at(at)
        match seen["saw"]:
            case "frame":
                stores = stores.received(seen["payload"], at)
            case "request":
                stores = stores.requested(seen["method"], seen["path"], seen["query"])
            case "response":
                stores = stores.responded(
                    seen["method"], seen["path"], seen["query"], seen["request"].encode(), seen["status"],
                    seen["response"].encode(),
                )  # fmt: skip
            case "connected" | "disconnected":
                stores = stores.opened() if seen["saw"] == "connected" else stores.closed()
                connection_changed = at
            case "reload":
                stores, connection_changed = UiStores(flavour), at
            case "state":
                expected, state = stores.to_json(), seen["state"]
                if at - connection_changed <= SAMPLE_S:
                    state["uiStore"]["wsConnected"] = stores.ws_connected
                if found := next(differences(expected, state), None):
                    yield index, found
