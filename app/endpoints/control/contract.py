"""Control API operations on event files: list them with their events and errors, and read changed ones now.
An event file defines an event of the contract, or extends a built-in one. ``contract_import`` creates event files.
"""

from app.endpoints.control import contract_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation


class ContractOperations(Operations):
    """The operations on event files, under ``/v1/contract``."""

    @operation("GET", "/v1/contract/files", scope=Scope.AGENT, answer=shapes.EventFileList)
    async def event_files(self, _: Call) -> shapes.EventFileList:
        """List the files that define events, with their events and errors."""
        return self._event_files()

    @operation("POST", "/v1/contract/reload", scope=Scope.AGENT, answer=shapes.EventFileList)
    async def reload_event_files(self, _: Call) -> shapes.EventFileList:
        """Read the event files now. The companion also does that within a second of a change."""
        await self._service.event_files.read()
        return self._event_files()

    def _event_files(self) -> shapes.EventFileList:
        found = self._service.event_files
        return shapes.EventFileList(
            files=[shapes.event_file(each) for each in found.files],
            folder=str(found.folder) if found.folder else None,
            warnings=found.warnings,
        )
