"""``companion contract`` with the real program: a page in a real browser, and a client that violates the guide."""

from pathlib import Path
from typing import Any

from . import sockets
from .browser import Site
from .chat_ui import window
from .conftest import Run, RunJson
from .processes import Companion

Counts = dict[str, int]


def counts(report: Any) -> Counts:
    return {each["rule"]: each["count"] for each in report["rules"] if each["count"]}


async def test_a_page_has_no_findings_and_a_client_that_violates_the_guide_has(
    program: Companion, site: Site, run: Run, run_json: RunJson, tmp_path: Path
) -> None:
    async with window(tmp_path / "profile") as chat:
        await chat.open(site.origin, program)
        await chat.open_chat("alice")
        run("trigger", "new_message", "--as", "alice", "--set", "text=one", "--wait", "10")
        await chat.wait_for_last("one")
        run("trigger", "friend_offline", "--as", "alice")
        await chat.polled()
        assert run("contract", "lint", "--severity", "info").out == ["no findings"]

    with sockets.client(program.url, "me") as client:
        for typing in (True, True, False):
            sockets.send(client, "typing", to="alice", typing=typing)
        run("trigger", "friend_offline", "--as", "alice", "--wait", "10")
        run("trigger", "friend_offline", "--as", "alice")
        sockets.receive(client)
    found = run_json("contract", "lint", exits=1)
    assert counts(found) == {"typing-repeated": 1, "presence-repeated": 1}
    row = run_json("journal", "--filter", "lint:typing-repeated")
    assert row["lint"] == ["typing-repeated"]
    junit = "\n".join(run("contract", "lint", "--format", "junit", exits=1).out)
    assert junit.count("<failure") == 1

    # the recording of the run has the same findings
    assert run_json("contract", "lint", "this-run", exits=1)["rules"] == found["rules"]

    run("contract", "rules", "--off", "typing-repeated")
    assert counts(run_json("contract", "lint")) == {"presence-repeated": 1}
    assert run("contract", "lint", "this-run").out[-1] == "off: typing-repeated"
    wrong = run("contract", "rules", "--on", "typing-repaeted", exits=2)
    assert "did you mean typing-repeated?" in "\n".join(wrong.err)
