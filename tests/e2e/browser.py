"""Start headless Chromium, serve web sites for it, and read a page's console."""

import asyncio
import http.server
import mimetypes
import os
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from typing_extensions import override

from tests.conftest import USES_UI_PORT

from .processes import PATIENCE_S
from .tools import missing, need

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
UI_PORT = 1420
"""Port of the UI's development server, whose origin is allowed."""


class Site:
    """Serve ``pages`` (path → content) at ``http://localhost:PORT``. The path's suffix decides the content type."""

    def __init__(self, port: int, pages: Mapping[str, str]) -> None:
        test = os.environ.get("PYTEST_CURRENT_TEST", "")  # not set in gates
        if port == UI_PORT and test and not any(file in test for file in USES_UI_PORT):
            raise AssertionError("Add the file of this test to USES_UI_PORT, so that no other one uses its port.")

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                page = "" if path == "/favicon.ico" else pages.get(path)
                body = (page or "").encode()
                self.send_response(404 if page is None else 200)
                self.send_header("Content-Type", f"{mimetypes.guess_type(path)[0] or 'text/html'}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, template: str, *args: Any) -> None:
                requested.append(template % args)

        requested: list[str] = []
        self.name = f"site on port {port}"
        self.requested = requested
        self.origin = f"http://localhost:{port}"
        try:
            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            missing(f"port {port} is in use ({error.strerror}): stop the web server that runs there")
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @override
    def __str__(self) -> str:
        return "\n".join(self.requested)


@asynccontextmanager
async def chromium(profile: Path, *flags: str, program: Path | None = None, **options: Any) -> AsyncIterator[Any]:
    """Start the system's Chromium with an empty profile, and yield Playwright's browser context.

    ``program`` is started instead, for example a script that starts Chromium in another network.
    """
    path = program or need(
        "chromium", "chromium-browser", "google-chrome", install="apt-get install chromium, or Chrome"
    )
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        missing("playwright is not installed: pip install playwright")
    async with async_playwright() as driver:
        context = await driver.chromium.launch_persistent_context(
            profile, executable_path=path, args=[*FLAGS, *flags], headless=True, chromium_sandbox=False, **options
        )
        try:
            yield context
        finally:
            await context.close()


class Console:
    """Collect the lines of a page's console, and its uncaught errors."""

    def __init__(self, page: Any) -> None:
        self.lines: list[str] = []
        page.on("console", lambda message: self.lines.append(message.text))
        page.on("pageerror", lambda error: self.lines.append(f"uncaught: {error}"))

    async def wait_for(self, text: str, times: int = 1) -> str:
        """Wait until ``times`` lines contain ``text``, and return the last of these lines."""
        deadline = time.monotonic() + PATIENCE_S
        while len(found := [line for line in self.lines if text in line]) < times:
            if time.monotonic() > deadline:
                raise AssertionError(f"timeout: no line with {text!r} in {self.lines}")
            await asyncio.sleep(0.02)
        return found[-1]
