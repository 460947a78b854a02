"""Which folders the fixtures come from."""

from pathlib import Path

from app.storage.fixtures import FixtureLibrary
from app.storage.library_folders import library_for
from tests.conftest import unknown_home


def test_the_default_folder_is_used_unless_the_setting_names_one(tmp_path: Path) -> None:
    assert library_for(FixtureLibrary, "", tmp_path).folder == tmp_path
    assert library_for(FixtureLibrary, "", None).folder is None
    assert library_for(FixtureLibrary, str(tmp_path / "mine"), tmp_path).folder == tmp_path / "mine"
    assert library_for(FixtureLibrary, "~/mine", None).folder == Path.home() / "mine"


def test_the_built_in_fixtures_are_in_every_library(tmp_path: Path) -> None:
    for library in (library_for(FixtureLibrary, "", None), library_for(FixtureLibrary, str(tmp_path), None)):
        library.read()
        assert library.find("basics/message").own is False


def test_a_chosen_folder_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    chosen, default = library_for(FixtureLibrary, str(missing), None), library_for(FixtureLibrary, "", missing)
    chosen.read()
    default.read()
    assert any(str(missing) in warning for warning in chosen.warnings)
    assert default.warnings == []


@unknown_home
def test_the_home_folder_of_an_unknown_user_resolves_to_no_folder(tmp_path: Path) -> None:
    assert library_for(FixtureLibrary, "~no-such-user/mine", tmp_path).folder is None
