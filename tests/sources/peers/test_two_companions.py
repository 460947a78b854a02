"""Two companions that are peers: nothing is lost while one of them plays a session."""

from app.protocol.backend import RestCaller
from app.sources.peers.outbox import BACKOFF_S, BATCH, MAX_UNCONFIRMED
from tests.conftest import MakeCompanion
from tests.sources.peers.pair import ManualTime


async def test_messages_to_a_companion_that_plays_a_session_arrive_afterwards_in_their_order(
    make_companion: MakeCompanion,
) -> None:
    """Regression: they were given up within a minute."""
    time = ManualTime()
    anna, ben = [
        await make_companion(clock=time.clock, username=name, peers=True, peer_port=0, presence_decays=False)
        for name in ("anna", "ben")
    ]
    for each in (anna, ben):
        assert await each.start_service("peers"), each.services["peers"].error
    for each, other, name in ((anna, ben, "ben"), (ben, anna, "anna")):
        keys = (await other.identity.load()).public
        await each.peers.add(name, keys, f"127.0.0.1:{other.peer_server.port}")
    texts = [str(number) for number in range(2 * BATCH)]

    await ben.chat.begin_scratch()
    for text in texts:
        time.passed += 1.0  # ben's companion limits the messages per second
        await anna.chat.post_message("ben", text, RestCaller("", ""))
    for _ in range(MAX_UNCONFIRMED + 1):
        time.passed += BACKOFF_S[-1]
        await anna.peer_link.outbox.send_due()
    await ben.chat.end_scratch(keep=False)
    assert (await anna.peers.get("ben")).waiting == len(texts)

    for _ in range(len(texts) // BATCH):
        time.passed += BACKOFF_S[-1]
        await anna.peer_link.outbox.send_due()
    messages, _ = await ben.chat.store.page("anna", 100, 0)
    assert [each["text"] for each in messages] == texts
    assert (await anna.peers.get("ben")).waiting == 0
