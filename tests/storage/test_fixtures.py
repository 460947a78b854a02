"""The fixture library: reading, finding, saving, renaming and deleting files."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unicodedata import normalize

import pytest
from msgspec.structs import replace

from app.protocol.contract_documents.file_kinds import FileKind
from app.protocol.errors import Conflict, Malformed, NotFound, RequestError, StorageError, TooLarge
from app.protocol.fixture import MAX_FIXTURE_BYTES, Fixture, SavedFixture
from app.storage import file_library as module
from app.storage.fixtures import FixtureLibrary
from app.storage.saved_fixtures import Fixtures
from tests.conftest import in_use, make_link

BUILT_IN = Fixture(event="friend_online", data={"username": "built in"}, title="Built in")
ONE, TWO = (Fixture(event="friend_online", data={"username": name}) for name in ("one", "two"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


@pytest.fixture
def built_in(tmp_path: Path) -> Path:
    folder = tmp_path / "built in"
    put(folder, "basics/hello.json", BUILT_IN)
    put(folder, "basics/world.json", BUILT_IN)
    return folder


@pytest.fixture
def library(own: Path, built_in: Path) -> FixtureLibrary:
    library = FixtureLibrary(own, built_in)
    library.read()
    return library


def put(folder: Path, name: str, content: Fixture | bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.to_json().encode())
    return file


def names(library: FixtureLibrary) -> list[str]:
    return [each.name for each in library.all]


def in_file(fixture: Fixture, schema: str) -> str:
    return replace(fixture, editor_schema=schema).to_json()


def files(folder: Path) -> list[str]:
    """Return what is in a folder, without the schema for editors."""
    found = [file.relative_to(folder).as_posix() for file in folder.rglob("*")]
    return sorted(each for each in found if each != FileKind.FIXTURE.schema_file)


def request_error(work: Callable[[], object]) -> RequestError:
    with pytest.raises(RequestError) as caught:
        work()
    return caught.value


def storage_error(work: Callable[[], object]) -> str:
    with pytest.raises(StorageError) as caught:
        work()
    return str(caught.value)


def test_a_library_is_empty_before_it_is_read(own: Path, built_in: Path) -> None:
    assert FixtureLibrary(own, built_in).all == []


def test_built_in_fixtures_are_listed_without_a_user_folder(library: FixtureLibrary, own: Path) -> None:
    assert names(library) == ["basics/hello", "basics/world"]
    assert library.find("basics/hello") == SavedFixture("basics/hello", BUILT_IN, own=False)
    assert library.warnings == []
    assert not own.exists()


def test_a_saved_fixture_is_listed_immediately_and_after_reading_again(library: FixtureLibrary, own: Path) -> None:
    saved = library.save("  a/b/my fixture ", ONE)
    assert saved == SavedFixture("a/b/my fixture", ONE, own=True)
    assert (saved.title, saved.folder) == ("my fixture", "a/b")
    assert library.find("a/b/my fixture") is saved
    library.read()
    assert library.find("a/b/my fixture") == saved
    assert (own / "a" / "b" / "my fixture.json").read_text("utf-8") == in_file(ONE, "../../fixture.schema.json")


@pytest.mark.parametrize("name", ["x", "v1.2", "x.json", "a/grüße", "x" * 60, "字" * 60])
def test_a_valid_name_is_unchanged_after_saving_and_reading(library: FixtureLibrary, name: str) -> None:
    library.save(name, ONE)
    library.read()
    assert (library.find(name).fixture, library.warnings) == (ONE, [])
    library.delete(name)
    assert name not in names(library)


def test_the_title_defaults_to_the_last_part_of_the_name() -> None:
    assert SavedFixture("a/b", BUILT_IN, own=True).title == "Built in"
    assert SavedFixture("b", ONE, own=True).title == "b"
    assert SavedFixture("b", ONE, own=True).folder == ""


def test_user_fixtures_come_first_sorted_by_folder_and_order(library: FixtureLibrary) -> None:
    for name, order in (("z", 0), ("b/2", 1), ("b/1", 2), ("b/3", 1)):
        library.save(name, Fixture(event="x", order=order))
    assert names(library) == ["z", "b/2", "b/3", "b/1", "basics/hello", "basics/world"]


def test_another_thread_can_search_while_a_fixture_is_saved(library: FixtureLibrary) -> None:
    """Regression: a search that ran at the same time failed, because the dictionary changed its size."""
    searched = [iter(library._saved.items()), iter(library._paths.items())]
    for each in searched:
        next(each)
    library.save("new", Fixture(event="typing", data={}))
    for each in searched:
        list(each)


def test_a_file_whose_name_is_decomposed_is_used(library: FixtureLibrary, own: Path) -> None:
    """Regression: macOS and some shared folders list it so; its name was invalid."""
    library.save("Menü/Käse", ONE)
    (own / "Menü").rename(own / normalize("NFD", "Menü"))
    folder = own / normalize("NFD", "Menü")
    (folder / "Käse.json").rename(folder / normalize("NFD", "Käse.json"))
    library.read()
    assert (names(library)[0], library.warnings) == ("Menü/Käse", [])
    library.save(normalize("NFD", "Menü/Käse"), TWO)
    assert library.look_up(normalize("NFD", "Menü/Käse")).fixture == TWO
    library.read()
    assert (library.find("käse").fixture, library.warnings) == (TWO, [])
    assert [normalize("NFC", each) for each in files(own)] == ["Menü", "Menü/Käse.json"]
    library.rename("Menü/Käse", "käse")
    assert [normalize("NFC", each) for each in files(own)] == ["käse.json"]
    library.delete("käse")
    assert files(own) == []


def test_saving_again_replaces_the_fixture(library: FixtureLibrary, own: Path) -> None:
    library.save("x", ONE)
    library.save("x", TWO)
    library.read()
    assert library.find("x").fixture == TWO
    assert files(own) == ["x.json"]


def test_saving_a_name_in_another_case_replaces_the_fixture(library: FixtureLibrary) -> None:
    library.save("hello", ONE)
    library.save("Hello", TWO)
    library.read()
    assert library.find("hello").fixture == TWO
    library.delete("hello")
    assert "hello" not in [name.casefold() for name in names(library)]


def test_the_user_has_a_fixture_under_all_forms_of_its_name(library: FixtureLibrary) -> None:
    library.save("mine/é", ONE)
    disk: Any = None
    saved = Fixtures(library, disk, list)
    assert all(map(saved.has_own, ("mine/é", " MINE/É", normalize("NFD", "mine/é"))))
    name = next(each.name for each in library.all if not each.own)
    assert not any(map(saved.has_own, (name, "mine/e", "é")))


async def test_the_name_of_a_fixture_whose_rename_cannot_be_undone_is_reported(
    library: FixtureLibrary, own: Path
) -> None:
    library.save("old", ONE)
    disk: Any = SimpleNamespace(run_in_thread=asyncio.to_thread)

    async def fail(*_: object) -> None:
        put(own, "old.json", TWO)
        raise StorageError("the disk is full")

    with pytest.raises(StorageError) as caught:
        await Fixtures(library, disk, lambda: ["old"]).rename_with_pins("old", "new", fail)
    assert str(caught.value) == "old is now new, but its pin could not be saved: the disk is full"
    assert library.find("new").fixture == ONE


def test_a_user_fixture_hides_the_built_in_one_until_it_is_deleted(library: FixtureLibrary, own: Path) -> None:
    library.save("Basics/Hello", ONE)
    assert library.find("basics/hello") == SavedFixture("Basics/Hello", ONE, own=True)
    assert names(library) == ["Basics/Hello", "basics/world"]
    library.delete("basics/hello")
    assert library.find("basics/hello") == SavedFixture("basics/hello", BUILT_IN, own=False)
    assert files(own) == []


def test_a_fixture_is_found_by_its_name_in_any_case_or_by_its_last_part(library: FixtureLibrary) -> None:
    library.save("mine/Special", ONE)
    for name in ("mine/Special", "MINE/special", " special "):
        assert library.find(name).name == "mine/Special"
    assert library.find("hello").name == "basics/hello"


def test_a_full_name_takes_precedence_over_a_last_part(library: FixtureLibrary) -> None:
    library.save("hello", ONE)
    assert library.find("hello").name == "hello"


def test_an_unknown_name_is_rejected_and_an_ambiguous_one_lists_candidates(library: FixtureLibrary) -> None:
    unknown = request_error(lambda: library.find("nothing"))
    assert (type(unknown), unknown.reason) == (NotFound, "There is no fixture 'nothing'.")
    library.save("mine/hello", ONE)
    reason = request_error(lambda: library.find("hello")).reason
    assert reason == "There is no fixture 'hello'; did you mean basics/hello or mine/hello?"
    assert len(request_error(lambda: library.find("x" * 100_000)).reason) < 150


@pytest.mark.parametrize("name", ["", "..", "../x", "/x", "a\\b", "CON", "x.", "a//b", "a/b/c/d", "a\nb"])
def test_an_invalid_name_is_rejected_and_nothing_is_written(
    library: FixtureLibrary, tmp_path: Path, name: str
) -> None:
    before = files(tmp_path)
    error = request_error(lambda: library.save(name, ONE))
    assert isinstance(error, Malformed)
    assert error.reason.endswith(".")
    assert files(tmp_path) == before
    library.save("x", ONE)
    assert isinstance(request_error(lambda: library.rename("x", name)), Malformed)
    assert library.find("x").fixture == ONE


def test_a_fixture_is_renamed_into_another_folder(library: FixtureLibrary, own: Path) -> None:
    library.save("a/x", ONE)
    assert library.rename("a/x", "b/y") == SavedFixture("b/y", ONE, own=True)
    assert names(library)[0] == "b/y"
    assert files(own) == ["b", "b/y.json"]


def test_a_fixture_whose_file_is_in_use_for_a_moment_is_renamed(
    library: FixtureLibrary, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.save("x", ONE)
    with in_use(monkeypatch):
        library.rename("x", "y")
    assert files(own) == ["y.json"]


def test_renaming_to_an_existing_name_is_rejected(library: FixtureLibrary) -> None:
    library.save("x", ONE)
    library.save("Y", TWO)
    error = request_error(lambda: library.rename("x", "y"))
    assert (type(error), error.reason) == (Conflict, "A fixture 'y' already exists.")
    assert (library.find("x").fixture, library.find("y").fixture) == (ONE, TWO)


def test_renaming_does_not_replace_an_invalid_file(library: FixtureLibrary, own: Path) -> None:
    library.save("x", ONE)
    edited = put(own, "y.json", b'{"event": "typing",}')
    error = request_error(lambda: library.rename("x", "y"))
    assert (type(error), error.reason) == (Conflict, f"{edited} exists already. Rename or delete it first.")
    assert edited.read_bytes() == b'{"event": "typing",}'
    assert library.find("x").fixture == ONE


@pytest.mark.parametrize("name", ["x", "basics/hello"])
def test_saving_does_not_replace_an_invalid_file(library: FixtureLibrary, own: Path, name: str) -> None:
    edited = put(own, f"{name}.json", b'{"event": "typing",}')
    for _ in range(2):
        error = request_error(lambda: library.save(name, ONE))
        assert (type(error), error.reason) == (Conflict, f"{edited} exists already. Rename or delete it first.")
        library.read()
    assert edited.read_bytes() == b'{"event": "typing",}'


def test_saving_replaces_a_file_that_was_added_meanwhile_only_when_it_is_known(
    library: FixtureLibrary, own: Path
) -> None:
    """Regression: it was replaced, and the dialog could not warn, because it did not know the file."""
    late = put(own, "late.json", TWO)
    error = request_error(lambda: library.save("late", ONE))
    assert (type(error), error.reason) == (Conflict, f"{late} was added meanwhile. Save again to replace it.")
    assert library.find("late").fixture == TWO
    library.save("late", ONE)
    library.read()
    assert library.find("late").fixture == ONE


def test_a_file_that_becomes_readable_is_read(
    library: FixtureLibrary, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: not on Windows, where permissions and other programs do not change the stamp of the file."""
    file = put(own, "x.json", ONE)
    os.utime(file, (1_700_000_000, 1_700_000_000))

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(library, "_parse", forbidden)
        library.read()
    assert library.warnings
    library.read()
    assert library.warnings == []


