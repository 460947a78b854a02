"""The built-in fixtures, file by file."""

from collections import Counter
from pathlib import Path

import pytest

from app.hub.journal import Kind, Verdict
from app.hub.origin import PANEL
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.fixture import Fixture, SavedFixture, parse_fixture, valid_fixture_name
from app.protocol.json_path import value_at
from app.protocol.templates import TemplateContext, resolve
from app.storage.fixtures import FixtureLibrary
from app.system.settings import PINNED
from tests.conftest import MakeCompanion

FOLDER = Path(__file__).parents[2] / "resources" / "fixtures"
CONTEXT = TemplateContext(wall=1_700_000_000.0)

library = FixtureLibrary(None, FOLDER)
library.read()
catalog = built_in()


def problems(fixture: Fixture) -> list[str]:
    """Return the errors in the frame of a fixture."""
    if fixture.raw:
        try:
            return list(map(str, catalog.problems(decode(resolve(fixture.frame, CONTEXT)))))
        except BadFrame as error:
            return [str(error)]
    event = Envelope(fixture.event, resolve(fixture.data, CONTEXT))
    return list(map(str, catalog.problems(event)))


def test_all_files_are_fixtures_in_three_folders() -> None:
    assert library.warnings == []
    assert {each.folder for each in library.all} == {"basics", "guide", "nasty"}
    assert len(library.all) == len(list(FOLDER.rglob("*.*"))) >= 40


def test_every_fixture_has_a_portable_name_and_a_unique_title_and_place() -> None:
    assert [each.name for each in library.all if valid_fixture_name(each.name) != each.name] == []
    assert [each.name for each in library.all if not each.fixture.title or each.fixture.order <= 0] == []
    titles = Counter(each.title for each in library.all)
    assert [title for title, number in titles.items() if number > 1] == []
    places = Counter((each.folder, each.fixture.order) for each in library.all)
    assert [place for place, number in places.items() if number > 1] == []


def test_every_file_equals_the_saved_fixture_except_for_the_order_of_its_keys() -> None:
    for saved in library.all:
        text = (FOLDER / f"{saved.name}.json").read_text("utf-8")
        assert parse_fixture(text) == saved.fixture
        written = saved.fixture.to_json()
        assert sorted(written.replace(",", "").split("\n")) == sorted(text.replace(",", "").split("\n"))


def test_a_nasty_fixture_describes_what_a_correct_ui_must_do() -> None:
    nasty = [each for each in library.all if each.folder == "nasty"]
    assert len(nasty) > 10
    assert [each.name for each in nasty if not each.fixture.must.endswith((".", "?"))] == []


def test_every_fixture_is_valid_or_marked_malformed() -> None:
    assert [each.name for each in library.all if bool(problems(each.fixture)) != each.fixture.malformed] == []


def test_all_templates_of_a_fixture_are_resolved() -> None:
    for saved in library.all:
        content = saved.fixture.frame if saved.fixture.raw else saved.fixture.data
        assert "{{" not in str(resolve(content, CONTEXT)), saved.name


@pytest.mark.parametrize("saved", library.all, ids=lambda saved: saved.name)
async def test_every_fixture_can_be_fired(make_companion: MakeCompanion, saved: SavedFixture) -> None:
    companion = await make_companion(username="zoe")
    delivery = await companion.composer.fire(saved.fixture, origin=PANEL)
    rows = [row for row in companion.journal if row.kind is Kind.TO_UI]
    assert len(rows) == saved.fixture.times
    assert {row.payload for row in rows} == {rows[0].payload}
    assert delivery.seq == rows[-1].seq
    assert (rows[-1].verdict is Verdict.INVALID) == saved.fixture.malformed
    assert bool(delivery.warnings) == (saved.name == "nasty/stranger")


def test_the_initial_pins_exist() -> None:
    assert [library.find(name).name for name in PINNED] == list(PINNED)


def test_the_samples_of_the_guide_equal_those_of_the_catalog() -> None:
    for name in ("new_message", "friend_online", "friend_offline", "typing"):
        known = catalog.get(Direction.TO_UI, name)
        assert known is not None
        assert library.find(f"guide/{name}").fixture.data == known.sample


def test_the_message_from_five_minutes_ago_has_that_timestamp() -> None:
    fixture = library.find("basics/from five minutes ago").fixture
    assert value_at(resolve(fixture.data, CONTEXT), "timestamp") == "2023-11-14T22:08:20.000Z"
