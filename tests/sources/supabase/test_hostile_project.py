"""A hostile project, and hostile users of one: an answer is an error in one sentence, or is ignored."""

import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from app.hub.switchable import Condition
from app.protocol.directory.errors import DirectoryError, FailureKind
from app.protocol.directory.filters import timestamp
from app.protocol.directory.rows import MAX_VALUES, InvalidResponse, parse_time, read_objects, read_users
from app.sources.source import SourceState
from app.sources.supabase.client import DirectoryClient, FinishedCall
from app.sources.supabase.contracts import Contact
from tests.conftest import MakeCompanion
from tests.hub.doubles import FakeTime
from tests.postgrest_stand_in.server import PUBLISHABLE, Failure
from tests.postgrest_stand_in.stores import SqliteStore
from tests.sources.supabase.doubles import NAME, SteppedTime, Wired, wired_to
from tests.sources.supabase.test_source import pass_time, queued, started, user

MIB = 2**20


class Hostile:
    """A server that answers every request with ``answer``, and a client of it."""

    def __init__(self) -> None:
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
        self.paths: list[str] = []
        self.client: DirectoryClient

    async def call(self, **more: Any) -> bytes:
        return await self.client.call("GET", "users", {"select": "username"}, **more)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        return await self.answer(request)

    def answers(self, body: bytes | str, status: int = 200, **headers: str) -> None:
        async def answer(_: web.Request) -> web.Response:
            content = body.encode() if isinstance(body, str) else body
            return web.Response(
                status=status, body=content, headers={k.replace("_", "-"): v for k, v in headers.items()}
            )

        self.answer = answer


@pytest.fixture
async def hostile() -> AsyncIterator[Hostile]:
    hostile = Hostile()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hostile.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    hostile.client = DirectoryClient(url, PUBLISHABLE, FakeTime().clock, lambda _: None)
    yield hostile
    await hostile.client.close()
    await runner.cleanup()


async def test_the_proxy_is_looked_up_again_after_a_failure(hostile: Hostile) -> None:
    hostile.answers("[]")
    proxies = ["http://127.0.0.1:1", hostile.client._base.removesuffix("/rest/v1")]
    hostile.client._host, hostile.client._base = "p.invalid", "http://p.invalid/rest/v1"
    hostile.client._find_proxy = lambda _: proxies.pop(0)
    assert str(await failure(hostile)).startswith("The system's proxy cannot be reached.")
    for _ in range(2):
        assert await hostile.call() == b"[]"
    assert proxies == []


async def failure(hostile: Hostile, **more: Any) -> DirectoryError:
    with pytest.raises(DirectoryError) as caught:
        await hostile.call(**more)
    assert PUBLISHABLE not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_a_compressed_answer_is_not_decompressed(hostile: Hostile, encoding: str) -> None:
    bomb = gzip.compress(b"[" + bytes(16 * MIB) + b"]", 9)
    hostile.answers(bomb, Content_Encoding=encoding)
    assert len(await hostile.call()) == len(bomb) < MIB  # what reads it finds that it is not JSON

    async def asked(request: web.Request) -> web.Response:
        return web.Response(text=request.headers.get("Accept-Encoding", ""))

    hostile.answer = asked
    assert await hostile.call() == b"identity"


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('[{"a": {"b": {}}}, {"text": "{{{"}]', 2), ("[]", 0), ('{"a": 1}', None), ("[1]", None), ("[{", None),
        ("", None), ("[" * 100_000, None), ('[{"a":' + "[" * 100_000, None),
    ],
    ids=range(8),
)  # fmt: skip
async def test_the_rows_of_an_answer_are_counted(hostile: Hostile, content: str, rows: int | None) -> None:
    calls: list[FinishedCall] = []
    hostile.client._on_call = calls.append
    hostile.answers(content)
    await hostile.call()
    assert calls[0].rows == rows


async def test_an_answer_without_end_is_not_read_further(hostile: Hostile) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(bytes(MIB))
        except ConnectionError:
            return answer

    hostile.answer = endless
    assert (await failure(hostile)).kind is FailureKind.TOO_LARGE
    assert (await failure(hostile, most=1000)).kind is FailureKind.TOO_LARGE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(hostile: Hostile, status: int) -> None:
    hostile.answers("", status, Location="/elsewhere")
    assert "redirects" in str(await failure(hostile))
    assert len(hostile.paths) == 1


