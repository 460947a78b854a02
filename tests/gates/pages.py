"""Serve hostile web pages, and receive their reports."""

import base64
import html
import http.server
import json
import socket
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from typing_extensions import override

from tests.e2e.tools import missing
from tests.gates.gate import Server

REBOUND = "evil.example"
"""A host name that the browsers resolve to 127.0.0.1."""
ATTACK = (Path(__file__).parent / "attack.html").read_text(encoding="utf-8")


class WebSite:
    """Serves ``pages`` (path → HTML) on one address, and stores the reports that they post."""

    def __init__(self, host: str, port: int, pages: Mapping[str, str], reports: dict[str, Any]) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = pages.get(self.path.partition("?")[0])
                self._answer(200 if page else 404, (page or "").encode())

            def do_POST(self) -> None:
                report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reports[report["name"]] = report
                self._answer(200, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, template: str, *args: Any) -> None:
                return

        class HttpServer(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True

        try:
            self._server = HttpServer((host, port), Handler)
        except OSError as error:
            missing(f"a web site cannot listen on {host}, port {port}: {error.strerror}")
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()


def has_ipv6() -> bool:
    """Return whether IPv6's loopback address is available."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class Attackers:
    """All hostile sites, and the URLs that a browser must open."""

    def __init__(self, stack: ExitStack, target: Server, folder: Path) -> None:
        self._target = target
        self._pages: dict[str, str] = {}
        self.reports: dict[str, Any] = {}
        """The report of each page, by the page's name."""
        self.expected: set[str] = set()
        """The pages whose reports are expected."""
        self._report = f"http://127.0.0.1:{self._site(stack, '127.0.0.1', 0)}/report"
        for port in (5173, 9999, 1420):
            self._site(stack, "127.0.0.1", port)
        rebound = self._site(stack, "127.0.0.1", 0)
        self.allowed = self._at("http://localhost:1420", "allowed", harmless=True)
        self.expected.clear()
        self.hostile = [
            self._at("http://localhost:5173", "localhost"),
            self._at("http://127.0.0.1:9999", "address"),
            self._at(f"http://{REBOUND}:{rebound}", "rebound"),
            self._frames("http://127.0.0.1:5173"),
            self._file(folder),
        ]
        if has_ipv6():
            self.hostile.append(self._at(f"http://[::1]:{self._site(stack, '::1', 0)}", "IPv6"))

    def _site(self, stack: ExitStack, host: str, port: int) -> int:
        return stack.enter_context(WebSite(host, port, self._pages, self.reports)).port

    def _at(self, origin: str, name: str, *, harmless: bool = False) -> str:
        self._pages[f"/{name}"] = self.page(name, harmless=harmless)
        return f"{origin}/{name}"

    def _file(self, folder: Path) -> str:
        file = folder / "attack.html"
        file.write_text(self.page("file"), encoding="utf-8")
        return file.as_uri()

    def _frames(self, origin: str) -> str:
        """Add a page with frames whose origin is null, and return its URL."""
        self._at(origin, "sandboxed")
        data = base64.b64encode(self.page("data").encode()).decode()
        sandbox = 'sandbox="allow-scripts allow-forms"'
        self._pages["/frames"] = (
            f'<!DOCTYPE html><iframe {sandbox} src="/sandboxed"></iframe>'
            f'<iframe {sandbox} srcdoc="{html.escape(self.page("srcdoc"))}"></iframe>'
            f'<iframe src="data:text/html;base64,{data}"></iframe>'
        )
        return f"{origin}/frames"

    def same_origin(self) -> dict[str, str]:
        """Return pages at the companion's ports under a foreign host name, as with DNS rebinding.

        Their read requests to the same port have no Origin header, so only the Host header identifies them.
        """
        servers = {"events": self._target.port, "REST": self._target.program.rest_port}
        servers["control"] = self._target.control_port
        return {
            f"http://{REBOUND}:{port}/attack": self.page(f"rebound to {name}") for name, port in servers.items()
        }

    def page(self, name: str, *, harmless: bool = False) -> str:
        """Return a page that attacks and reports. A harmless one sends no request that changes data."""
        self.expected.add(name)
        target = self._target
        parameters = {
            "name": name, "harmless": harmless, "events": target.port, "rest": target.program.rest_port,
            "control": target.control_port, "report": self._report,
        }  # fmt: skip
        return ATTACK.replace("JSON_HERE", json.dumps(parameters))
