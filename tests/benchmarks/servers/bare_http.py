"""The yardstick of ``POST /v1/events``: aiohttp with a handler that reads the body and stores nothing."""

import asyncio
import json
import sys

from aiohttp import web


async def post(request: web.Request) -> web.Response:
    """Return a response of about the same size as the companion's."""
    event = json.loads(await request.read())
    return web.json_response({"event": event["event"], "seq": 1, "clients": []}, status=201)


async def main() -> None:
    """Serve until standard input ends."""
    application = web.Application()
    application.router.add_post("/v1/events", post)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("ready", runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