def test_a_fixture_may_be_renamed_to_its_own_name_or_a_built_in_name(library: FixtureLibrary, own: Path) -> None:
    library.save("x", ONE)
    assert library.rename("x", "x").fixture == ONE
    assert library.rename("x", "basics/hello") == SavedFixture("basics/hello", ONE, own=True)
    assert library.rename("basics/hello", "x").name == "x"
    assert library.find("basics/hello").fixture == BUILT_IN
    assert files(own) == ["x.json"]


@pytest.mark.parametrize(("before", "after"), [("hello you", "Hello You"), ("Hello You", "hello you")])
def test_a_name_can_change_its_letters_only(library: FixtureLibrary, own: Path, before: str, after: str) -> None:
    library.save(before, ONE)
    assert library.rename(before, after) == SavedFixture(after, ONE, own=True)
    assert files(own) == [f"{after}.json"]
    library.delete(after)
    assert files(own) == []


def test_renaming_can_change_only_the_case_of_a_folder(library: FixtureLibrary, own: Path) -> None:
    library.save("mine/x", ONE)
    library.rename("mine/x", "Mine/x")
    library.read()
    assert library.find("mine/x").fixture == ONE
    assert [file.casefold() for file in files(own)] == ["mine", "mine/x.json"]


def test_a_built_in_fixture_cannot_be_renamed_or_deleted(library: FixtureLibrary, built_in: Path) -> None:
    for error in (
        request_error(lambda: library.rename("basics/hello", "mine")),
        request_error(lambda: library.delete("basics/hello")),
    ):
        assert isinstance(error, Conflict)
        assert error.reason == "basics/hello is built in and cannot be changed. Save a copy and edit the copy."
    assert files(built_in) == ["basics", "basics/hello.json", "basics/world.json"]


