"""Control API operations on faults: arm and clear them, list what is armed; list, save, rename and delete profiles.
A fault disturbs frames or REST calls on purpose: for example, it delays or drops frames, closes connections, or
lets calls fail. It is armed (switched on) for a target, such as a user, or for a REST route. A profile is a saved
set of faults; built-in profiles cannot be renamed or deleted.
"""

from http import HTTPStatus

from app.endpoints.control import fault_shapes as shapes
from app.endpoints.control.fixture_shapes import RenameBody
from app.endpoints.control.operations import Call, Operations, Scope, operation, target
from app.protocol.errors import Invalid
from app.protocol.faults.profiles import Profile

ERRORS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class FaultOperations(Operations):
    """The operations under ``/v1/faults``. The room *Faults* can do the same."""

    @operation("GET", "/v1/faults", scope=Scope.AGENT, answer=shapes.FaultState)
    async def faults(self, _: Call) -> shapes.FaultState:
        """List the faults that are armed, and what they have done."""
        return self._fault_state()

    @operation("PUT", "/v1/faults", scope=Scope.AGENT, body=shapes.ArmBody, answer=shapes.FaultState,
               errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def arm_faults(self, call: Call) -> shapes.FaultState:
        """Arm faults, or a profile, for a target, instead of those that are armed for it.

        The faults of REST calls in a profile act on the calls of all clients, whatever the target is. They are
        cleared by their route. Those of routes that the profile does not name stay armed.
        """
        body, faults = call.body, self._service.faults
        if bool(body.faults) == bool(body.profile):
            raise Invalid("Give either faults or the name of a profile.")
        to = target(body.to)
        if body.profile:
            faults.arm_profile(to, await self._service.profiles.look_up(body.profile), body.seed)
        else:
            faults.arm(to, body.faults, body.seed)
        return self._fault_state()

    @operation("DELETE", "/v1/faults", scope=Scope.AGENT, query=shapes.ClearQuery, answer=shapes.Cleared)
    async def clear_faults(self, call: Call) -> shapes.Cleared:
        """Clear all faults, or those of a target and that of a REST route. Frames that wait are sent at once."""
        faults, query = self._service.faults, call.query
        if not query.to and not query.route:
            return shapes.Cleared(cleared=faults.clear_all())
        cleared = faults.clear(target(query.to)) if query.to else 0
        return shapes.Cleared(cleared=cleared + (faults.rest.clear(query.route) if query.route else 0))

    @operation("PUT", "/v1/faults/rest", scope=Scope.AGENT, body=shapes.ArmRestBody, answer=shapes.FaultState)
    async def arm_rest_fault(self, call: Call) -> shapes.FaultState:
        """Arm a fault of a REST route, instead of the one that is armed for it."""
        self._service.faults.rest.arm(call.body.fault, call.body.seed)
        return self._fault_state()

    @operation("GET", "/v1/faults/profiles", scope=Scope.AGENT, answer=shapes.ProfileList)
    async def list_profiles(self, _: Call) -> shapes.ProfileList:
        """List the profiles. Their files are read again if they have changed."""
        library = self._service.profiles
        await library.read()
        return shapes.ProfileList(
            profiles=[shapes.profile_info(each) for each in library.all],
            folder=str(library.folder) if library.folder else None,
            warnings=library.warnings,
        )

    @operation("PUT", "/v1/faults/profiles/{name}", scope=Scope.AGENT, body=Profile, answer=shapes.ProfileInfo,
               errors=ERRORS)  # fmt: skip
    async def save_profile(self, call: Call) -> shapes.ProfileInfo:
        """Save a profile, replacing one with the same name."""
        return shapes.profile_info(await self._service.profiles.save(call.path["name"], call.body))

    @operation("PATCH", "/v1/faults/profiles/{name}", scope=Scope.AGENT, body=RenameBody,
               answer=shapes.ProfileInfo, errors=ERRORS)  # fmt: skip
    async def rename_profile(self, call: Call) -> shapes.ProfileInfo:
        """Rename a profile of your own."""
        return shapes.profile_info(await self._service.profiles.rename(call.path["name"], call.body.name))

    @operation("DELETE", "/v1/faults/profiles/{name}", scope=Scope.AGENT, errors=ERRORS)
    async def delete_profile(self, call: Call) -> None:
        """Delete a profile of your own."""
        await self._service.profiles.delete(call.path["name"])

    def _fault_state(self) -> shapes.FaultState:
        faults = self._service.faults
        return shapes.FaultState(
            frames=[
                shapes.ArmedInfo(
                    number=each.number, to=str(each.to), profile=each.profile, seed=each.seed, faults=each.faults,
                    clients=faults.clients_of(each), seen=each.seen, acted=dict(each.acted),
                )
                for each in faults.armed
            ],
            rest=[
                shapes.ArmedRestInfo(fault=each.fault, seed=each.seed, seen=each.seen, acted=each.acted)
                for each in faults.rest.armed
            ],
        )  # fmt: skip
