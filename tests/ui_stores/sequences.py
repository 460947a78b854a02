"""Random sequences of events and actions of a UI page, and the stores that the reference client computes."""

import json
from random import Random
from typing import Any
from urllib.parse import urlencode

from app.protocol.ui_comparison import as_plain
from app.protocol.ui_stores import Flavour, UiStores

Step = dict[str, Any]
NAMES = ("alice", "bob", "carol", "mallory")
TYPING: tuple[object, ...] = (True, True, True, False, "true", "", 1, 0, None, [], {"since": 1})
"""Values of ``typing``: not only those of the contract, because the UI stores any value."""
UNTRIMMED = " \ufeff\x1c\x85 hi \x85\x1f\u2028\ufeff\u3000"
"""White space as JavaScript and Python know it."""
FEW_IDS = 12
"""A small number, so that duplicates are frequent."""


def sequence(random: Random, length: int) -> list[Step]:
    """Return the steps of one page in chronological order."""
    steps: list[Step] = [{"at": 0.0, "kind": "friends", "ok": True, "answer": _friends(random)}]
    now = 0.0
    for _ in range(length):
        now += random.choice((0.0, 0.01, 0.5, 3.0, 5.0))
        steps.append({"at": now, **_step(random)})
    return steps


def _step(random: Random) -> Step:
    name = random.choice(NAMES)
    ok = random.random() < 0.85
    match random.randrange(12):
        case 0 | 1 | 2 | 3:
            return {"kind": "frame", "frame": {"event": "new_message", "data": _message(random)}}
        case 4:
            event = random.choice(("friend_online", "friend_offline"))
            return {"kind": "frame", "frame": {"event": event, "data": {"username": name}}}
        case 5:
            data = {"username": name, "typing": random.choice(TYPING)}
            if random.random() < 0.05:
                del data["typing"]
            return {"kind": "frame", "frame": {"event": "typing", "data": data}}
        case 6:
            return {"kind": "click", "peer": name}
        case 7:
            messages = [_message(random) for _ in range(random.randrange(4))]
            answer = {"messages": messages, "has_more": random.random() < 0.5}
            return {"kind": "page", "ok": ok, "peer": name, "offset": random.choice((0, 0, 3)), "answer": answer}
        case 8:
            return {"kind": "friends", "ok": ok, "answer": _friends(random)}
        case 9:
            return {"kind": "add", "ok": ok, "answer": _friend(random, name)}
        case 10:
            answer = {"msg_id": _id(random), "delivered": ok, "delivery_method": "direct"}
            return {
                "kind": "send",
                "ok": ok,
                "to": name,
                "text": random.choice(("hi", UNTRIMMED)),
                "answer": answer,
            }
    return random.choice(({"kind": "status", "ok": ok}, {"kind": "socket", "open": ok}))


def _id(random: Random) -> str:
    return f"id-{random.randrange(FEW_IDS)}"


def _message(random: Random) -> dict[str, Any]:
    friend, sent = random.choice(NAMES), random.random() < 0.3
    return {
        "msg_id": _id(random), "from": "me" if sent else friend, "to": friend if sent else "me",
        "text": random.choice(("one", "two", "")), "timestamp": f"t{random.randrange(100)}",
        "direction": "sent" if sent else "received", "delivered": True, "delivery_method": "direct",
    }  # fmt: skip


def _friend(random: Random, name: str) -> dict[str, Any]:
    return {"username": name, "online": random.random() < 0.5, "last_seen": f"t{random.randrange(100)}"}


def _friends(random: Random) -> list[dict[str, Any]]:
    names = random.sample((*NAMES[:3], "me"), random.randrange(2, 5))
    return [_friend(random, name) for name in names]


def reference(flavour: Flavour, steps: list[Step], end: float) -> Any:
    """Return the stores that the reference client computes, as plain JSON."""
    stores = UiStores(flavour)
    for step in steps:
        stores = apply_step(stores.at(step["at"]), step)
    return json.loads(json.dumps(as_plain(stores.at(end).to_json())))


def apply_step(stores: UiStores, step: Step) -> UiStores:
    def respond(method: str, path: str, query: str = "", request: Any = None) -> UiStores:
        status = 200 if step["ok"] else 500
        body = json.dumps(step.get("answer", {})).encode()
        return stores.responded(method, path, query, json.dumps(request).encode(), status, body)

    match step["kind"]:
        case "frame":
            return stores.received(json.dumps(step["frame"]), step["at"])
        case "click":
            query = urlencode({"peer": step["peer"], "limit": 50, "offset": 0})
            return stores.requested("GET", "/messages", query)
        case "page":
            return respond("GET", "/messages", urlencode({"peer": step["peer"], "offset": step["offset"]}))
        case "friends":
            return respond("GET", "/friends")
        case "add":
            return respond("POST", "/friends")
        case "send":
            return respond("POST", "/messages", request={"to": step["to"], "text": step["text"]})
        case "status":
            return respond("GET", "/status")
    return stores.opened() if step["open"] else stores.closed()