def test_deleting_the_last_fixture_removes_its_folder_unless_it_has_other_files(
    library: FixtureLibrary, own: Path
) -> None:
    library.save("a/x", ONE)
    library.save("b/x", ONE)
    (own / "b" / "notes.txt").write_text("keep me")
    library.delete("a/x")
    library.delete("b/x")
    assert files(own) == ["b", "b/notes.txt"]


def test_deleting_the_last_fixture_removes_nested_folders(library: FixtureLibrary, own: Path) -> None:
    library.save("a/b/x", ONE)
    library.delete("a/b/x")
    assert files(own) == []


def test_a_fixture_whose_file_was_removed_by_hand_can_be_deleted(library: FixtureLibrary, own: Path) -> None:
    library.save("x", ONE)
    (own / "x.json").unlink()
    library.delete("x")
    library.save("a/x", ONE)
    shutil.rmtree(own / "a")
    library.delete("a/x")
    assert names(library) == ["basics/hello", "basics/world"]


def test_files_added_by_hand_are_found_when_the_folder_is_read_again(library: FixtureLibrary, own: Path) -> None:
    put(own, "by hand.json", ONE)
    put(own, "notes.txt", b"not a fixture")
    put(own, ".hidden.json", ONE)
    put(own, ".git/x.json", ONE)
    library.read()
    assert names(library)[0] == "by hand"
    assert len(names(library)) == 3
    assert library.warnings == []


