"""Session files in folders: both notations, large and invalid ones, and the files beside them."""

import errno
import os
from pathlib import Path

import pytest

from app.protocol.backend import MAX_STATE_BYTES
from app.protocol.envelope import MAX_DEPTH
from app.protocol.errors import Conflict, Invalid, NotFound, StorageError, TooLarge
from app.saved_state_file import write_state
from app.storage import file_library
from app.storage import session_library as module
from app.storage.session_library import SessionLibrary, load_file, read_recording
from tests.conftest import make_link

BUILT_IN = Path(__file__).parents[2] / "resources" / "sessions"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "own"


@pytest.fixture
def library(folder: Path) -> SessionLibrary:
    library = SessionLibrary(folder, BUILT_IN)
    library.read()
    return library


def test_both_notations_are_saved_listed_and_read(library: SessionLibrary, folder: Path) -> None:
    library.save("mine/one", "# One\nalice: hi\n", ".chat")
    library.save("two", '{"session": 1, "title": "Two", "kind": "recording"}\n{"mark": "x"}\n', ".session.jsonl")
    assert sorted(each.name for each in folder.rglob("*") if each.is_file()) == ["one.chat", "two.session.jsonl"]
    for _ in range(2):
        listed = [each for each in library.all if each.own]
        assert [(each.name, each.title, each.kind) for each in listed] == [
            ("two", "Two", "recording"), ("mine/one", "One", "scenario"),
        ]  # fmt: skip
        assert [len(library.load(each).steps) for each in listed] == [1, 1]
        library.read()


def test_a_session_can_change_its_notation(library: SessionLibrary, folder: Path) -> None:
    library.save("x", "alice: hi\n", ".chat")
    library.save("x", '{"session": 1}\n', ".session.jsonl")
    assert [each.name for each in folder.iterdir()] == ["x.session.jsonl"]
    library.rename("x", "y")
    assert [each.name for each in folder.iterdir()] == ["y.session.jsonl"]
    library.delete("y")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("file", ["Rec.SESSION.JSONL", "Rec.Session.jsonl"])
