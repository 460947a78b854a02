"""A small UI without a screen: it connects to the event server and reconnects as the guide says (§1), or with a
planted bug. It knows nothing of the companion.

``python -m tests.reconnecting_ui URL ORIGIN [BUG]`` runs it until it gives up.
"""

import asyncio
import sys
from typing import Any, cast

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

RECONNECT_S, FACTOR, MAX_ATTEMPTS = 3.0, 1.5, 10
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
"""The companion expects the delays of Chromium, which adds next to nothing."""
BUGS = ("no-growth", "gives-up-early", "at-once-after-503")


class ReconnectingUi:
    """Counts its connections and failures. ``run`` ends when it gives up."""

    def __init__(self, url: str, origin: str, bug: str = "") -> None:
        assert bug in ("", *BUGS)
        self.url, self.origin, self.bug = url, origin, bug
        self.failed = self.opened = 0

    async def run(self) -> None:
        attempts = 0
        while True:
            refused = False
            try:
                async with connect(
                    self.url, proxy=None, origin=cast(Any, self.origin), user_agent_header=CHROME, open_timeout=None
                ) as socket:
                    self.opened += 1
                    attempts = 0
                    async for _ in socket:
                        pass
            except (WebSocketException, OSError, EOFError):
                self.failed += 1
                refused = True
            delay = self.delay(attempts, refused=refused)
            if delay is None:
                return
            attempts += 1
            await asyncio.sleep(delay)

    def delay(self, attempts: int, *, refused: bool) -> float | None:
        """Return the delay in seconds after ``attempts`` attempts in a row; None to give up."""
        if attempts >= (1 if self.bug == "gives-up-early" else MAX_ATTEMPTS):
            return None
        if self.bug == "at-once-after-503" and refused:
            return 0.0
        return RECONNECT_S * (1.0 if self.bug == "no-growth" else FACTOR**attempts)


if __name__ == "__main__":
    asyncio.run(ReconnectingUi(*sys.argv[1:]).run())
