"""Hostile and legitimate handshakes and requests, as bytes."""

import base64
from collections.abc import Iterator

from app.system.settings import TAURI_ORIGINS

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
VALID_HOSTS = ("127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}", "LOCALHOST:{port}", "[::1]:{port}")

CANDIDATES = (
    # foreign names, and names similar to valid ones
    "", "evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "localhost.evil.example:{port}",
    "127.0.0.1.nip.io:{port}", "127.0.0.1:{port}.evil.example", "evil.example#127.0.0.1:{port}",
    "evil.example?127.0.0.1:{port}", "evil.example/127.0.0.1:{port}", "evil-localhost:{port}", "xlocalhost:{port}",
    "localhostx:{port}", "sub.localhost:{port}", "localhost.localdomain:{port}", "localhost.local:{port}",
    "ip6-localhost:{port}", "loopback:{port}", "tauri.localhost:{port}", "0:{port}", "*:{port}", "*", "_:{port}",
    # trailing dots, ports
    "localhost.:{port}", "localhost..:{port}", "127.0.0.1.:{port}", ".localhost:{port}", "localhost", "127.0.0.1",
    "[::1]", "localhost:", "127.0.0.1:", "localhost:80", "127.0.0.1:0", "127.0.0.1:1", "127.0.0.1:0{port}",
    "127.0.0.1:+{port}", "127.0.0.1:-{port}", "127.0.0.1: {port}", "127.0.0.1 :{port}", "127.0.0.1:{port}:{port}",
    "127.0.0.1:{port},", "127.0.0.1:{port}, 127.0.0.1:{port}", "127.0.0.1:{port};", "127.0.0.1:{port}/",
    "127.0.0.1:{port}/events", "127.0.0.1:{port}?", "127.0.0.1:{port}#", "127.0.0.1:{port}\\", ":{port}", ":",
    "127.0.0.1:{port}0", "127.0.0.1:0x1f91", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:{port}.0",
    # userinfo, schemes
    "user@127.0.0.1:{port}", "user:pass@127.0.0.1:{port}", "@127.0.0.1:{port}", "127.0.0.1:{port}@evil.example",
    "evil.example@127.0.0.1:{port}", "localhost@evil.example:{port}", "http://127.0.0.1:{port}",
    "//127.0.0.1:{port}", "ws://127.0.0.1:{port}",
    # other forms of the loopback address
    "127.1:{port}", "127.0.1:{port}", "127.0.0.2:{port}", "127.127.127.127:{port}", "127.000.000.001:{port}",
    "0127.0.0.1:{port}", "0177.0.0.1:{port}", "0177.0.0.01:{port}", "0x7f.0.0.1:{port}", "0x7f000001:{port}",
    "0x7F.0x0.0x0.0x1:{port}", "2130706433:{port}", "017700000001:{port}", "127.0.0.1.0:{port}", "127.0.0:{port}",
    "0.0.0.0:{port}", "255.255.255.255:{port}", "192.168.0.1:{port}", "10.0.0.1:{port}", "169.254.169.254:{port}",
    # IPv6
    "::1:{port}", "[::]:{port}", "[::1%lo]:{port}", "[::1%25lo]:{port}", "[0:0:0:0:0:0:0:1]:{port}",
    "[0000:0000:0000:0000:0000:0000:0000:0001]:{port}", "[::0001]:{port}", "[::ffff:127.0.0.1]:{port}",
    "[::ffff:7f00:1]:{port}", "[::127.0.0.1]:{port}", "[fe80::1]:{port}", "[127.0.0.1]:{port}",
    "[localhost]:{port}", "[::1:{port}", "::1]:{port}", "[[::1]]:{port}", "[::1].:{port}",
    "[::1].evil.example:{port}",
    # percent-encoding, lookalike characters, control characters
    "127%2e0%2e0%2e1:{port}", "%31%32%37.0.0.1:{port}", "loc%61lhost:{port}", "127.0.0.1%00:{port}",
    "127.0.0.1%0d%0a:{port}", "localhost%2eevil.example:{port}", "127.0.0.1:%38081", "localhost\x00:{port}",
    "127.0.0.1:{port}\x00", "\x7f127.0.0.1:{port}", "127。0。0。1:{port}", "127.0.0.1:{port}", "ⓛocalhost:{port}",
    "lοcalhost:{port}", "localhoſt:{port}", "１２７.0.0.1:{port}", "xn--localhost:{port}", "localhost\u200b:{port}",
    "\ufeff127.0.0.1:{port}",
)  # fmt: skip
HOSTS = tuple(host for host in CANDIDATES if host not in VALID_HOSTS)