def test_the_ending_of_a_name_may_be_in_capitals_on_windows(
    library: SessionLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """Regression: deleting such a session did nothing, and renaming it failed."""
    monkeypatch.setattr(os.path, "normcase", str.lower)
    folder.mkdir()
    for _ in range(2):
        (folder / file).write_text('{"session": 1}\n')
        library.read()
        library.rename("Rec", "moved")
        assert [each.name for each in folder.iterdir()] == ["moved.session.jsonl"]
        library.delete("moved")
        (folder / file).write_text('{"session": 1}\n')
        library.read()
        library.delete("Rec")
        assert list(folder.iterdir()) == []


def test_a_session_that_is_still_there_was_not_deleted(
    library: SessionLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.save("x", "alice: hi\n", ".chat")
    monkeypatch.setattr(file_library, "delete", lambda file: None)
    with pytest.raises(StorageError, match=r"x\.chat could not be removed"):
        library.delete("x")


def test_a_folder_in_use_does_not_fail_what_was_done(
    library: SessionLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: on Windows, an open folder made renaming and deleting fail, after they had been done."""

    def fail(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "The process cannot access the file", str(folder))

    library.save("a/b/one", "alice: hi\n", ".chat")
    library.save("a/b/two", "alice: hi\n", ".chat")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rmdir", fail)
        library.rename("one", "moved")
        library.delete("two")
    assert sorted(each.name for each in library.all if each.own) == ["moved"]
    assert (folder / "a" / "b").is_dir()


def test_a_failed_change_of_the_notation_keeps_the_session(
    library: SessionLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the file in the other notation was deleted before the new one was written."""
    library.save("x", "alice: hi\n", ".chat")

    def full_disk(file: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_library, "write_file", full_disk)
    with pytest.raises(StorageError, match="No space left on device"):
        library.save("x", '{"session": 1}\n', ".session.jsonl")
    library.read()
    assert library.text(library.find("x")) == "alice: hi\n"


def test_a_session_that_could_not_be_read_again_is_not_saved(library: SessionLibrary) -> None:
    """Regression: it replaced one that could be read."""
    before = library.save("x", "alice: hi\n", ".chat")
    with pytest.raises(TooLarge, match=r"x has 1\.1 MB; at most 1 MB can be read"):
        library.save("x", "alice: hi\n" * 120_000, ".chat")
    assert library.text(before) == "alice: hi\n"


def test_an_invalid_session_is_not_saved(library: SessionLibrary, folder: Path) -> None:
    with pytest.raises(Invalid, match="line 1, column 1: Unknown statement 'nonsense'"):
        library.save("x", "nonsense\n", ".chat")
    assert not folder.exists()


def test_a_built_in_session_cannot_be_changed(library: SessionLibrary) -> None:
    with pytest.raises(Conflict, match="is built in"):
        library.delete("showcase/morning")
    with pytest.raises(Conflict, match="is built in"):
        library.write_beside(library.find("morning"), "a.json", {})


def test_files_are_read_and_written_beside_a_session_only(library: SessionLibrary, folder: Path) -> None:
    saved = library.save("mine/x", "alice: hi\n", ".chat")
    for state in ({"version": 1, "people": []}, {"version": 1, "people": [{}]}):
        library.write_beside(saved, "state.json", state)
        assert library.read_beside(saved, "state.json") == state
    for content in ('{"name": "my-project"}', "{", "[]"):
        (folder / "mine" / "package.json").write_text(content, encoding="utf-8")
        with pytest.raises(Conflict, match="exists and is not a saved chat state"):
            library.write_beside(saved, "package.json", {"version": 1, "people": []})
        assert (folder / "mine" / "package.json").read_text("utf-8") == content
    for outside in ("../x.json", "/etc/passwd", "a/../../x.json"):
        with pytest.raises(Invalid, match="outside of the session's folder"):
            library.read_beside(saved, outside)
        with pytest.raises(Invalid, match="outside of the session's folder"):
            library.write_beside(saved, outside, {})
    with pytest.raises(Invalid, match=r"must end in \.json"):
        library.write_beside(saved, "x.chat", {})
    with pytest.raises(NotFound, match="could not be read"):
        library.read_beside(saved, "none.json")


def test_a_link_beside_a_session_does_not_lead_outside(
    library: SessionLibrary, folder: Path, tmp_path: Path
) -> None:
    saved = library.save("x", "alice: hi\n", ".chat")
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    make_link(folder / "link.json", secret)
    with pytest.raises(Invalid, match="outside of the session's folder"):
        library.read_beside(saved, "link.json")


def test_a_file_that_is_too_large_is_listed_and_not_read(
    library: SessionLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TRANSCRIPT_BYTES", 1024 * 1024)
    folder.mkdir()
    (folder / "x.chat").write_bytes(b"# Large\n" + b"alice: hi\n" * 200_000)
    library.read()
    with pytest.raises(TooLarge, match=r"has 1\.9 MB; at most 1 MB can be read"):
        library.load(library.find("x"))


def test_a_recording_whose_header_contains_a_large_state_is_listed(library: SessionLibrary, folder: Path) -> None:
    folder.mkdir()
    (folder / "x.session.jsonl").write_text(
        '{"session": 1, "kind": "recording", "state": "' + "x" * 100_000 + '"}\n'
    )
    library.read()
    assert library.find("x").kind == "recording"
    assert library.load(library.find("x")).steps == ()


def test_a_recording_whose_header_contains_a_deeply_nested_state_is_listed_and_read(
    library: SessionLibrary, folder: Path
) -> None:
    """Regression: a message with a deeply nested field made each later recording invalid."""
    folder.mkdir()
    levels = MAX_DEPTH + 3  # of the chat state, with a message as deep as a frame allows
    state = '{"a":' * levels + "1" + "}" * levels
    (folder / "x.session.jsonl").write_text('{"session": 1, "kind": "recording", "state": ' + state + "}\n")
    library.read()
    assert library.load(library.look_up("x")).header.kind == "recording"
    (folder / "state.json").write_text(state)
    assert library.read_beside(library.look_up("x"), "state.json")


def test_a_scenario_whose_header_contains_a_large_state_is_listed_with_its_title(
    library: SessionLibrary, folder: Path
) -> None:
    """Regression: it was listed as a recording without a title."""
    folder.mkdir()
    state = '{"title": "no", "people": "' + "x" * 100_000 + '"}'
    (folder / "x.session.jsonl").write_text('{"session": 1, "title": "Say \\"hi\\"", "state": ' + state + "}\n")
    library.read()
    assert (library.find("x").kind, library.find("x").title) == ("scenario", 'Say "hi"')


@pytest.mark.parametrize("title", [r"\ud800", r"\q"])
def test_a_large_header_with_an_invalid_title_is_reported(
    library: SessionLibrary, folder: Path, title: str
) -> None:
    """Regression: a lone surrogate in it made the list of all sessions fail."""
    folder.mkdir()
    header = f'{{"title": "{title}", "kind": "recording", "state": "' + "x" * 100_000
    (folder / "x.session.jsonl").write_text(header)
    library.read()
    with pytest.raises(NotFound, match="line 1 is not valid JSON: "):
        library.find("x")


def test_a_byte_order_mark_is_ignored(library: SessionLibrary, folder: Path) -> None:
    folder.mkdir()
    for name, text in (("a.chat", "# Mine\nalice: hi\n"), ("b.session.jsonl", '{"session": 1, "title": "Mine"}\n')):
        (folder / name).write_text(text, encoding="utf-8-sig")
    library.read()
    for name in "ab":
        assert (library.find(name).kind, library.find(name).title) == ("scenario", "Mine")
        assert library.load(library.find(name)).header.title == "Mine"


def test_a_recording_may_end_inside_of_a_character(library: SessionLibrary, folder: Path) -> None:
    """Regression: after a crash or on a full disk, a recording could not be read."""
    folder.mkdir()
    file = folder / "cut.session.jsonl"
    whole = b'{"session": 1, "kind": "recording"}\n{"mark": "a"}\n'
    file.write_bytes(whole + '{"mark": "ü'.encode()[:-1])
    library.read()
    for session in (library.load(library.look_up("cut")), read_recording(file), load_file(file)):
        assert len(session.steps) == 1
    file.write_bytes(whole.replace(b"a", b"\xc3") + b'{"mark"')
    with pytest.raises(StorageError, match="not UTF-8"):
        read_recording(file)
    file.write_bytes(b'{"session": 1, "kind": "recording\xc3')
    with pytest.raises(StorageError, match="not UTF-8"):
        read_recording(file)


def test_a_broken_header_is_reported(library: SessionLibrary, folder: Path) -> None:
    folder.mkdir()
    (folder / "x.session.jsonl").write_text('{"session": 1 "title": "x"}\n')
    library.read()
    assert len(library.warnings) == 1
    assert "x.session.jsonl is not a valid session: line 1 is not valid JSON" in library.warnings[0]
    with pytest.raises(Conflict, match=r"x\.session\.jsonl exists already"):  # in another notation, too
        library.save("x", "alice: hi\n", ".chat")


def test_a_file_that_another_one_hides_is_not_replaced(library: SessionLibrary, folder: Path) -> None:
    """Regression: it was replaced, and the other one deleted."""
    folder.mkdir()
    hidden = "alice: hi\n"
    scenario, recording = folder / "bug.chat", folder / "bug.session.jsonl"
    scenario.write_text(hidden)
    recording.write_text('{"session": 1, "kind": "recording"}\n')
    library.read()
    for name in ("bug", "bug", "Bug"):
        assert library.find("bug").kind == "recording"
        with pytest.raises(Conflict, match=r"(?i)bug\.chat exists already. Rename or delete it first"):
            library.save(name, "bob: new\n", ".chat")
    assert sorted(folder.iterdir()) == [scenario, recording]
    assert scenario.read_text() == hidden
    library.save("bug", '{"session": 1}\n', ".session.jsonl")
    assert (scenario.read_text(), recording.read_text()) == (hidden, '{"session": 1}\n')
    library.delete("bug")
    library.save("bug", "bob: new\n", ".chat")
    assert [each.read_text() for each in folder.iterdir()] == ["bob: new\n"]


def test_a_file_in_another_notation_that_was_added_meanwhile_is_not_replaced(
    library: SessionLibrary, folder: Path
) -> None:
    library.save("x", "alice: hi\n", ".chat")
    (folder / "x.session.jsonl").write_text('{"session": 1, "title": "late"}\n')
    with pytest.raises(Conflict, match="was added meanwhile"):
        library.save("x", '{"session": 1}\n', ".session.jsonl")
    assert library.find("x").title == "late"


def test_a_file_in_a_folder_that_cannot_be_searched_is_an_error_of_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: ``PermissionError``, which is an internal error of the control API."""

    def no_access(*_: object, **__: object) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "stat", no_access)
    with pytest.raises((NotFound, StorageError)):
        module.load_file(Path("/secret/x.chat"))


def test_a_file_without_a_header_is_reported(library: SessionLibrary, folder: Path) -> None:
    folder.mkdir()
    (folder / "x.session.jsonl").write_text('{"say": "x"}\n')
    library.read()
    assert library.warnings == [
        f"{folder / 'x.session.jsonl'} is not a valid session: The first line must be a header like "
        '{"session": 1, "title": "…"}.'
    ]


def test_every_built_in_session_is_valid(library: SessionLibrary) -> None:
    built_in = [each for each in library.all if not each.own]
    assert [each.title for each in built_in] == [
        "Ten friends at once", "A morning's chat", "The nasty cases", "A slow typist", "Three reconnects",
        "An unread flood",
    ]  # fmt: skip
    for each in built_in:
        assert library.load(each).steps


def test_a_chat_state_that_is_too_large_to_be_loaded_is_not_written(tmp_path: Path) -> None:
    """Regression: a played file could save a chat state that it could not load."""
    with pytest.raises(TooLarge, match="at most 64 MB can be loaded"):
        write_state(tmp_path, "large.json", {"version": 1, "people": ["x" * MAX_STATE_BYTES]})
    assert not list(tmp_path.iterdir())
