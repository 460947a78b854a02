"""An example of a source: one file, and one line that registers it."""

from app.hub.origin import Origin
from app.protocol.envelope import Envelope
from app.sources.source import Publisher


class Ticker:
    """Switches a friend online or offline once a minute."""

    name = "ticker"

    def __init__(self, times: int) -> None:
        self.times = times

    async def run(self, publisher: Publisher) -> None:
        for number in range(self.times):
            await publisher.clock.sleep(60)
            event = "friend_offline" if number % 2 else "friend_online"
            await publisher.fire(Envelope(event, {"username": "bob"}), origin=Origin.of("ticker", number))
