"""Run the real program, with a load generator in its event loop.

``python -m tests.benchmarks.servers.companion tray|serve DATA_DIR``. The program is unchanged, except for a
``Companion`` that accepts load commands when it listens. The environment variable ``ROWS`` is the number of journal
rows that are created before the window. In the tray program, painting is measured.
"""

import asyncio
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from typing_extensions import override

from app.companion import Companion
from app.hub.journal import Kind
from app.hub.origin import PANEL, Origin
from app.protocol.envelope import Envelope
from app.system.data_directory import Overrides
from tests.benchmarks.servers.commands import serve_commands
from tests.benchmarks.servers.load import MESSAGE, Load, text

OVERRIDES = Overrides(port=0, rest=False, control=False)


class LoadedCompanion(Companion):
    """A companion that runs load commands, and prints its port."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(int(os.environ.get("ROWS", "0"))):
            event = Envelope("new_message", {**MESSAGE, "text": text(number, 0)})
            self.journal.append(Kind.TO_UI, event.event, payload=event.encode(), client="all", origin=PANEL)

    @override
    async def start_service(self, name: str) -> bool:
        """Start a service. Once the event server listens, wait for commands."""
        started = await super().start_service(name)
        if name != "events":
            return started
        load = Load(self._send, self.hub.batcher.flush)

        async def handle(words: list[str]) -> dict[str, Any]:
            if words[0] not in ("watch", "watched", "filter", "stall"):
                return await load.run_command(words)
            if words[0] == "stall":
                from tests.benchmarks.servers import stalls

                return dict(await stalls.measure(self, words[1], int(words[2])))
            from tests.benchmarks.servers import watch

            return (
                await watch.filter_log(" ".join(words[1:])) if words[0] == "filter" else watch.run_command(words[0])
            )

        serve_commands(asyncio.get_running_loop(), handle)
        print(f"ready {self.server.port}", flush=True)
        return started

    def _send(self, number: int, stamp: int) -> None:
        self.hub.publish(Envelope("new_message", {**MESSAGE, "text": text(number, stamp)}), origin=Origin("load"))


def main(kind: str, data_dir: Path) -> int:
    # The tray program imports the class from its module, when its empty window has appeared.
    builder = importlib.import_module("app.companion" if kind == "tray" else "app.headless")
    setattr(builder, "Companion", LoadedCompanion)  # noqa: B010  mypy knows the name as a class
    root = importlib.import_module("app.desktop" if kind == "tray" else "app.headless")
    if kind == "serve":
        return int(root.serve(OVERRIDES, data_dir, None))
    from tests.benchmarks.servers import watch

    watch.wrap_paint()
    return int(root.run(OVERRIDES, data_dir, None, hidden=False))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