ORIGINS = (
    "", "null", "NULL", "undefined", "*", "file://", "file:///", "file:///home/me/page.html", "about:blank",
    "data:text/html,x", "blob:http://localhost:1420/a", "javascript:0", "chrome://settings", "about://",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "moz-extension://0f0e0d0c-0b0a-0908-0706-050403020100",
    "safari-web-extension://a", "vscode-webview://a", "app://localhost", "capacitor://localhost", "ionic://localhost",
    "electron://localhost", "wails://wails", "resource://a", "view-source:http://localhost:1420",
    "https://evil.example", "http://evil.example:1420", "http://localhost.evil.example:1420",
    "http://localhost:1420.evil.example", "http://evil-localhost:1420", "http://xlocalhost:1420",
    "http://localhostx:1420", "http://localhost:14200", "http://localhost:142", "http://localhost:1421",
    "http://localhost:5173", "http://localhost:3000", "http://localhost:8080", "http://localhost:8081",
    "http://localhost", "http://localhost:80", "http://localhost:0", "http://localhost:", "http://localhost:01420",
    "http://localhost.:1420", "http://localhost:1420.", "http://localhost:1420/", "http://localhost:1420/x",
    "http://localhost:1420?", "http://localhost:1420#", "http://localhost:1420\\", "http://localhost:1420;",
    "http://localhost:1420,", "http://localhost:1420, http://localhost:1420",
    "http://localhost:1420, https://evil.example", "https://evil.example, http://localhost:1420",
    "http://localhost:1420 https://evil.example", "https://localhost:1420", "ws://localhost:1420",
    "wss://localhost:1420", "ftp://localhost:1420", "//localhost:1420", "localhost:1420", "localhost",
    "HTTP://localhost:1420", "http://LOCALHOST:1420", "http://LocalHost:1420", "Http://localhost:1420",
    "http:/localhost:1420", "http:///localhost:1420", "http:localhost:1420", "http:\\\\localhost:1420",
    "http://user@localhost:1420", "http://user:pass@localhost:1420", "http://@localhost:1420",
    "http://localhost:1420@evil.example", "http://evil.example@localhost:1420", "http://localhost%2e:1420",
    "http://localhost%3a1420", "http%3a//localhost:1420", "http://loc%61lhost:1420", "http://localhost:1420%00",
    "http://localhost:1420\x00", "http://localhost:1420\x00.evil.example", "http://localhost\x00:1420",
    "http://lοcalhost:1420", "http://localhoſt:1420", "http://localhost\u200b:1420", "\ufeffhttp://localhost:1420",
    "http://127.0.0.1", "http://127.0.0.1:1421", "http://127.0.0.1:9999", "http://127.1:1420",
    "http://2130706433:1420", "http://0x7f000001:1420", "http://0177.0.0.1:1420", "http://127.0.0.2:1420",
    "http://0.0.0.0:1420", "http://127.0.0.1.:1420", "http://127.0.0.1.nip.io:1420", "http://[::1]:1420",
    "http://[::1]", "http://[::ffff:127.0.0.1]:1420", "http://[0:0:0:0:0:0:0:1]:1420", "http://127.0.0.1:{port}",
    "http://localhost:{port}", "ws://127.0.0.1:{port}", "http://[::1]:{port}",
    "tauri://", "tauri:localhost", "tauri://localhost/", "tauri://localhost:1420", "tauri://localhost.", "Tauri://localhost",
    "tauri://LOCALHOST", "tauri://evil.example", "tauri://localhost.evil.example", "tauri://localhost@evil.example",
    "tauris://localhost", "http://tauri.localhost:1420", "http://tauri.localhost.", "http://tauri.localhost/",
    "http://x.tauri.localhost", "http://tauri.localhost.evil.example", "http://tauri-localhost", "https://tauri.local",
    "https://tauri.localhost:443", "https://TAURI.localhost", "asset://localhost", "ipc://localhost",
)  # fmt: skip

