"""Control API operations on fixtures (saved events or raw frames): list, show, save, rename and delete them.

To fire a fixture, use ``POST /v1/trigger`` (``firing.py``). ``settings.py`` has the operations that pin fixtures.
"""

from http import HTTPStatus

import msgspec

from app.endpoints.control import fixture_shapes as shapes
from app.endpoints.control.operations import TEXT, Call, Scope, operation, target
from app.endpoints.control.settings import SettingsOperations
from app.hub.expectation import expectation_of, why_impossible
from app.protocol.errors import Forbidden, Invalid
from app.protocol.fixture import BadFixture, Fixture, fixture_from_json, from_frame, with_fresh_values

PINNED = "The agent token cannot change a pinned fixture. Save it with another name, or use the main token."


class FixtureOperations(SettingsOperations):
    """The operations under ``/v1/fixtures``, except pinning. The room *Fixtures* can do the same.

    Renaming a fixture also changes its pin, which is a setting. The agent token changes no pinned fixture: the user
    fires it from the tray without looking at it.
    """

    @operation("GET", "/v1/fixtures", scope=Scope.AGENT, answer=shapes.FixtureList)
    async def list_fixtures(self, _: Call) -> shapes.FixtureList:
        """List the fixtures. Their files are read again if they have changed."""
        await self._service.fixtures.read()
        library = self._service.fixtures
        fixtures = library.all
        problems = await self._service.composer.problems(each for each in fixtures if each.own)
        pinned = {each.name for each in library.pinned}
        return shapes.FixtureList(
            fixtures=[
                shapes.FixtureInfo(
                    name=each.name, title=each.title, event=each.fixture.event, must=each.fixture.must,
                    malformed=each.fixture.malformed, own=each.own, pinned=each.name in pinned,
                    problems=problems.get(each.name, []), faults=problems.get(each.name, []),
                    expect=each.fixture.expect,
                )
                for each in fixtures
            ],
            folder=str(library.folder) if library.folder else None,
            warnings=library.warnings, complaints=library.warnings,
        )  # fmt: skip

    @operation(
        "GET", "/v1/fixtures/{name}", scope=Scope.AGENT, answer=shapes.FixtureFull, errors=(HTTPStatus.NOT_FOUND,)
    )
    async def show_fixture(self, call: Call) -> shapes.FixtureFull:
        """Return a fixture."""
        return shapes.fixture_full(await self._service.fixtures.look_up(call.path["name"]))

    @operation("PUT", "/v1/fixtures/{name}", scope=Scope.AGENT, body=Fixture, answer=shapes.FixtureFull,
               errors=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def save_fixture(self, call: Call) -> shapes.FixtureFull:
        """Save a fixture, replacing one with the same name. If it is pinned, this needs the main token."""
        self._check_pins(call, call.path["name"])
        try:
            fixture = fixture_from_json(msgspec.to_builtins(call.body))
        except BadFixture as bad:
            raise Invalid(f"Not a valid fixture: {bad}.") from None
        target(fixture.to)
        expected = expectation_of(fixture)
        if expected and (reason := why_impossible(expected, self._service.catalog)):
            raise Invalid(f"The expectation of the fixture is wrong: {reason}.")
        return shapes.fixture_full(await self._service.fixtures.save(call.path["name"], fixture))

    @operation("PUT", "/v1/fixtures/{name}/frame", scope=Scope.AGENT, query=shapes.FrameQuery, body=str, media=TEXT,
               answer=shapes.FixtureFull, errors=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def save_frame(self, call: Call) -> shapes.FixtureFull:
        """Save a frame as a fixture: as an event if it has the form of one, else as a raw frame."""
        self._check_pins(call, call.path["name"])
        catalog = self._service.catalog
        fixture = from_frame(call.body, catalog, literal=call.query.literal)
        if call.query.renew:
            fixture = with_fresh_values(fixture, catalog)
        return shapes.fixture_full(await self._service.fixtures.save(call.path["name"], fixture))

    @operation("PATCH", "/v1/fixtures/{name}", scope=Scope.AGENT, body=shapes.RenameBody, answer=shapes.FixtureFull,
               errors=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def rename_fixture(self, call: Call) -> shapes.FixtureFull:
        """Rename a fixture of your own. If it is pinned, this needs the main token."""
        old = (await self._service.fixtures.look_up(call.path["name"])).name  # the one that was given may be short
        self._check_pins(call, old, call.body.name)
        async with self._change_lock:  # of the settings
            return shapes.fixture_full(await self._service.rename_fixture(old, call.body.name))

    @operation(
        "DELETE", "/v1/fixtures/{name}", scope=Scope.AGENT, errors=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
    )
    async def delete_fixture(self, call: Call) -> None:
        """Delete a fixture of your own. If it is pinned, this needs the main token."""
        name = (await self._service.fixtures.look_up(call.path["name"])).name  # the one that was given may be short
        self._check_pins(call, name)
        await self._service.fixtures.delete(name)

    def _check_pins(self, call: Call, *names: str) -> None:
        """Raise ``Forbidden`` if an agent wants to change a pinned fixture."""
        if call.by_agent and any(map(self._service.fixtures.can_become_pinned, names)):
            raise Forbidden(PINNED)