def test_a_file_may_begin_with_a_byte_order_mark(library: FixtureLibrary, own: Path) -> None:
    put(own, "x.json", b"\xef\xbb\xbf" + ONE.to_json().encode())
    library.read()
    assert (library.find("x").fixture, library.warnings) == (ONE, [])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.json", b"", "is empty"),
        ("x.json", b"{nope", "invalid JSON"),
        ("x.json", b'{"event": "x", "data": {}, "colour": "red"}', "unknown field: colour"),
        ("x.json", b"{}", "the fixture needs either an event with data or a frame"),
        ("x.json", ONE.to_json().encode("utf-16"), "codec can't decode"),
        ("x.json", b'{"frame": "\xff"}', "codec can't decode"),
        ("x.json", b'{"frame": "' + b"x" * MAX_FIXTURE_BYTES + b'"}', "it is over 64 KiB"),
        pytest.param(
            *("con.json", ONE, "invalid name 'con'"),
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot have it"),
        ),
        ("a.b..json", ONE, "invalid name 'a.b.'"),
        ("a/b/c/d.json", ONE, "at most two folders deep"),
        (" x.json", ONE, "invalid name ' x'"),
        ("x .json", ONE, "invalid name 'x '"),
    ],
)
def test_an_invalid_fixture_file_is_reported_and_the_others_are_loaded(
    library: FixtureLibrary, own: Path, name: str, content: Fixture | bytes, reason: str
) -> None:
    file = put(own, name, content)
    put(own, "good.json", ONE)
    library.read()
    assert names(library) == ["good", "basics/hello", "basics/world"]
    (warning,) = library.warnings
    assert warning.startswith(f"{file} is not a valid fixture: ")
    assert reason in warning
    assert warning.endswith(".")
    file.unlink()
    library.read()
    assert library.warnings == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_name_that_is_not_valid_unicode_is_reported_as_printable_text(
    library: FixtureLibrary, own: Path
) -> None:
    own.mkdir()
    Path(os.fsdecode(os.fsencode(own) + b"/\xff.json")).write_text(ONE.to_json())
    library.read()
    (warning,) = library.warnings
    assert "invalid name" in warning
    assert warning.encode()