TARGETS = (
    "/", "/Events", "/EVENTS", "/events/", "/events//", "//events", "///events", "/events/x", "/eventsx", "/event",
    "/events.", "/events;x", "/events;x=1", "/events,", "/events%20", "/events%00", "/events%2f", "/events%3f",
    "/%65vents", "/%2fevents", "%2fevents", "/e%76ents", "/event%73", "/./events", "/../events", "/x/../events",
    "/events/.", "/events/..", "/events/../events", "\\events", "/\\events", "/events\\", "/x?/events", "/?/events",
    "?/events", "/#/events", "/events#", "/events#x", "events", "*", "", "http:/events", "/http://127.0.0.1/events",
    "http://127.0.0.1:{port}/events", "http://localhost:{port}/events", "http://evil.example/events",
    "https://127.0.0.1:{port}/events", "ws://127.0.0.1:{port}/events", "wss://127.0.0.1:{port}/events",
    "HTTP://127.0.0.1:{port}/events", "http://user@127.0.0.1:{port}/events", "file:///events",
    "//127.0.0.1:{port}/events", "//evil.example/events", "127.0.0.1:{port}", "127.0.0.1:{port}/events",
    "/v1/status", "/v1/events", "/status", "/messages", "/eventѕ", "/ｅvents", "/events\u200b", "/events\x00",
    "/events?username=" + "n" * 65, "/events?username=%00", "/events?username=a%0d%0ab", "/events?username=%1b[2J",
)  # fmt: skip


def request(
    target: str = "/events",
    *,
    line: str = "",
    host: str | None = "127.0.0.1:{port}",
    more: tuple[str, ...] = (),
    without: str = "",
    instead: str = "",
    after: bytes = b"",
) -> bytes:
    """Return a handshake. ``without`` omits a header, ``instead`` is a line that replaces its header."""
    lines = [
        *([] if host is None else [f"Host: {host}"]),
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
    ]
    name = (without or instead.partition(":")[0].strip()).lower()
    if name and (without or instead):
        lines = [each for each in lines if each.partition(":")[0].lower() != name]
    head = "\r\n".join([line or f"GET {target} HTTP/1.1", *lines, *([instead] if instead else []), *more, "", ""])
    return head.encode() + after


