"""Random actions on the page with the guide's stores, in a browser and over the control API."""

import asyncio
import json
import urllib.request
from random import Random
from typing import Any

from .processes import PATIENCE_S, Companion

FEW_IDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(12)]
"""A small number, so that duplicates are frequent."""
EVERYBODY = ("alice", "bob", "carol", "dave", "nobody")


class ControlApi:
    """Calls the control API of a program."""

    def __init__(self, program: Companion, token: str) -> None:
        self._url = program.control_url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, content, self._headers, method=method)

        def send() -> Any:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                text = answer.read()
                return json.loads(text) if text else None

        return await asyncio.to_thread(send)

    async def fire(self, event: str, **data: Any) -> None:
        await self.call("POST", "/v1/events?strict=0", {"event": event, "data": data})


async def act(random: Random, page: Any, api: ControlApi) -> str:
    """Do one random action, and return its name."""
    name = random.choice(EVERYBODY)
    match random.randrange(20):
        case 0 | 1 | 2 | 3 | 4 | 5 | 6:
            sent = random.random() < 0.3
            sender, recipient = ("me", name) if sent else (name, "me")
            data = {
                "msg_id": random.choice(FEW_IDS), "from": sender, "to": recipient,
                "text": random.choice(("one", "two", "")), "timestamp": "2026-01-01T00:00:00Z",
                "direction": "sent" if sent else "received", "delivered": True, "delivery_method": "direct",
            }  # fmt: skip
            await api.fire("new_message", **data)
            return f"message of {sender}"
        case 7 | 8:
            await api.fire(random.choice(("friend_online", "friend_offline")), username=name)
            return f"presence of {name}"
        case 9 | 10:
            await api.fire("typing", username=name, typing=random.random() < 0.6)
            return f"typing of {name}"
        case 11 | 12 | 13:
            contact = page.locator(".contact-item", has_text=name)
            if await contact.count():
                await contact.first.click()
            await idle(page)
            return f"click on {name}"
        case 14 | 15:
            await page.fill("#compose input", random.choice(("hello", "  hello  ")))
            await page.press("#compose input", "Enter")
            await idle(page)
            return "send"
        case 16:
            await page.evaluate("actions.loadMore()")
            await idle(page)
            return "load more"
        case 17:
            add = "(name) => stores.contactStore.getState().addFriend(name).catch(() => {})"
            await page.evaluate(add, name)
            return f"add {name}"
        case 18:
            await page.evaluate("stores.contactStore.getState().fetchFriends()")
            return "poll"
    await page.reload()
    await page.wait_for_function(
        "stores.uiStore.getState().wsConnected && stores.contactStore.getState().contacts.length"
    )
    return "reload"


async def idle(page: Any) -> None:
    """Wait for the responses. If other frames or responses arrived meanwhile, their order would be a race."""
    await page.wait_for_function(
        "!stores.chatStore.getState().loadingMessages && !stores.chatStore.getState().sendingMessage"
    )
