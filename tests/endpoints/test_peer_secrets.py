"""Known secret keys are planted and used, and nothing that leaves the program contains them."""

import json
import logging
from pathlib import Path

import pytest

from app.protocol.peers.base64_text import encode
from tests.endpoints.conftest import MakeControl
from tests.independent_peer import Line, new_id
from tests.protocol.peers.vector import ALICE, BOB
from tests.sources.peers.pair import ManualTime, Pair

SECRETS = (bytes(range(0x00, 0x20)), bytes(range(0x40, 0x60)))
FORMS = [
    form for each in SECRETS for form in (encode(each)[:-2], each.hex(), repr(each)[2:-1], str(list(each))[1:-1])
]


def leaks(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


async def test_no_answer_row_log_or_error_contains_a_secret_key(
    make_control: MakeControl, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backup = tmp_path / "backup.json"
    backup.write_text(ALICE.to_json())
    assert leaks(backup.read_text())  # otherwise this test would find nothing
    with caplog.at_level(logging.DEBUG):
        control = await make_control(username="anna", peers=True, peer_port=0)
        pair = Pair(control.companion, ManualTime())
        answers = [await control.post("/v1/peers/key/import", {"file": str(backup)})]
        await pair.introduce()
        assert (await control.companion.identity.load()).public == ALICE.public
        answers += [
            await control.get("/v1/peers/key"),
            await control.get("/v1/peers"),
            await control.post("/v1/peers", {"username": "zoe", **BOB.public.as_json(), "address": "127.0.0.1:9"}),
            await control.post("/v1/peers", {"username": "zoe", **ALICE.public.as_json()}),
            await control.post("/v1/peers/key/export", {"file": str(tmp_path / "export.json")}),
            await control.post("/v1/peers/key/export", {"file": str(tmp_path / "no" / "export.json")}),
            await control.post("/v1/peers/key/import", {"file": str(backup)}),
            await control.put("/v1/peers/ben/verified", {"fingerprint": "1"}),
            await control.get("/v1/status"),
            await control.get("/v1/settings"),
        ]
        damaged = json.loads(backup.read_text())
        for name in ("x25519_secret", "ed25519_secret"):
            backup.write_text(json.dumps({**damaged, name: damaged[name] + "="}))
            answers.append(await control.post("/v1/peers/key/import", {"file": str(backup), "replace": True}))
            assert answers[-1].status == 422
        line = await Line.open(control.companion.peer_server.port)
        await line.send(pair.ben.a("hi", new_id()), {**pair.ben.a("ho", new_id()), "signature": "AAAA"})
        await line.answer()
        line.close()
        answers += [await control.get("/v1/journal?limit=1000"), await control.post("/v1/peers/key/rotate")]
        await pair.close()
    assert len(answers) > 12
    for answer in answers:
        assert leaks(answer.body.decode()) == []
    assert leaks(caplog.text) == []
    assert leaks("".join(row.payload.decode() + row.note for row in control.companion.journal)) == []
    assert leaks(repr(control.companion.identity) + repr(vars(control.companion.identity))) == []
    assert leaks((tmp_path / "export.json").read_text())