def test_files_whose_names_differ_only_in_case_are_one_fixture(library: FixtureLibrary, own: Path) -> None:
    put(own, "X.json", ONE)
    put(own, "x.json", TWO)
    library.read()
    assert [name.casefold() for name in names(library)].count("x") == 1
    assert library.find("x").fixture == TWO
    assert library.warnings in ([], [f"{own / 'X.json'} is not used, because x.json has the same name."])


def test_files_beyond_the_limit_are_ignored_and_reported(
    library: FixtureLibrary, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 3)
    for number in range(5):
        put(own, f"{number}.json", ONE)
    library.read()
    assert [each.name for each in library.all if each.own] == ["0", "1", "2"]
    assert library.warnings == [f"{own} has 5 files; the first 3 are used."]


def test_the_file_limit_is_2000() -> None:
    assert module.MAX_FILES == 2000


def test_a_link_to_a_file_outside_of_the_folder_is_not_read(
    library: FixtureLibrary, own: Path, tmp_path: Path
) -> None:
    """Otherwise a downloaded folder of fixtures could make the program read, show and send any file of the user."""
    secret = put(tmp_path / "elsewhere", "secret.json", ONE)
    put(own, "near.json", ONE)
    make_link(own / "x.json", secret)
    make_link(own / "alias.json", own / "near.json")
    library.read()
    assert [each.name for each in library.all if each.own] == ["alias", "near"]
    assert library.warnings == [
        f"{own / 'x.json'} is not a valid fixture: a link leads to {secret}, outside of the fixtures folder."
    ]


def test_a_file_that_became_a_link_is_not_fired(library: FixtureLibrary, own: Path, tmp_path: Path) -> None:
    secret = put(tmp_path / "elsewhere", "secret.json", ONE)
    file = put(own, "x.json", ONE)
    library.read()
    file.unlink()
    make_link(file, secret)
    with pytest.raises(RequestError, match="outside of the fixtures folder"):
        library.look_up("x")


