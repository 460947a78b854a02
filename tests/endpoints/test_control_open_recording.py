"""Opening a recording in the window through the control API: by name, or any file with the main token."""

from pathlib import Path

from app.observers.opened_recording import OpenedRecording
from app.storage.recording_file import RecordingFile
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control


def show_in(control: Control) -> list[str]:
    """Let the companion have a window, and return the names of the recordings that it shows."""
    shown: list[str] = []

    def show(recording: OpenedRecording) -> None:
        recording.close()
        shown.append(recording.name)

    control.companion.show_recording = show
    return shown


async def test_a_recording_is_opened_by_name_or_as_a_file(make_control: MakeControl, tmp_path: Path) -> None:
    control = await make_control(recordings_folder=tmp_path)
    shown = show_in(control)
    assert (await control.post("/v1/recordings/open", {"name": "this-run"})).status == 204
    file = tmp_path / "this-run.session.jsonl"
    assert (await control.post("/v1/recordings/open-file", {"file": str(file)})).status == 204
    assert shown == ["this-run", "this-run"]


async def test_a_recording_can_be_read_as_soon_as_it_has_begun(tmp_path: Path) -> None:
    """Regression: its first line was written later, in a thread."""
    for number in range(20):
        file = RecordingFile(tmp_path / f"{number}.session.jsonl", b'{"session": 1}')
        assert file.file.read_bytes() == b'{"session": 1}\n'
        file.close()


async def test_what_cannot_be_opened_is_reported(make_control: MakeControl, tmp_path: Path) -> None:
    control = await make_control(recordings_folder=tmp_path)
    shown = show_in(control)
    for path, body, status, reason in (
        ("open", {"name": "nothing"}, 404, "There is no session 'nothing'"),
        ("open", {"name": "../../etc/passwd"}, 404, "There is no session"),
        ("open", {"name": "morning"}, 422, "is a scenario"),
        ("open-file", {"file": "relative.jsonl"}, 422, "must be an absolute path"),
        ("open-file", {"file": str(tmp_path)}, 404, "is not a file"),
        ("open-file", {"file": f"{tmp_path}/a\0b"}, 422, "must be an absolute path"),
    ):
        answer = await control.post(f"/v1/recordings/{path}", body)
        assert (answer.status, reason in answer.detail) == (status, True), answer.detail
    assert shown == []


async def test_without_a_window_nothing_is_opened(make_control: MakeControl, tmp_path: Path) -> None:
    control = await make_control(recordings_folder=tmp_path)
    answer = await control.post("/v1/recordings/open", {"name": "this-run"})
    assert answer.status == 409
    assert "has no window" in answer.detail
