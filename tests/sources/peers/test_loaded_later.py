"""PyNaCl is loaded when peers are switched on, not before."""

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from app.companion import Companion
from app.system.settings import Settings

async def main(peers):
    companion = Companion(Settings(port=0, rest_port=0, peers=peers, peer_port=0))
    for service in companion.services:
        if service.name != "control":
            assert await companion.start_service(service.name), service.error
    await companion.chat.status()
    await companion.close()
    print("nacl" in sys.modules)

asyncio.run(main(False))
asyncio.run(main(True))
"""


@pytest.mark.e2e
def test_the_library_for_encryption_is_loaded_when_peers_are_switched_on() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")
