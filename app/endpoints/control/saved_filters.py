"""Control API operations on saved filters of the log: list, save, rename and delete them."""

from collections.abc import Callable
from http import HTTPStatus

from msgspec.structs import replace

from app.endpoints.control import saved_filter_shapes as shapes
from app.endpoints.control.operations import Call, Scope, operation
from app.endpoints.control.settings import SettingsOperations
from app.hub import saved_filters


class SavedFilterOperations(SettingsOperations):
    """The abilities of the menu *Saved filters* in *Events*. They are a setting, so saving needs the main token."""

    @operation("GET", "/v1/filters", scope=Scope.AGENT, answer=list[shapes.SavedFilter])
    async def list_filters(self, _: Call) -> list[shapes.SavedFilter]:
        """List the saved filters of the log."""
        return [
            shapes.SavedFilter(name=name, filter=text)
            for name, text in self._service.settings.saved_filters.items()
        ]

    @operation("PUT", "/v1/filters/{name}", scope=Scope.FULL, body=shapes.FilterBody, answer=shapes.SavedFilter)
    async def save_filter(self, call: Call) -> shapes.SavedFilter:
        """Save a filter under a name, replacing one with the same name."""
        name = saved_filters.valid_name(call.path["name"])
        await self._change_filters(lambda before: saved_filters.saved(before, name, call.body.filter))
        return self._saved(name)

    @operation("PATCH", "/v1/filters/{name}", scope=Scope.FULL, body=shapes.FilterRenameBody,
               answer=shapes.SavedFilter, errors=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def rename_filter(self, call: Call) -> shapes.SavedFilter:
        """Rename a saved filter."""
        old, new = call.path["name"], saved_filters.valid_name(call.body.name)
        await self._change_filters(lambda before: saved_filters.renamed(before, old, new))
        return self._saved(new)

    @operation("DELETE", "/v1/filters/{name}", scope=Scope.FULL, errors=(HTTPStatus.NOT_FOUND,))
    async def delete_filter(self, call: Call) -> None:
        """Delete a saved filter."""
        await self._change_filters(lambda before: saved_filters.deleted(before, call.path["name"]))

    async def _change_filters(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        await self._change(lambda before: replace(before, saved_filters=change(before.saved_filters)))

    def _saved(self, name: str) -> shapes.SavedFilter:
        return shapes.SavedFilter(name=name, filter=self._service.settings.saved_filters[name])