@pytest.mark.parametrize(
    "date",
    ["Mon, 01 Jan 2020 00:00:00 +9999999999999", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
     "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359", "x" * 4000, "0"],
)  # fmt: skip
async def test_an_absurd_date_is_ignored(hostile: Hostile, date: str) -> None:
    hostile.answers("[]", Date=date)
    assert await hostile.call() == b"[]"
    assert abs(hostile.client.skew_s) < 100 * 366 * 86_400
    hostile.answers("{}", 503, Retry_After=date)
    after = (await failure(hostile)).retry_after_s
    assert after is None or 0 <= after <= 3600


@pytest.mark.parametrize("after", ["-5", "²", "9" * 400, "nan", "1e9", "inf"])
async def test_an_absurd_retry_after(hostile: Hostile, after: str) -> None:
    hostile.answers("{}", 429, Retry_After=after)
    found = (await failure(hostile)).retry_after_s
    assert found in (None, 3600.0)


async def test_an_error_text_is_shown_without_control_characters_and_short(hostile: Hostile) -> None:
    hostile.answers(json.dumps({"code": "\u202e", "message": "\x1b[2J\u202e\ud800" + "x" * 50_000}), 400)
    said = str(await failure(hostile))
    assert len(said) < 300
    assert said.isprintable()
    said.encode()


