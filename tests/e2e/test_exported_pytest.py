"""A pytest that ``companion session export`` made is run by pytest, with a client that acts as its user."""

import re
import subprocess
import sys
from pathlib import Path

from .conftest import Run
from .processes import COMPANION, ENVIRONMENT, ROOT, Companion
from .tools import linux_only

pytestmark = linux_only

CONFTEST = '''\
"""A UI without a page: it connects, and acts as the user."""

import json
import os
import urllib.request

import pytest
from websockets.sync.client import connect

EVENTS, REST = os.environ["EVENTS"], os.environ["REST"]


@pytest.fixture(autouse=True)
def ui(request, monkeypatch):
    with connect(EVENTS) as socket:
        urllib.request.urlopen(f"{REST}/friends").close()

        def user_does(what, friend="", text=""):
            if what == "type":
                socket.send(json.dumps({"event": "typing", "data": {"to": friend, "typing": True}}))
            elif what == "send" and (friend == "alice" or request.module.__name__ != "test_silent"):
                socket.send(json.dumps({"event": "typing", "data": {"to": friend, "typing": True}}))
                body = json.dumps({"to": friend, "text": text}).encode()
                kind = {"Content-Type": "application/json"}
                urllib.request.urlopen(urllib.request.Request(f"{REST}/messages", body, kind)).close()

        monkeypatch.setattr(request.module, "user_does", user_does)
        yield
'''


def test_the_test_passes_and_fails_with_the_row_if_the_ui_does_not_answer(
    server: Companion, run: Run, data_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    recording = ROOT / "tests" / "npm_ui" / "chat.session.jsonl"
    run("session", "export", recording, "--as", "pytest", "--output", folder / "test_exported.py")
    text = (folder / "test_exported.py").read_text("utf-8")
    assert "within: float = 5" in text
    (folder / "test_silent.py").write_text(text.replace("within: float = 5", "within: float = 0.5"), "utf-8")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "bin").mkdir()
    command = folder / "bin" / "companion"
    command.write_text(f'#!/bin/sh\ncd "{ROOT}" && exec {" ".join(COMPANION)} "$@"\n')
    command.chmod(0o755)
    environment = {
        **ENVIRONMENT, "COMPANION_DATA_DIR": str(data_dir), "EVENTS": server.url, "REST": server.rest_url,
        "PATH": f"{command.parent}:{ENVIRONMENT['PATH']}",
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder)], cwd=folder,
        env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert "1 failed, 1 passed" in done.stdout
    assert re.search(r"row 21: the UI did not send POST /messages", done.stdout)
