"""The log warns of exactly the frames after which the reference client's two flavours begin to deviate."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.hub.row import Kind, Row
from app.observers import ui_candidates, ui_checks
from app.protocol.envelope import decode
from app.protocol.ui_stores import Flavour
from app.protocol.ui_violations import Around, is_unknown, preview_deviations
from tests.conftest import examples
from tests.observers.test_ui_checks import Checked

NAMES = ("alice", "bob", "carol", "me")


def act(checked: Checked, random: Random) -> None:
    """Let the page or the companion do something."""
    page = checked.hub.clients[0]
    match random.randrange(10):
        case 0:
            checked.friends(*random.sample(NAMES, random.randint(1, 3)))
        case 1:
            peer = random.choice(NAMES)
            checked.open(peer, {"msg_id": str(random.randrange(6)), "from": peer, "to": "me"})
        case 2:
            checked.online(random.choice(NAMES))
        case 3:
            checked.send("typing", {"username": random.choice(NAMES), "typing": random.random() < 0.5})
        case 4:
            checked.hub.leave(page)
            checked.wait(random.choice((0.1, 3.1)))
            checked.join()
            checked.friends(*NAMES[:2])
        case _:
            sender, to = random.sample(NAMES, 2)
            changes: dict[str, Any] = {"from": sender, "to": to, "text": str(random.randrange(3))}
            direction = random.choice(("received", "received", "sent"))
            checked.message(str(random.randrange(6)), direction=direction, **changes)


async def is_wrong(checked: Checked, row: Row) -> bool:
    """Return whether the reference client says that the released UI goes wrong with a frame."""
    (client,) = row.recipients
    shipped = await checked.states.around(client, Flavour.SHIPPED, row.seq)
    guide = await checked.states.around(client, Flavour.GUIDE, row.seq)
    if shipped is None or guide is None:
        return False
    data = decode(row.payload.decode()).data
    if row.event != "new_message":
        return is_unknown(data["username"], shipped[0])
    peer = data["to"] if data["direction"] == "sent" else data["from"]
    deviations = preview_deviations((data["from"], peer), Around(*shipped), Around(*guide))
    return bool(deviations) or is_unknown(peer, shipped[0])


@settings(max_examples=examples(40))
@given(st.integers(0, 2**32))
async def test_the_warnings_are_those_of_the_reference_client(seed: int) -> None:
    random = Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ui_candidates, "MAX_QUEUED", 1_000)
        patch.setattr(ui_checks, "MAX_ROWS_PER_S", 1_000)
        patch.setattr(ui_checks, "CALM", ui_checks.CALM._replace(pause=0))
        checked = Checked()
        checked.page(*NAMES[:2])
        for _ in range(30):
            act(checked, random)
            await checked.checks.check()
        notes = await checked.warnings()
        checked.checks.close()
    warned = {int(note.split(":")[0].removeprefix("#")) for note in notes}
    frames = [row for row in checked.hub.journal if row.kind is Kind.TO_UI and row.recipients]
    wrong = {row.seq for row in frames if await is_wrong(checked, row)}
    assert warned == wrong