def plain_request(path: str, token: str, host: str = "127.0.0.1:{port}", *origins: str) -> bytes:
    """Return a request to REST or the control API."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", f"Authorization: Bearer {token}"]
    return "\r\n".join([*lines, *(f"Origin: {origin}" for origin in origins), "", ""]).encode()


def hostile_requests(path: str, token: str) -> Iterator[tuple[str, bytes]]:
    """Yield requests that must be rejected, although their token is valid."""
    for host in HOSTS:
        yield f"{path} with Host {host!a}", plain_request(path, token, host)
    for origin in ORIGINS:
        yield f"{path} with Origin {origin!a}", plain_request(path, token, "127.0.0.1:{port}", origin)
    for origin in TAURI_ORIGINS:
        yield f"{path} with two origins, {origin}", plain_request(path, token, "127.0.0.1:{port}", origin, origin)


def legitimate_requests(path: str, token: str) -> Iterator[tuple[str, bytes]]:
    """Yield requests that must be answered."""
    for host in VALID_HOSTS:
        yield f"{path} with Host {host}", plain_request(path, token, host)
        for origin in TAURI_ORIGINS:
            yield f"{path} with Host {host} from {origin}", plain_request(path, token, host, origin)


def legitimate() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of every legitimate handshake. The bytes contain ``{port}``."""
    for host in VALID_HOSTS:
        yield f"{host}, no origin", request(host=host)
        for origin in TAURI_ORIGINS:
            yield f"{host}, from {origin}", request(host=host, more=(f"Origin: {origin}",))
    yield "a user name", request("/events?username=alice")
    yield "a user name in Unicode", request("/events?username=Zo%C3%AB")
    yield "compression is offered", request(more=("Sec-WebSocket-Extensions: permessage-deflate",))
    yield "a proxy's way to write it", request(instead="connection: keep-alive, Upgrade")


