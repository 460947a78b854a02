"""Control API operations on the lint: read its rules with their findings, and turn rules on and off.
The lint compares the traffic of this run with the contract. Turning a rule off is a setting, which is saved.
"""

from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from app.endpoints.control.operations import Call, Scope, operation
from app.endpoints.control.settings import SettingsOperations
from app.endpoints.control.shapes import Input
from app.protocol.errors import Invalid
from app.protocol.lint.report import LintReport
from app.protocol.lint.rules import BY_ID, unknown_rule

RuleIds = Annotated[list[str], Meta(max_length=100, description="Ids of rules", examples=[["clock-skew"]])]


class LintRulesBody(Input):
    """The rules to turn off and on."""

    off: RuleIds = []  # noqa: RUF012 - msgspec copies an empty list
    on: RuleIds = []  # noqa: RUF012


class ContractLintOperations(SettingsOperations):
    """What the room *Contract* shows. Rules that are off are a setting, so changing them needs the main token."""

    @operation("GET", "/v1/contract/lint", scope=Scope.AGENT, answer=LintReport)
    async def lint(self, _: Call) -> LintReport:
        """Compare the traffic of this run with the contract, and return the rules with their findings."""
        await self._service.contract_lint.catch_up()
        return self._service.contract_lint.report()

    @operation("PATCH", "/v1/contract/lint", scope=Scope.FULL, body=LintRulesBody, answer=LintReport)
    async def change_lint_rules(self, call: Call) -> LintReport:
        """Turn rules of the lint off or on, and save that as a setting."""
        off, on = call.body.off, call.body.on
        if wrong := next((text for each in (*off, *on) if (text := unknown_rule(each))), ""):
            raise Invalid(f"{wrong[:1].upper()}{wrong[1:]}.")
        if both := set(off).intersection(on):
            raise Invalid(f"{min(both)} cannot be turned both off and on.")
        await self._change(
            lambda before: replace(
                before, lint_off=[each for each in BY_ID if each in {*before.lint_off, *off} - {*on}]
            )
        )
        return await self.lint(call)
