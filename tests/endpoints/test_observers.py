"""Observers see every row of the journal and every REST exchange, and change nothing."""

import json
from collections import Counter

from app.hub.origin import PANEL
from app.hub.rest_exchange import RestExchange
from app.hub.row import Row
from app.protocol.envelope import Envelope
from tests.endpoints.http_client import PAGE, Rest


async def test_an_observer_counts_rows(rest: Rest) -> None:
    companion, counts = rest.companion, Counter[str]()

    def count(row: Row) -> None:
        counts[row.event] += 1

    stop = companion.journal.appended.connect(count)
    for _ in range(3):
        await companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin=PANEL)
    stop()
    await companion.fire(Envelope("typing", {"username": "alice", "typing": False}), origin=PANEL)
    assert counts == {"typing": 3}


async def test_an_observer_receives_every_rest_exchange_including_unlogged_ones(rest: Rest) -> None:
    seen: list[RestExchange] = []
    rest.companion.hub.rest_exchanges.connect(seen.append)
    headers = {"Origin": PAGE, "User-Agent": "a browser"}
    first = rest.companion.journal.last_seq
    await rest.get("/friends", headers=headers)
    assert rest.companion.journal.last_seq == first
    await rest.post("/messages", {"to": "alice", "text": "hi"}, headers=headers)
    await rest.get("/messages?peer=alice&limit=1", headers=headers)
    await rest.call("PUT", "/nowhere", {}, headers=headers)
    assert [(each.method, each.path, each.status) for each in seen] == [
        ("GET", "/friends", 200),
        ("POST", "/messages", 200),
        ("GET", "/messages", 200),
        ("PUT", "/nowhere", 404),
    ]
    assert {each["username"] for each in json.loads(seen[0].response)} == {"alice", "bob", "carol", "dave"}
    assert json.loads(seen[1].request) == {"to": "alice", "text": "hi"}
    assert seen[2].query == "peer=alice&limit=1"
    assert json.loads(seen[2].response)["messages"][0]["text"] == "hi"
    assert {(each.origin, each.user_agent) for each in seen} == {(PAGE, "a browser")}
    assert all(each.started <= each.ended for each in seen)


async def test_a_failing_observer_does_not_affect_the_response(
    rest: Rest, caplog: object, expected_warnings: list[str]
) -> None:
    expected_warnings.append("a listener failed")

    def fail(_: RestExchange) -> None:
        raise ValueError("on purpose")

    rest.companion.hub.rest_exchanges.connect(fail)
    assert (await rest.get("/friends")).status == 200