def hostile() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of every hostile handshake. The bytes contain ``{port}``."""
    for host in HOSTS:
        yield f"Host {host!a}", request(host=host)
    for origin in ORIGINS:
        yield f"Origin {origin!a}", request(more=(f"Origin: {origin}",))
    for target in TARGETS:
        yield f"target {target[:60]!a}", request(target)
    for family in (_doubled, _lines, _headers, _oversized, _smuggled, _other_protocols):
        yield from family()


def _doubled() -> Iterator[tuple[str, bytes]]:
    ours, good = "127.0.0.1:{port}", "http://localhost:1420"
    yield "no Host", request(host=None)
    for other in (ours, "localhost:{port}", "evil.example", ""):
        yield f"Host twice, then {other!r}", request(more=(f"Host: {other}",))
        yield f"Host twice, first {other!r}", request(host=other, more=(f"Host: {ours}",))
        yield f"Host twice, other case, {other!r}", request(more=(f"hOST: {other}",))
    for other in (good, "https://evil.example", "null", ""):
        yield f"Origin twice, then {other!r}", request(more=(f"Origin: {good}", f"Origin: {other}"))
        yield f"Origin twice, first {other!r}", request(more=(f"oRIGIN: {other}", f"Origin: {good}"))
    for spoof in (
        "X-Forwarded-Host: " + ours,
        "Forwarded: host=" + ours,
        "X-Host: " + ours,
        "X-Original-Host: " + ours,
    ):
        yield f"a foreign Host with {spoof}", request(host="evil.example", more=(spoof,))
    for spoof in ("X-Origin: " + good, "Referer: " + good, "Sec-WebSocket-Origin: " + good):
        yield f"a foreign Origin with {spoof}", request(more=("Origin: https://evil.example", spoof))


def _lines() -> Iterator[tuple[str, bytes]]:
    methods = (
        "POST",
        "PUT",
        "HEAD",
        "OPTIONS",
        "CONNECT",
        "DELETE",
        "PATCH",
        "TRACE",
        "PRI",
        "get",
        "Get",
        "GE T",
        "",
    )
    for method in methods:
        yield f"method {method!r}", request(line=f"{method} /events HTTP/1.1")
    versions = ("HTTP/1.0", "HTTP/0.9", "HTTP/2", "HTTP/2.0", "HTTP/3", "HTTP/1.2", "HTTP/11", "HTTP/1.1.1",
                "http/1.1", "HTTP/1,1", "HTTPS/1.1", "HTTP /1.1", "HTTP/ 1.1", "HTTP/1", "RTSP/1.0", "SIP/2.0",
                "ICY", "")  # fmt: skip
    for version in versions:
        yield f"version {version!r}", request(line=f"GET /events {version}")
    yield "no version at all", request(line="GET /events")
    yield "two spaces after the method", request(line="GET  /events HTTP/1.1")
    yield "two spaces after the target", request(line="GET /events  HTTP/1.1")
    yield "a tab in the request line", request(line="GET\t/events\tHTTP/1.1")
    yield "a space before the method", request(line=" GET /events HTTP/1.1")
    yield "a space in the target", request("/events x")
    yield "an empty line first", request(line="\r\nGET /events HTTP/1.1")
    yield "a response", request(line="HTTP/1.1 101 Switching Protocols")


def _headers() -> Iterator[tuple[str, bytes]]:
    for name in ("Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key"):
        yield f"no {name}", request(without=name)
        yield f"an empty {name}", request(instead=f"{name}:")
        yield f"a space before the colon of {name}", request(without=name, more=(f"{name} : x",))
    for value in ("keep-alive", "close", "Upgrades", "Up grade", "up-grade", "http2-settings", "Upgrade;q=1"):
        yield f"Connection {value}", request(instead=f"Connection: {value}")
    for value in ("h2c", "websocket, h2c", "h2c, websocket", "web socket", "websockets", "websocket/13",
                  "WebSocket;x", "TLS/1.0", "websocket, websocket"):  # fmt: skip
        yield f"Upgrade {value}", request(instead=f"Upgrade: {value}")
    for value in ("0", "1", "7", "8", "12", "14", "013", "13.0", "13, 8", "13 8", "+13", "-13", "0xd", "xiii",
                  "255", "99999999999999999999", "１３"):  # fmt: skip
        yield f"version {value} of WebSocket", request(instead=f"Sec-WebSocket-Version: {value}")
    keys = {
        "too short": base64.b64encode(bytes(15)).decode(), "too long": base64.b64encode(bytes(17)).decode(),
        "no base64": "!" * 24, "no padding": KEY.rstrip("="),
        "URL-safe": base64.urlsafe_b64encode(b"\xff" * 16).decode(),
        "a blank within": KEY[:8] + " " + KEY[8:], "not ASCII": "ü" * 24, "two in one": f"{KEY}, {KEY}",
    }  # fmt: skip
    for what, key in keys.items():
        yield f"a key that is {what}", request(instead=f"Sec-WebSocket-Key: {key}")
    for name, value in (
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Version", "8"),
    ):
        yield f"{name} twice ({value})", request(more=(f"{name}: {value}",))
    yield (
        "an old draft's keys",
        request(without="Sec-WebSocket-Key", more=("Sec-WebSocket-Key1: 1", "Sec-WebSocket-Key2: 2")),
    )
    for line in ("no colon", ": no name", " folded: x", "\tfolded", "na me: x", "näme: x", "na\x00me: x",
                 "name\x7f: x", "na(me: x", "name: a\x00b", "name: a\x07b", "name: a\rb"):  # fmt: skip
        yield f"the header line {line!a}", request(more=(line,))
    for line in (
        "Host : 127.0.0.1:{port}",
        "Host\t: 127.0.0.1:{port}",
        "Host: 127.0.0.1\r\n :{port}",
        "\x00Host: a",
    ):
        yield f"Host written as {line!a}", request(host=None, more=(line,))
    for line in (
        "Origin : http://localhost:1420",
        "Origin: http://localhost\r\n :1420",
        "Origin: https://evil.example\r\n\t",
    ):
        yield f"Origin written as {line!a}", request(more=(line,))
    yield (
        "a bare line feed in Origin",
        request(more=("Origin: http://localhost:1420\nOrigin: https://evil.example",)),
    )
    yield "extensions that are none", request(more=("Sec-WebSocket-Extensions: ;;;=",), without="Sec-WebSocket-Key")


def _oversized() -> Iterator[tuple[str, bytes]]:
    yield "a target of 10 KB", request("/events?" + "x" * 10_000)
    yield "a target of 1 MB", request("/events?" + "x" * 1_000_000)
    yield "a header of 10 KB", request(more=("X: " + "x" * 10_000,))
    yield "a header of 1 MB", request(more=("X: " + "x" * 1_000_000,))
    yield "a header's name of 10 KB", request(more=("x" * 10_000 + ": x",))
    yield "a Host of 10 KB", request(host="127.0.0.1:{port}" + "0" * 10_000)
    yield "an Origin of 10 KB", request(more=("Origin: http://localhost:1420" + "0" * 10_000,))
    for count in (130, 1_000, 20_000):
        yield f"{count} headers", request(more=tuple(f"X-{n}: x" for n in range(count)))
    yield "a method of 10 KB", request(line="G" * 10_000 + " /events HTTP/1.1")
    yield "an endless line", b"G" * 200_000
    yield "a megabyte of line ends", b"\r\n" * 500_000


def _smuggled() -> Iterator[tuple[str, bytes]]:
    """Yield handshakes that are hidden inside, after or around another request."""
    inner = request()
    evil = ("Origin: https://evil.example",)
    bodies = (
        "Content-Length: 5", "Content-Length: {inner}", "Content-Length: -1", "Content-Length: +5",
        "Content-Length: 0x5", "Content-Length: 5, 5", "Content-Length: 99999999999999999999",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: identity", "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
    )  # fmt: skip
    for header in bodies:
        line = header.replace("{inner}", str(len(inner)))
        yield f"rejected, {line}, followed by another", request(more=(*evil, line), after=inner)
        yield f"POST, {line}, another inside", request(line="POST /events HTTP/1.1", more=(line,), after=inner)
    yield (
        "both lengths",
        request(more=(*evil, "Content-Length: 5", "Transfer-Encoding: chunked"), after=b"0\r\n\r\n" + inner),
    )
    yield "two lengths", request(more=(*evil, "Content-Length: 0", "Content-Length: 5"), after=inner)
    yield "rejected for its path, followed by another", request("/nowhere", after=inner)
    yield "rejected for its Host, followed by another", request(host="evil.example", after=inner)
    yield "no upgrade, followed by another", request(without="Upgrade", after=inner)
    yield "plain GET kept alive, followed by another", b"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n" + inner
    yield "a form's body that is a handshake", (
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/plain\r\nContent-Length: "
        + str(len(inner)).encode() + b"\r\n\r\n" + inner
    )  # fmt: skip
    yield "Expect: 100-continue", request(line="POST /events HTTP/1.1", more=("Expect: 100-continue",), after=inner)
    yield "a line's end in the target", request("/x HTTP/1.1\r\nHost: evil.example\r\n\r\nGET /events")


def _other_protocols() -> Iterator[tuple[str, bytes]]:
    yield "HTTP/2 with prior knowledge", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)
    yield "HTTP/2 preface, then a handshake", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + request()
    yield "h2c", request(instead="Upgrade: h2c", more=("HTTP2-Settings: AAMAAABkAAQAAP__",))
    yield "TLS", bytes.fromhex("160301020001000 1fc0303".replace(" ", "")) + bytes(512)
    yield "SSL 2", bytes.fromhex("802e0100020015000000100700c0")
    yield "SOCKS 5", b"\x05\x01\x00\r\n\r\n"
    yield "SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"
    yield "SMTP", b"EHLO evil.example\r\n\r\n"
    yield "FTP", b"USER anonymous\r\n\r\n"
    yield "Redis", b"*1\r\n$4\r\nPING\r\n\r\n"
    yield "PROXY protocol", b"PROXY TCP4 127.0.0.1 127.0.0.1 1 {port}\r\n" + request()
    yield "PROXY protocol 2", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12) + request()
    yield "a frame before any handshake", b"\x81\x85\x00\x00\x00\x00hello\r\n\r\n"
    yield "line feeds only", request().replace(b"\r\n", b"\n")
    yield "carriage returns only", request().replace(b"\r\n", b"\r")
    yield "UTF-16", request().decode().encode("utf-16")
    yield "a byte order mark", b"\xef\xbb\xbf" + request()
    yield "nothing but zeros", bytes(4096) + b"\r\n\r\n"
