"""The source as a whole, against the stand-in: connect, register, periodic jobs, failures and back-off."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from app.companion import Companion
from app.hub.causes import Cause, FiredEvent
from app.hub.journal import Row, Verdict
from app.hub.switchable import Condition
from app.protocol.directory.errors import DirectoryError, FailureKind
from app.protocol.directory.filters import timestamp
from app.protocol.directory.rows import DirectoryUser
from app.protocol.errors import Invalid, Unreachable
from app.sources.peers.parts import QueuedMessage
from app.sources.source import SourceState
from app.sources.supabase.call_log import CallLog
from app.sources.supabase.client import FinishedCall
from app.sources.supabase.contracts import Contact
from app.sources.supabase.registration import Registration
from app.sources.supabase.session import ProjectSession
from tests.conftest import MakeCompanion, until
from tests.postgrest_stand_in.fixtures import MakeStore
from tests.postgrest_stand_in.server import JWT, Failure
from tests.postgrest_stand_in.stores import SqliteStore
from tests.sources.supabase.doubles import ME, NAME, SteppedTime, Wired, wired_to

UUID = "a1b2c3d4-e5f6-4890-abcd-ef12345678{:02d}"


def user(name: str, **columns: Any) -> dict[str, Any]:
    return {"username": name, "node_id": f"node-{name}", "public_key": "p", "signing_key": "s", **columns}


def queued(number: int, sender: str = "bob", **columns: Any) -> dict[str, Any]:
    return {
        "id": UUID.format(number), "to_user": "anna", "from_user": sender, "ciphertext": "QUJD", "signature": "s",
        "created_at": timestamp(1_770_825_000 + number), **columns,
    }  # fmt: skip


@pytest.fixture
def time() -> SteppedTime:
    return SteppedTime()


@pytest.fixture
async def wired(make_companion: MakeCompanion, make_store: MakeStore, time: SteppedTime) -> AsyncIterator[Wired]:
    async with wired_to(make_store(), make_companion, time) as wired:
        yield wired


@pytest.fixture
async def wired_with_marks(
    make_companion: MakeCompanion, make_store: MakeStore, time: SteppedTime
) -> AsyncIterator[Wired]:
    """Return a source whose project has the table of read marks. The setting that synchronizes them is off."""
    async with wired_to(make_store(read_marks=True), make_companion, time) as wired:
        yield wired


async def started(wired: Wired, time: SteppedTime) -> None:
    wired.start()
    await until(lambda: time.asleep or wired.companion.sources.state(NAME) is not SourceState.RUNNING)


async def pass_time(time: SteppedTime, seconds: float) -> None:
    end = time.passed + seconds
    while time.passed < end:
        time.advance()
        await time.settle()


def rows(companion: Companion, event: str = "supabase") -> list[Row]:
    return [row for row in companion.journal if row.event == event]


async def test_connects_registers_and_renews_the_registration(wired: Wired, time: SteppedTime) -> None:
    await started(wired, time)
    assert (wired.source.status.condition, wired.source.status.text) == (
        Condition.OK, "Connected as anna: newer schema."
    )  # fmt: skip
    (row,) = await wired.stand_in.rows("users")
    began = timestamp(time.began).replace("Z", "+00:00")
    assert row == {
        "username": "anna", "node_id": ME.node_id, "public_key": ME.public_key, "signing_key": ME.signing_key,
        "last_ip": "192.0.2.7", "last_seen": began,
    }  # fmt: skip
    await pass_time(time, 60)
    (row,) = await wired.stand_in.rows("users")
    assert row["last_seen"] == timestamp(time.began + 60).replace("Z", "+00:00")
    assert len(wired.stand_in.calls("GET", "messages")) == 1 + 2  # the probe, and 0 and 5 s
    assert wired.source.status.counts["heartbeats"] == 1


async def test_without_an_address_in_the_settings_the_heartbeat_registers_the_current_one(
    wired: Wired, time: SteppedTime
) -> None:
    assert wired.options
    wired.options = wired.options._replace(last_ip="")
    await started(wired, time)
    registered = []
    for wired.address in ("192.0.2.9", "198.51.100.4", "", "203.0.113.5"):
        await pass_time(time, 60)
        registered += [each["last_ip"] for each in await wired.stand_in.rows("users")]
    assert registered == ["192.0.2.9", "198.51.100.4", "198.51.100.4", "203.0.113.5"]


async def test_a_switched_off_source_makes_no_call(wired: Wired, time: SteppedTime) -> None:
    wired.options = None
    wired.start()
    await until(lambda: wired.companion.sources.state(NAME) is SourceState.DONE)
    assert (wired.source.status.condition, wired.stand_in.requests) == (Condition.OFF, [])
    with pytest.raises(Unreachable, match="The source supabase is not connected: Off"):
        await wired.source.look_up("bob")


async def test_the_key_is_sent_as_the_gateway_wants_it_and_never_logged(wired: Wired, time: SteppedTime) -> None:
    wired.log_routine = True
    await started(wired, time)
    assert {each.headers.get("Authorization") for each in wired.stand_in.requests} == {None}
    await wired.companion.sources.stop(NAME)
    wired.key = JWT
    await started(wired, time)
    last = wired.stand_in.requests[-1]
    assert (last.headers["apikey"], last.headers["Authorization"]) == (JWT, f"Bearer {JWT}")
    written = "".join(f"{row.note}{row.payload.decode()}" for row in wired.companion.journal)
    assert "POST /users" in written
    assert JWT not in written
    assert "sb_publishable" not in written


@pytest.mark.parametrize(
    ("name", "there", "personas", "text"),
    [
        ("me", [], [], "The user name me cannot be registered"),
        ("anna", [user("anna")], [], "The name anna is registered by another node (node-ann…)"),
        ("anna", [], ["anna"], "The name anna cannot be registered, because it is a persona"),
        ("anna", [user("old", node_id=ME.node_id)], [], "This node is registered under another name"),
    ],
)
async def test_a_name_that_cannot_be_registered_is_reported(
    wired: Wired, time: SteppedTime, name: str, there: list[dict[str, Any]], personas: list[str], text: str
) -> None:
    await wired.stand_in.add("users", *there)
    assert wired.options
    wired.options, wired.peers.names = wired.options._replace(username=name), personas
    await started(wired, time)
    assert wired.source.status.condition is Condition.FAILED
    assert wired.source.status.text.startswith(text)
    assert [each["node_id"] for each in await wired.stand_in.rows("users")] == [each["node_id"] for each in there]


async def test_keys_that_are_replaced_while_the_source_connects_are_registered(
    wired: Wired, time: SteppedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def replace_keys(_: Registration, personas: Sequence[str]) -> list[DirectoryUser]:
        wired.peers.me = ME._replace(public_key="new")
        return []

    monkeypatch.setattr(Registration, "look_up_all", replace_keys)
    await started(wired, time)
    (row,) = await wired.stand_in.rows("users")
    assert (row["node_id"], row["public_key"]) == (ME.node_id, "new")
    assert wired.source.status.condition is Condition.OK


async def test_personas_with_the_name_of_a_registered_user_are_reported(wired: Wired, time: SteppedTime) -> None:
    wired.peers.names = ["alice", "bob"]
    await wired.stand_in.add("users", user("bob"))
    await started(wired, time)
    assert wired.source.status.condition is Condition.OK
    assert wired.source.status.warnings == (
        "bob is registered in the directory, but a persona here: rename or remove them in Chats to chat with these "
        "users.",
    )


async def test_presence_is_fired_only_on_a_change(wired: Wired, time: SteppedTime) -> None:
    now = time.began
    await wired.stand_in.add(
        "users",
        user("bob", last_seen=timestamp(now - 10)),
        user("carol", last_seen=timestamp(now - 299)),
        user('a,"b"(c)', last_seen=timestamp(now - 301)),
    )
    names = {"bob": False, "carol": True, 'a,"b"(c)': True, "gone": False}
    wired.contacts.each = {name: Contact(name, online, 0.0) for name, online in names.items()}

    def fired() -> list[tuple[str, str]]:
        return [
            (row.event, row.payload.decode().partition('"username":')[2].rstrip("}").strip())
            for row in wired.companion.journal
            if row.event.startswith("friend_")
        ]

    def update() -> None:
        for event, name in fired():
            plain = name[1:-1].replace('\\"', '"')
            contact = wired.contacts.each[plain]
            wired.contacts.each[plain] = contact._replace(online=event == "friend_online")

    await started(wired, time)
    assert sorted(fired()) == [("friend_offline", '"a,\\"b\\"(c)"'), ("friend_online", '"bob"')]
    update()
    await pass_time(time, 29)
    assert len(fired()) == 3  # carol: 329 s
    assert fired()[-1] == ("friend_offline", '"carol"')
    update()
    await pass_time(time, 90)
    assert len(fired()) == 3


async def test_presence_that_a_breakpoint_holds_is_fired_once(wired: Wired, time: SteppedTime) -> None:
    wired.contacts.each = {"bob": Contact("bob", False, 0.0)}
    await wired.stand_in.add("users", user("bob", last_seen=timestamp(time.began)))
    held: list[str] = []

    def hold(cause: Cause) -> None:
        assert isinstance(cause, FiredEvent)
        held.append(cause.event.event)

    registration = wired.companion.hub.interceptors.add(hold)
    await started(wired, time)
    await pass_time(time, 120)
    assert held == ["friend_online"]
    await pass_time(time, 300)  # the user has decided nothing, and the presence has changed back
    assert held == ["friend_online"]
    wired.contacts.each["bob"] = Contact("bob", True, time.clock.wall() - 301)
    await pass_time(time, 60)
    assert held == ["friend_online", "friend_offline"]
    registration.remove()


async def test_presence_is_not_fired_for_a_friend_who_is_removed_while_it_is_read(
    wired: Wired, time: SteppedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def remove(user: DirectoryUser) -> None:
        del wired.contacts.each[user.username]

    wired.contacts.each = {"bob": Contact("bob", False, 0.0), "carol": Contact("carol", True, 0.0)}
    await wired.stand_in.add("users", user("bob", last_seen=timestamp(time.began)))
    monkeypatch.setattr(wired.contacts, "note_entry", remove)
    await started(wired, time)
    fired = [row.payload for row in wired.companion.journal if row.event.startswith("friend_")]
    assert len(fired) == 1
    assert b"carol" in fired[0]


async def test_queued_messages_are_deleted_by_id_after_the_commit(wired: Wired, time: SteppedTime) -> None:
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    await wired.stand_in.add("messages", queued(1), queued(2), queued(3, "mallory"))
    await started(wired, time)
    assert sorted(wired.inbox.stored) == [UUID.format(1), UUID.format(2)]
    assert [each["id"] for each in await wired.stand_in.rows("messages")] == [UUID.format(3)]
    deletes = wired.stand_in.calls("DELETE", "messages")
    assert [each.query["id"] for each in deletes] == [f"eq.{UUID.format(n)}" for n in (1, 2)]
    await pass_time(time, 65)
    (row,) = rows(wired.companion, "queue")
    assert row.note == "a message of mallory, who is not a friend, stays in the queue."
    assert wired.inbox.taken.count(UUID.format(3)) == 1
    assert wired.source.status.warnings == ("1 row stays in the queue: the log says why.",)
    wired.inbox.known["mallory"] = "key"
    await pass_time(time, 60)
    assert await wired.stand_in.rows("messages") == []
    assert wired.source.status.counts["messages in"] == 3


async def test_a_refused_message_is_tried_again_when_the_pinned_key_changes(
    wired: Wired, time: SteppedTime
) -> None:
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    await wired.stand_in.add("messages", queued(1))
    wired.inbox.refused[UUID.format(1)] = "the signature is wrong"
    await started(wired, time)
    await pass_time(time, 65)
    assert [row.note for row in rows(wired.companion, "queue")] == [
        "a message of bob stays in the queue: the signature is wrong."
    ]
    assert wired.inbox.taken.count(UUID.format(1)) == 1
    wired.inbox.refused.clear()
    wired.inbox.known["bob"] = "key 2"
    await pass_time(time, 60)
    assert (list(wired.inbox.stored), await wired.stand_in.rows("messages")) == ([UUID.format(1)], [])


@pytest.mark.parametrize("expected_warnings", [["the source supabase under test failed"]])
async def test_a_crash_between_commit_and_deletion_neither_loses_nor_duplicates(
    wired: Wired, time: SteppedTime, expected_warnings: list[str]
) -> None:
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    await wired.stand_in.add("messages", queued(1), queued(2))
    wired.inbox.crash_after_commit = True
    wired.start()
    await until(lambda: wired.companion.sources.state(NAME) is SourceState.FAILED)
    assert (len(wired.inbox.stored), len(await wired.stand_in.rows("messages"))) == (1, 2)
    assert (wired.source.status.condition, wired.source.status.text[:13]) == (Condition.FAILED, "It ended beca")
    wired.inbox.crash_after_commit = False
    await started(wired, time)
    assert (len(wired.inbox.stored), await wired.stand_in.rows("messages")) == (2, [])
    assert wired.source.status.counts["messages in"] == 1  # the other was known


@pytest.mark.parametrize("after", [True, False])
async def test_a_deletion_that_fails_is_repeated_until_the_row_is_gone(
    wired: Wired, time: SteppedTime, after: bool
) -> None:
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    await wired.stand_in.add("messages", queued(1), queued(2))
    wired.stand_in.failures += [Failure(503, after=after, method="DELETE")]
    await started(wired, time)
    assert wired.source.status.condition is Condition.WAITING
    assert len(await wired.stand_in.rows("messages")) == (1 if after else 2)
    time.advance()
    await until(lambda: wired.source.is_connected and time.asleep)
    await pass_time(time, 60)
    assert (len(wired.inbox.stored), await wired.stand_in.rows("messages")) == (2, [])


async def test_peek_only_never_deletes(wired: Wired, time: SteppedTime) -> None:
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    await wired.stand_in.add("messages", queued(1))
    assert wired.options
    wired.options = wired.options._replace(peek_only=True)
    await started(wired, time)
    await pass_time(time, 120)
    assert wired.stand_in.calls("DELETE", "messages") == []
    assert (len(wired.inbox.stored), len(await wired.stand_in.rows("messages"))) == (1, 1)
    assert wired.source.status.text == "Connected as anna: newer schema; messages are read, but not deleted."
    assert wired.source.status.warnings == ()


async def test_the_queue_is_read_page_by_page_beyond_1000_rows(wired: Wired, time: SteppedTime) -> None:
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    # Many rows have the same time, so that pages end among them. Those of mallory stay.
    await wired.stand_in.add(
        "messages",
        *(
            {**queued(0, "mallory" if n % 2 else "bob"), "id": f"a1b2c3d4-e5f6-4890-abcd-{n:012d}",
             "created_at": timestamp(1_770_825_000 + n // 70)}
            for n in range(1104)
        ),
    )  # fmt: skip
    await started(wired, time)
    assert len(wired.inbox.stored) == 552
    assert wired.inbox.taken == sorted(wired.inbox.taken)
    assert len(await wired.stand_in.rows("messages")) == 552
    assert len([each for each in wired.stand_in.calls("GET", "messages") if "or" in each.query]) == 11


async def test_the_queue_is_read_beyond_a_row_limit_of_the_project(
    wired: Wired, time: SteppedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.postgrest_stand_in.server.MAX_ROWS", 50)
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    await wired.stand_in.add("messages", *(queued(n, "mallory" if n < 60 else "bob") for n in range(70)))
    await started(wired, time)
    assert len(wired.inbox.stored) == 10
    await pass_time(time, 5)
    wired.stand_in.requests.clear()
    await pass_time(time, 60)
    assert len(wired.stand_in.calls("GET", "messages")) == 2  # 50 and 10 rows


async def test_rows_that_are_too_large_do_not_block_the_queue(
    wired: Wired, time: SteppedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sources.supabase.queue_in.MAX_BYTES", 4096)
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    large = queued(2, ciphertext="x" * 10_000)
    await wired.stand_in.add("messages", queued(1), large, *(queued(n) for n in range(3, 50)))
    await started(wired, time)
    assert len(wired.inbox.stored) == 48
    assert [each["id"] for each in await wired.stand_in.rows("messages")] == [UUID.format(2)]
    assert [row.note for row in rows(wired.companion, "queue")] == ["a queued row was not read: it is too large."]


async def test_row_level_security_that_forbids_deleting_is_not_asked_at_every_poll(
    wired: Wired, time: SteppedTime
) -> None:
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    await wired.stand_in.add("messages", queued(1))
    wired.stand_in.store.forbidden = {("messages", "DELETE")}
    await started(wired, time)
    await pass_time(time, 180)
    assert len(wired.stand_in.calls("DELETE", "messages")) == 1
    assert len(wired.inbox.stored) == 1


@pytest.mark.parametrize(
    ("failure", "condition", "text", "seconds"),
    [
        (Failure(429, {"Retry-After": "100"}), Condition.WAITING, "The project has received too many", 100),
        (Failure(503), Condition.WAITING, "The project answers with the status 503: unavailable.", 5),
        (Failure(0), Condition.WAITING, "The connection to 127.0.0.1 failed", 5),
        (Failure(302, {"Location": "http://192.0.2.1/"}), Condition.FAILED, "The address redirects", 5),
        (Failure(200, body="<html>"), Condition.OK, "Connected", 0),
    ],
    ids=["429", "503", "closed", "redirect", "html"],
)
async def test_failures_are_waited_out(
    wired: Wired, time: SteppedTime, failure: Failure, condition: Condition, text: str, seconds: float
) -> None:
    wired.stand_in.failures += [failure] * (
        1 if failure.status else 2
    )  # aiohttp repeats a call once if the connection closes
    await started(wired, time)
    status = wired.source.status
    assert (status.condition, status.text[: len(text)]) == (condition, text)
    assert status.next_try is not None
    if seconds:
        assert seconds <= status.next_try - time.clock.wall() <= seconds * 1.2
        time.advance()
        await until(lambda: wired.source.is_connected)
        assert wired.source.status.counts["failures"] == 1


async def test_a_locked_keyring_does_not_keep_a_connection_down_after_a_failure(
    wired: Wired, time: SteppedTime
) -> None:
    await started(wired, time)
    wired.keyring_locked = True
    wired.stand_in.failures.append(Failure(503))
    await pass_time(time, 30)
    assert wired.source.status.condition is Condition.OK
    assert wired.source.status.counts["failures"] == 1


async def test_the_delays_double_and_a_sleeping_project_is_named(wired: Wired, time: SteppedTime) -> None:
    await started(wired, time)
    wired.stand_in.asleep = True
    delays = []
    for _ in range(12):
        delay = time.advance()
        await until(lambda: time.asleep)
        delays.append(delay)
    assert wired.source.status.text.startswith("The project is paused, as free projects are after 7 days")
    assert wired.source.status.condition is Condition.WAITING
    assert delays[1] <= 30
    assert 900 <= delays[-1] <= 900 * 1.2
    wired.stand_in.asleep = False
    time.advance()
    await until(lambda: wired.source.is_connected)
    paused = [row for row in rows(wired.companion) if "paused" in row.note]
    assert 1 <= len(paused) <= 12
    assert {row.verdict for row in paused} == {Verdict.WARNING}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("key", "The project rejects the API key."),
        ("secret", "The API key is a secret key, which has all rights in the project."),
        ("users", "The project has no table users."),
        ("messages", "The project has no table messages."),
        ("insert", "Row-level security forbids this call on the table users."),
        ("update", "Row-level security "),
    ],
)
async def test_what_the_user_has_to_correct_is_named(
    wired: Wired, time: SteppedTime, change: str, text: str
) -> None:
    match change:
        case "key":
            wired.key = JWT[:-4] + "AAAA"
        case "secret":
            wired.key = "sb_secret_0123456789"
        case "users" | "messages":
            wired.stand_in.missing_tables = {change}
        case "insert":
            wired.stand_in.store.forbidden = {("users", "INSERT")}
        case "update":
            await started(wired, time)
            await wired.companion.sources.stop(NAME)
            wired.stand_in.store.forbidden = {("users", "UPDATE")}
    await started(wired, time)
    if change == "update" and wired.source.is_connected:
        await pass_time(time, 60)
    assert wired.source.status.condition is Condition.FAILED
    assert wired.source.status.text.startswith(text)


async def test_a_deleted_registration_is_renewed(wired: Wired, time: SteppedTime) -> None:
    await started(wired, time)
    assert wired.options is not None
    await wired.source.unregister(wired.options)
    assert await wired.stand_in.rows("users") == []
    await pass_time(time, 60)
    assert [each["username"] for each in await wired.stand_in.rows("users")] == ["anna"]


async def test_the_registration_is_deleted_under_any_name_or_an_error_says_why_it_is_not(
    wired: Wired, time: SteppedTime
) -> None:
    assert wired.options
    await wired.stand_in.add("users", user("old", node_id=ME.node_id), user("anna"))
    wired.stand_in.store.forbidden = {("users", "DELETE")}
    with pytest.raises(Unreachable, match="Add a policy that allows DELETE for the role anon"):
        await wired.source.unregister(wired.options)
    wired.stand_in.store.forbidden = set()
    assert await wired.source.unregister(wired.options) == "old"
    assert [each["username"] for each in await wired.stand_in.rows("users")] == ["anna"]
    assert await wired.source.unregister(wired.options) == ""


@pytest.mark.parametrize("skew", [-400.0, 400.0])
async def test_clock_skew_is_reported_and_corrected(wired: Wired, time: SteppedTime, skew: float) -> None:
    wired.stand_in.skew_s = skew
    await wired.stand_in.add("users", user("bob", last_seen=timestamp(time.began + skew - 100)))
    wired.contacts.each = {"bob": Contact("bob", False, 0.0)}
    await started(wired, time)
    side = "behind" if skew > 0 else "ahead of"
    (warning,) = wired.source.status.warnings
    assert warning.startswith(f"This computer's clock is 7 minutes {side} the project's.")
    assert [row.event for row in wired.companion.journal if row.event.startswith("friend_")] == ["friend_online"]
    own = next(each for each in await wired.stand_in.rows("users") if each["username"] == "anna")
    assert own["last_seen"] == timestamp(time.began + skew).replace("Z", "+00:00")
    assert wired.options
    assert not (await wired.source.test(wired.options)).ok


MESSAGE = QueuedMessage(UUID.format(7), "anna", "bob", b'{"type":"message"}', "bm9uY2Vib3g=", "c2ln")


@pytest.mark.parametrize("new", [True, False])
async def test_messages_are_put_into_the_queue_of_both_schemas_once(
    make_companion: MakeCompanion, make_store: MakeStore, time: SteppedTime, new: bool
) -> None:
    async with wired_to(make_store(new=new), make_companion, time) as wired:
        bob = user("bob")
        await wired.stand_in.add("users", bob if new else {k: v for k, v in bob.items() if k != "signing_key"})
        await started(wired, time)
        with pytest.raises(Invalid, match="The recipient is not registered in the directory"):
            await wired.source.put(MESSAGE._replace(recipient="nobody"))
        wired.stand_in.failures.append(Failure(0, after=True))  # stored, but the answer is lost
        with pytest.raises(Unreachable, match=r"The connection to 127\.0\.0\.1 failed"):
            await wired.source.put(MESSAGE)
        await wired.source.put(MESSAGE)
        (row,) = await wired.stand_in.rows("messages")
        content = "bm9uY2Vib3g=" if new else "eyJ0eXBlIjoibWVzc2FnZSJ9"
        assert (row["id"], row["from_user"], row["to_user"]) == (UUID.format(7), "anna", "bob")
        assert (row["ciphertext"], row.get("signature")) == (content, "c2ln" if new else None)
        assert bool(wired.source.status.warnings) is not new
        found = await wired.source.look_up("bob")
        assert found
        assert (found.node_id, found.signing_key) == ("node-bob", "s" if new else "")
        assert await wired.source.look_up("nobody") is None
        assert "sealed, " in "".join(row.payload.decode() for row in rows(wired.companion))
        assert "bm9uY2Vib3g" not in "".join(row.payload.decode() for row in wired.companion.journal)


async def test_a_message_that_is_sent_while_the_source_is_switched_off_is_not_lost(
    wired: Wired, time: SteppedTime
) -> None:
    await started(wired, time)
    session = wired.source._connected()
    await wired.companion.sources.stop(NAME)
    with pytest.raises(DirectoryError, match="The source was switched off"):
        await session.queue_out.put(MESSAGE)


async def test_routine_calls_are_hidden_or_logged_once_a_minute(wired: Wired, time: SteppedTime) -> None:
    await started(wired, time)
    await pass_time(time, 600)
    assert [row.note.partition(":")[0] for row in rows(wired.companion)] == ["POST /users"]
    wired.log_routine = True
    await pass_time(time, 600)
    notes = [row.note for row in rows(wired.companion)][1:]
    assert 10 <= len(notes) <= 22
    assert {note.partition(":")[0] for note in notes} == {"PATCH /users", "GET /messages"}


async def test_the_connection_check_changes_nothing(wired: Wired, time: SteppedTime) -> None:
    assert wired.options
    result = await wired.source.test(wired.options)
    assert result.ok
    assert result.text.endswith("newer schema; anna is not registered yet.")
    assert {each.method for each in wired.stand_in.requests} == {"GET"}
    await wired.stand_in.add("users", user("bob"))
    wired.peers.names = ["alice", "bob"]
    result = await wired.source.test(wired.options)
    assert result.ok
    assert "bob is registered in the directory, but a persona here" in result.text
    await wired.stand_in.add("users", user("anna"), user("old", node_id=ME.node_id))
    for name, text in (("anna", "The name anna is registered by another node (node-ann…)."),
                       ("new", "This node is registered under another name.")):  # fmt: skip
        result = await wired.source.test(wired.options._replace(username=name))
        assert (result.ok, result.text[: len(text)]) == (False, text)
    result = await wired.source.test(wired.options._replace(username="old"))
    assert (result.ok, "old is registered." in result.text) == (True, True)
    wired.peers.names = ["anna"]
    result = await wired.source.test(wired.options)
    assert not result.ok
    assert "anna cannot be registered, because it is a persona" in result.text
    wired.stand_in.asleep = True
    assert not (await wired.source.test(wired.options)).ok
    result = await wired.source.test(wired.options._replace(url="http://127.0.0.1:1"))
    assert result == (False, "127.0.0.1 refused the connection: no server listens there. Check the address.")
    result = await wired.source.test(wired.options._replace(url="https://p.invalid"))
    assert result == (False, "The name p.invalid was not found: check the address.")
    result = await wired.source.test(wired.options._replace(url=wired.stand_in.url.replace("http:", "https:")))
    assert result.text.startswith("The encrypted connection to 127.0.0.1 failed")
    assert FailureKind("tls") is FailureKind.TLS


async def test_read_marks_are_synchronized_among_the_companions_of_a_user(
    wired_with_marks: Wired, time: SteppedTime
) -> None:
    wired = wired_with_marks
    wired.synchronize_read_marks()
    await wired.stand_in.add("read_marks", {"username": "anna", "peer": "bob", "msg_id": "m1"})
    await started(wired, time)
    assert wired.peers.read == [("bob", "m1")]
    wired.peers.known |= {"carol": "key", "dave": "key"}
    wired.peers.newest |= {"bob": "m1", "carol": "m3", "dave": "x" * 5000, "persona": "m9"}
    for name in ("persona", "bob", "carol", "dave", "nobody"):
        wired.source.note_read(name)
    wired.stand_in.failures += [Failure(503, method="POST"), Failure(401, method="POST")]  # then it connects again
    await pass_time(time, 90)
    marks = {each["peer"]: each["msg_id"] for each in await wired.stand_in.rows("read_marks")}
    assert marks == {"bob": "m1", "carol": "m3"}
    assert set(wired.peers.read) == {("bob", "m1")}
    assert len(wired.stand_in.calls("POST", "read_marks")) == 3


async def test_read_marks_from_before_the_connection_and_from_a_session_are_sent_afterwards(
    wired_with_marks: Wired, time: SteppedTime
) -> None:
    wired = wired_with_marks
    wired.source.note_read("carol")  # the setting is off
    wired.synchronize_read_marks()
    wired.peers.known["carol"] = "key"
    wired.peers.newest = {"bob": "m1", "carol": "m3"}
    wired.source.note_read("bob")
    await started(wired, time)
    assert [each["msg_id"] for each in await wired.stand_in.rows("read_marks")] == ["m1"]
    wired.peers.in_session = True
    wired.peers.newest["bob"] = "of the session"
    wired.source.note_read("bob")
    await pass_time(time, 60)
    wired.peers.in_session = False
    wired.peers.newest["bob"] = "m2"
    await pass_time(time, 60)
    assert [each["msg_id"] for each in await wired.stand_in.rows("read_marks")] == ["m2"]
    assert len(wired.stand_in.calls("POST", "read_marks")) == 2


async def test_a_read_mark_whose_message_arrives_later_is_applied_then(
    wired_with_marks: Wired, time: SteppedTime
) -> None:
    wired = wired_with_marks
    wired.synchronize_read_marks()
    wired.peers.not_here.add("m1")
    await wired.stand_in.add("read_marks", {"username": "anna", "peer": "bob", "msg_id": "m1"})
    await started(wired, time)
    wired.peers.not_here.clear()
    await pass_time(time, 60)
    assert wired.peers.read == [("bob", "m1")]
    assert wired.source.status.counts["read marks in"] == 1


async def test_the_heartbeat_does_not_change_the_row_of_another_node(wired: Wired, time: SteppedTime) -> None:
    await started(wired, time)
    assert wired.options is not None
    await wired.source.unregister(wired.options)
    other = user("anna", last_ip="192.0.2.99")
    await wired.stand_in.add("users", other)
    await pass_time(time, 60)
    assert wired.source.status.text.startswith("The name anna is registered by another node")
    (row,) = await wired.stand_in.rows("users")
    assert row["last_ip"] == "192.0.2.99"


async def test_a_project_that_refuses_to_delete_does_not_block_the_queue(wired: Wired, time: SteppedTime) -> None:
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    await wired.stand_in.add("messages", queued(1), queued(2))
    refusal = Failure(403, body='{"code": "42501", "message": "permission denied"}', method="DELETE")
    wired.stand_in.failures += [refusal, refusal]
    await started(wired, time)
    assert len(wired.inbox.stored) == 2
    assert wired.source.status.condition is Condition.OK
    assert "stays in the queue: The role anon has no permission" in rows(wired.companion, "queue")[0].note


async def test_the_first_failure_is_logged_with_a_later_one_if_there_were_too_many_calls(
    wired: Wired, time: SteppedTime
) -> None:
    log = CallLog(wired.companion.journal, time.clock, lambda: True)
    call = FinishedCall("DELETE", "messages", {}, None, 200, 0.0, 0, "")
    failed = call._replace(status=403, error="forbidden")
    for _ in range(200):
        log.add(call)
    log.add(failed)
    time.passed += 10
    log.add(failed)
    last = rows(wired.companion)[-1]
    assert "403: forbidden" in last.note
    assert "more like this" not in last.note


async def test_without_the_table_read_marks_are_not_synchronized(wired: Wired, time: SteppedTime) -> None:
    wired.synchronize_read_marks()
    await started(wired, time)
    assert wired.source.status.condition is Condition.OK
    assert wired.source.status.warnings == (
        "The project has no table read_marks with its columns, so read marks are not synchronized.",
    )
    assert len(wired.stand_in.calls("GET", "read_marks")) == 1


@pytest.mark.parametrize(
    ("table", "column", "condition"),
    [("read_marks", "msg_id", Condition.OK), ("messages", "created_at", Condition.FAILED)],
)
async def test_columns_that_are_missing_are_found_when_the_source_connects(
    make_companion: MakeCompanion, time: SteppedTime, table: str, column: str, condition: Condition
) -> None:
    store = SqliteStore(read_marks=True)
    store._db.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO other")
    async with wired_to(store, make_companion, time) as wired:
        wired.synchronize_read_marks()
        await started(wired, time)
        assert wired.source.status.condition is condition
        reports = [*wired.source.status.warnings, wired.source.status.text]
        assert any(table in each for each in reports), reports


async def test_the_delay_grows_if_a_job_fails_after_each_connection(
    wired: Wired, time: SteppedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(_session: ProjectSession, job: str, _publisher: object) -> dict[str, int]:
        if job == "read marks" and fails:
            raise DirectoryError(FailureKind.MISSING_COLUMN, "A column is missing.")
        return {}

    fails = True
    monkeypatch.setattr(ProjectSession, "run", run)
    await started(wired, time)
    await pass_time(time, 600)
    assert 5 <= wired.source.status.counts["failures"] <= 8
    fails = False
    await pass_time(time, 900)
    assert wired.source.is_connected
    fails = True
    failures = wired.source.status.counts["failures"]
    await pass_time(time, 60)
    assert wired.source.status.counts["failures"] >= failures + 2, "it began again with the first delay"


@pytest.mark.parametrize("hours", [5, pytest.param(24, marks=pytest.mark.long)])
async def test_hours_with_an_outage_make_a_heartbeat_per_minute(
    wired: Wired, time: SteppedTime, hours: int
) -> None:
    """No sleeping: the clock is advanced from job to job. The project is away for two hours."""
    await started(wired, time)
    end, away, back = hours * 3600.0, (hours / 2 - 1) * 3600, (hours / 2 + 1) * 3600
    minutes = (hours - 2) * 60
    while time.passed < end:
        wired.stand_in.asleep = away <= time.passed < back
        time.advance()
        await time.settle()
    beats = [each.body["last_seen"] for each in wired.stand_in.calls("PATCH", "users")]
    assert wired.source.is_connected
    assert minutes - 25 <= wired.source.status.counts["heartbeats"] <= minutes + 1
    assert len(beats) == len(set(beats))
    lost = [call for call in wired.stand_in.requests if call.method != "PATCH"]
    assert len(lost) < minutes + 60  # the queue once a minute, and few attempts during the outage
    assert len(wired.companion.journal) < 40


async def test_while_a_session_plays_the_queue_waits(wired: Wired, time: SteppedTime) -> None:
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    await wired.stand_in.add("messages", queued(1))
    wired.peers.in_session = True  # what is stored now is discarded when the session ends
    await started(wired, time)
    await pass_time(time, 65)
    assert (wired.inbox.stored, len(await wired.stand_in.rows("messages"))) == ({}, 1)
    assert wired.source.status.counts["heartbeats"] == 1
    wired.peers.in_session = False
    await pass_time(time, 60)
    assert (len(wired.inbox.stored), await wired.stand_in.rows("messages")) == (1, [])


async def test_a_full_queue_is_read_in_several_polls(
    wired: Wired, time: SteppedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sources.supabase.queue_in.MAX_POLL_BYTES", 10_000)
    await wired.stand_in.add("users", user("anna", node_id=ME.node_id))
    rows_of_mallory = (
        {**queued(0, "mallory"), "id": f"00000000-0000-4000-8000-{n:012d}", "ciphertext": "QUJD" * 25}
        for n in range(250)
    )
    await wired.stand_in.add("messages", *rows_of_mallory, queued(99))
    await started(wired, time)
    assert wired.inbox.stored == {}
    await pass_time(time, 65)
    assert list(wired.inbox.stored) == [UUID.format(99)]
    assert len(await wired.stand_in.rows("messages")) == 250