@pytest.mark.parametrize(
    "body",
    [b"[" + b"{}," * 600_000 + b"{}]", b"[" + b"[]," * 600_000 + b"[]]", b"[" * 2_000_000, b'[{"a":' * 9_000],
)
def test_a_response_with_too_many_values_is_rejected_before_it_is_parsed(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.protocol.directory.rows.json", None)
    with pytest.raises(InvalidResponse, match="too many"):
        read_objects(body)


def test_a_page_of_the_queue_and_a_full_response_are_not_too_many() -> None:
    row = {"id": "1", "ciphertext": json.dumps({"type": "message", "from": "a"})}
    assert len(read_objects(json.dumps([row] * 1_000).encode())) == 1_000 < MAX_VALUES


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_outside_of_the_calendar_is_none(text: str) -> None:
    assert parse_time(text) is None


def test_texts_that_cannot_be_stored_are_dropped() -> None:
    (found,) = read_users(b'[{"username":"bob","node_id":"\\ud800","last_ip":"\\udfff","public_key":7}]')
    assert (found.node_id, found.last_ip, found.public_key) == ("", "", "")
    assert (
        read_users(b'[{"username":"\\ud800"},{"username":"b\\u202eo"},{"username":null},{"username":"a\\u0000"}]')
        == []
    )


@pytest.fixture
def time() -> SteppedTime:
    return SteppedTime()


@pytest.fixture
async def wired(make_companion: MakeCompanion, time: SteppedTime) -> AsyncIterator[Wired]:
    async with wired_to(SqliteStore(), make_companion, time) as wired:
        yield wired


ANSWERS = [
    "", "null", "{}", "[]", "[null]", "[[]]", '[{"username":7}]', '"', "[" * 100_000, "\ud7ff", "1e999", "[1e999]",
    '[{"id":7}]', '[{"id":"1","created_at":"never"}]', '[{"id":"\\ud800","from_user":"bob"}]',
    '[{"id":"1","created_at":"9999-12-31T23:59:59-23:59","from_user":"bob","ciphertext":"x"}]',
    '[{"id":"1","created_at":"2026-01-01T00:00:00Z","from_user":"b\\u202eob","ciphertext":"x"}]',
    '[{"id":"1","created_at":"2026-01-01T00:00:00Z","from_user":"bob","ciphertext":"\\ud800{"}]',
    '[{"id":"1","created_at":"2026-01-01T00:00:00Z","from_user":"bob","ciphertext":"{","signature":[]}]',
    '[{"username":"bob","last_seen":"0001-01-01T00:00:00+23:59","last_ip":"\\ud800"}]',
    '[{"username":"bob","last_seen":1e308,"last_ip":{},"node_id":[],"public_key":"\\u0000"}]',
    '[{"username":"anna","node_id":"\\u202e\\u001b[2J"}]', "[" + "{}," * 100_000 + "{}]",
]  # fmt: skip


@pytest.mark.parametrize("status", [200, 400])
async def test_no_answer_ends_the_source(wired: Wired, time: SteppedTime, status: int) -> None:
    wired.contacts.each = {"bob": Contact("bob", True, 0.0)}
    await wired.stand_in.add("users", user("bob"))
    await started(wired, time)
    for answer in ANSWERS:
        for method, seconds in (("GET", 70), ("PATCH", 70), ("POST", 1)):
            failure = Failure(status, {"Content-Type": "application/json"}, answer, method=method)
            wired.stand_in.failures.extend([failure, failure])
            await pass_time(time, seconds)
            assert wired.companion.sources.state(NAME) is SourceState.RUNNING, answer
            assert wired.source.status.text.isprintable(), answer
    wired.stand_in.failures.clear()
    await pass_time(time, 2000)
    assert wired.source.status.condition is Condition.OK


@pytest.mark.parametrize("size", [100_000, 2_200_000], ids=["many values", "large"])
async def test_rows_that_others_write_to_block_the_queue_do_not(wired: Wired, time: SteppedTime, size: int) -> None:
    await started(wired, time)
    await wired.stand_in.add(
        "messages", *(queued(number, "zoe", ciphertext="{" * size) for number in range(3)), queued(9)
    )
    await pass_time(time, 10)
    assert list(wired.inbox.stored) == [queued(9)["id"]]
    assert wired.source.status.condition is Condition.OK


async def test_times_that_python_cannot_represent_do_not_block_the_queue(wired: Wired, time: SteppedTime) -> None:
    await started(wired, time)
    await wired.stand_in.add(
        "messages",
        *(
            queued(0, "zoe", id=f"a1b2c3d4-e5f6-4890-abcd-{number:012d}", created_at="-infinity")
            for number in range(250)
        ),
        queued(9),
    )
    await pass_time(time, 10)
    assert list(wired.inbox.stored) == [queued(9)["id"]]
    assert wired.source.status.condition is Condition.OK


@pytest.mark.parametrize("size", [100_000, 2_200_000], ids=["many values", "large"])
async def test_a_huge_name_of_a_sender_does_not_block_the_queue(wired: Wired, time: SteppedTime, size: int) -> None:
    await started(wired, time)
    await wired.stand_in.add("messages", queued(1, "{" * size), queued(9))
    await pass_time(time, 10)
    assert list(wired.inbox.stored) == [queued(9)["id"]]
    assert wired.source.status.condition is Condition.OK


@pytest.mark.parametrize("size", [100_000, 2_200_000], ids=["many values", "large"])
async def test_a_friend_whose_row_is_huge_hides_no_other_friend(wired: Wired, time: SteppedTime, size: int) -> None:
    names = ["bob", "carol", "dave", "mallory"]
    wired.contacts.each = {name: Contact(name, False, 0.0) for name in names}
    await wired.stand_in.add("users", *(user(name, last_seen=timestamp(time.began)) for name in names[:3]))
    await wired.stand_in.add("users", user("mallory", node_id="{" * size, last_seen=timestamp(time.began)))
    await started(wired, time)
    await pass_time(time, 1)
    assert sorted(each.username for each in wired.contacts.entries) == names[:3]
    assert wired.source.status.condition is Condition.OK


async def test_users_that_were_not_asked_for_are_ignored(wired: Wired, time: SteppedTime) -> None:
    wired.contacts.each = {"bob": Contact("bob", False, 0.0)}
    await started(wired, time)
    others = json.dumps([{"username": "alice", "last_ip": "198.51.100.66"}, {"username": "bob"}])
    failure = Failure(200, {"Content-Type": "application/json"}, others, method="GET")
    wired.stand_in.failures.extend([failure] * 2)  # presence and queue
    await pass_time(time, 61)
    assert [each.username for each in wired.contacts.entries] == ["bob"]