def test_nothing_is_written_or_removed_through_a_link_to_another_folder(
    library: FixtureLibrary, own: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    victim = put(other, "x.json", b"mine")
    put(own, "y.json", ONE)
    make_link(own / "link", other)
    library.read()
    fixture = library.find("y").fixture
    changes: list[Callable[[], object]] = [
        lambda: library.save("link/x", fixture),
        lambda: library.save("link/new/x", fixture),
        lambda: library.rename("y", "link/y"),
    ]
    for change in changes:
        with pytest.raises(RequestError) as caught:
            change()
        assert isinstance(caught.value, Conflict)
        assert f"a link leads to {other}" in caught.value.reason
    assert [file.name for file in other.iterdir()] == ["x.json"]
    assert victim.read_text() == "mine"


def test_saving_over_a_link_replaces_the_link(library: FixtureLibrary, own: Path, tmp_path: Path) -> None:
    victim = put(tmp_path / "elsewhere", "victim.json", b"mine")
    library.save("x", ONE)
    (own / "x.json").unlink()
    make_link(own / "x.json", victim)
    make_link(own / "x.json.part", victim)
    library.save("x", TWO)
    assert victim.read_text() == "mine"
    assert not (own / "x.json").is_symlink()


def test_a_fixtures_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    put(real, "x.json", ONE)
    make_link(tmp_path / "link", real)
    library = FixtureLibrary(tmp_path / "link", tmp_path / "none")
    library.read()
    library.save("y", library.find("x").fixture)
    assert files(real) == ["x.json", "y.json"]


def test_cyclic_and_dangling_links_are_not_followed(library: FixtureLibrary, own: Path) -> None:
    put(own, "a/x.json", ONE)
    make_link(own / "a" / "again", own)
    make_link(own / "loop.json", own / "loop.json")
    make_link(own / "dangling.json", own / "gone")
    library.read()
    assert [each.name for each in library.all if each.own] == ["a/x"]
    assert [each.split(" is not a valid fixture")[0] for each in library.warnings] == [
        str(own / "dangling.json"),
        str(own / "loop.json"),
    ]


def test_links_within_a_linked_folder_are_fixtures(built_in: Path, own: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "x.json", ONE)
    make_link(own, tmp_path / "elsewhere")
    make_link(tmp_path / "elsewhere" / "y.json", tmp_path / "elsewhere" / "x.json")
    library = FixtureLibrary(own, built_in)
    library.read()
    assert [each.name for each in library.all if each.own] == ["x", "y"]
    library.save("z", TWO)
    assert (tmp_path / "elsewhere" / "z.json").is_file()


def test_a_folder_named_like_a_fixture_file_is_not_a_fixture(library: FixtureLibrary, own: Path) -> None:
    (own / "x.json").mkdir(parents=True)
    library.read()
    assert library.warnings == []
    assert storage_error(lambda: library.save("x", ONE)).startswith(f"{own / 'x.json'} could not be written: ")
    assert "x" not in names(library)


def test_a_fixture_that_is_too_large_is_not_saved(library: FixtureLibrary, own: Path) -> None:
    library.save("x", ONE)
    error = request_error(lambda: library.save("x", Fixture(frame="ü" * (MAX_FIXTURE_BYTES // 2))))
    assert isinstance(error, TooLarge)
    assert library.find("x").fixture == ONE
    assert files(own) == ["x.json"]


DEEP: object = 1
for _ in range(40):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "fixture",
    [
        Fixture(frame="\ud83d"),
        Fixture(event="x", data={"text": "\ud83d"}),
        Fixture(event="x", title="\ud83d"),
        Fixture(event="x", data=DEEP),
        Fixture(event="x", title="x" * 201),
        Fixture(event="x" * 81, data={}),
        Fixture(event="x", times=0),
        Fixture(event="", data={}),
        Fixture(),
    ],
    ids=[
        "surrogate frame",
        "surrogate",
        "surrogate title",
        "deep",
        "title",
        "event",
        "times",
        "no event",
        "nothing",
    ],
)
def test_an_invalid_fixture_is_not_saved(library: FixtureLibrary, own: Path, fixture: Fixture) -> None:
    library.save("x", ONE)
    error = request_error(lambda: library.save("x", fixture))
    assert isinstance(error, RequestError)
    assert error.reason.encode()
    assert library.find("x").fixture == ONE
    assert files(own) == ["x.json"]


def test_without_a_folder_nothing_can_be_saved(built_in: Path) -> None:
    library = FixtureLibrary(None, built_in)
    library.read()
    assert library.folder is None
    assert names(library) == ["basics/hello", "basics/world"]
    assert storage_error(lambda: library.save("x", ONE)) == "there is no folder for fixtures"


def test_a_file_in_place_of_the_folder_is_reported(library: FixtureLibrary, own: Path) -> None:
    own.write_text("a file")
    assert "could not be written: " in storage_error(lambda: library.save("x", ONE))
    assert "could not be written: " in storage_error(lambda: library.save("a/x", ONE))
    library.read()
    assert [f"{own} cannot be read: " in each for each in library.warnings] == [True]
    assert names(library) == ["basics/hello", "basics/world"]


def test_a_read_only_folder_is_reported_and_no_fixture_is_lost(library: FixtureLibrary, own: Path) -> None:
    library.save("x", ONE)
    own.chmod(0o500)
    if os.access(own, os.W_OK):
        pytest.skip("for root, and on Windows, every folder can be written")
    try:
        assert "could not be written: " in storage_error(lambda: library.save("y", ONE))
        assert "could not be written: " in storage_error(lambda: library.rename("x", "y"))
        assert "could not be removed: " in storage_error(lambda: library.delete("x"))
    finally:
        own.chmod(0o700)
    assert [each.name for each in library.all if each.own] == ["x"]


too_long = pytest.mark.skipif(sys.platform == "win32", reason="Windows reports a name that is too long as missing")


@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize(
    "part",
    [
        pytest.param("x" * 300, id="long", marks=too_long),
        pytest.param("x" * 300 + "/y", id="below a long name", marks=too_long),
        pytest.param("a\0b", id="null"),
    ],
)
def test_an_inaccessible_folder_is_reported_and_the_built_in_fixtures_are_loaded(
    built_in: Path, tmp_path: Path, part: str, chosen: bool
) -> None:
    library = FixtureLibrary(tmp_path / part, built_in, chosen=chosen)
    library.read()
    assert library.look_up("basics/hello").fixture == BUILT_IN
    assert names(library) == ["basics/hello", "basics/world"]
    assert len(library.warnings) == 1
    assert "cannot be read: " in library.warnings[0]
    assert "could not be written: " in storage_error(lambda: library.save("x", ONE))


def test_a_fixture_whose_file_was_removed_by_hand_can_be_saved_in_another_case(
    library: FixtureLibrary, own: Path
) -> None:
    library.save("x", ONE)
    (own / "x.json").unlink()
    assert library.save("X", TWO).fixture == TWO
    assert files(own) == ["X.json"]


def test_a_rejected_save_does_not_change_the_case_of_the_name(library: FixtureLibrary, own: Path) -> None:
    library.save("x", ONE)
    request_error(lambda: library.save("X", Fixture(frame="x" * MAX_FIXTURE_BYTES)))
    assert files(own) == ["x.json"]


def test_look_up_finds_files_added_or_changed_by_hand(library: FixtureLibrary, own: Path) -> None:
    request_error(lambda: library.look_up("mine"))
    put(own, "mine.json", ONE)
    assert library.look_up("mine").fixture == ONE
    put(own, "mine.json", BUILT_IN)
    assert library.look_up("mine").fixture == BUILT_IN
    put(own, "basics/hello.json", TWO)
    assert library.look_up("basics/hello") == SavedFixture("basics/hello", TWO, True)
    (own / "basics/hello.json").unlink()
    assert library.look_up("basics/hello") == SavedFixture("basics/hello", BUILT_IN, False)


def test_look_up_does_not_read_all_files(library: FixtureLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "read", lambda: pytest.fail("all files were read"))
    assert library.look_up("basics/hello").fixture == BUILT_IN


def test_looking_up_an_invalid_fixture_reports_its_error(library: FixtureLibrary, own: Path) -> None:
    file = put(own, "mine/broken.json", b"{")
    reason = request_error(lambda: library.look_up("mine/broken")).reason
    assert reason.startswith(f"{file} is not a valid fixture: ")


def test_a_mistyped_name_is_rejected_with_a_suggestion(library: FixtureLibrary) -> None:
    assert request_error(lambda: library.find("helo")).reason.endswith("did you mean basics/hello?")
    assert request_error(lambda: library.find("basics/wrld")).reason.endswith("did you mean basics/world?")


def test_a_missing_chosen_folder_is_reported(built_in: Path, own: Path) -> None:
    library = FixtureLibrary(own, built_in, chosen=True)
    library.read()
    assert [f"The folder {own} does not exist" in each for each in library.warnings] == [True]
    library.save("mine", ONE)
    library.read()
    assert library.warnings == []


def test_a_file_that_has_not_changed_is_not_read_again(library: FixtureLibrary, own: Path) -> None:
    file = put(own, "x.json", ONE)
    bad = put(own, "bad.json", b"{")
    for each in (file, bad):
        os.utime(each, (1_600_000_000, 1_600_000_000))
    assert library.read()
    before = library.find("x")
    assert not library.read()
    assert library.find("x") is before
    assert len(library.warnings) == 1
    put(own, "x.json", TWO)
    os.utime(file, (1_600_000_000, 1_600_000_001))
    assert library.read()
    assert library.find("x").fixture == TWO


def test_a_recently_modified_file_is_read_again_despite_its_time_stamp(library: FixtureLibrary, own: Path) -> None:
    file = put(own, "x.json", ONE)
    status = file.stat()
    library.read()
    with file.open("r+b") as stream:  # the same inode, size and time
        stream.write(TWO.to_json().encode())
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert library.read()
    assert library.find("x").fixture == TWO


def test_read_returns_whether_files_were_added_or_removed(library: FixtureLibrary, own: Path) -> None:
    file = put(own, "bad.json", b"{")
    assert library.read()
    assert not library.read()
    file.unlink()
    assert library.read()
    assert not library.read()
