"""Arm and clear faults, also those of a profile, and give each client that they act on its fault plan.
A fault disrupts frames on purpose, for example by a delay, a loss or a closed connection. With the same seed, it
does the same to the same frames again.

Faults are armed for a target, such as a user. They act on the clients that it selects, now and later. What is armed
is not stored. The faults of REST calls (``rest_faults``) are in ``Faults.rest``; a profile can arm both.
"""

import asyncio
import secrets
from collections.abc import Sequence

from app.hub.hub import Hub
from app.hub.signals import Signal
from app.hub.target import Target
from app.hub.tasks import Tasks
from app.interceptors.armed_faults import ArmedFaults, Lineages, parse_filter
from app.interceptors.client_faults import ClientFaults
from app.interceptors.delay_line import HeldBytes
from app.interceptors.rest_faults import RestFaults
from app.protocol.close_codes import why_not_sendable
from app.protocol.errors import Invalid
from app.protocol.faults.kinds import AnyFault, Limit
from app.protocol.faults.profiles import MAX_FAULTS, SavedProfile
from app.protocol.faults.words import faults_text

MAX_SETS = 100


class Faults:
    """The faults that are armed, in the order in which they act."""

    def __init__(self, hub: Hub, tasks: Tasks) -> None:
        self._hub = hub
        self._tasks = tasks
        self._sets: list[ArmedFaults] = []
        self._plans: dict[int, ClientFaults] = {}
        """The plans of the clients that faults are, or were, armed for, by the client's number."""
        self._lineages = Lineages()
        self._held = HeldBytes()
        self._last_number = 0
        self.rest = RestFaults(hub)
        """The faults of REST calls."""
        self.changed: Signal[None] = Signal()
        """Emitted when faults were armed or cleared, also those of REST calls."""
        self.acted: Signal[None] = Signal()
        """Emitted when faults have decided about a frame or a REST call."""
        self.rest.changed.connect(self.changed.emit)
        self.rest.acted.connect(self.acted.emit)
        hub.clients_changed.connect(lambda _: self._update())

    @property
    def armed(self) -> tuple[ArmedFaults, ...]:
        """What is armed, oldest first."""
        return tuple(self._sets)

    def armed_for(self, to: Target) -> ArmedFaults | None:
        """Return the faults that are armed for a target; None if there are none."""
        return next((each for each in self._sets if each.to == to), None)

    def clients_of(self, armed: ArmedFaults) -> list[int]:
        """Return the numbers of the connected clients that faults act on."""
        return [client.id for client in armed.to.select(self._hub.clients)]

    @staticmethod
    def check(faults: Sequence[AnyFault]) -> None:
        """Raise ``Invalid`` if the faults cannot be armed: too many, a wrong close code, or an invalid filter."""
        if len(faults) > MAX_FAULTS:
            raise Invalid(f"There are {len(faults)} faults; at most {MAX_FAULTS} can be armed for one target.")
        for each in faults:
            if isinstance(each, Limit) and (reason := why_not_sendable(each.code)):
                raise Invalid(reason)
        for only in {each.only for each in faults if each.only}:
            parse_filter(only)

    def arm(
        self, to: Target, faults: Sequence[AnyFault], seed: int | None = None, profile: str = ""
    ) -> ArmedFaults:
        """Arm faults for a target, instead of those that are armed for it. Without a seed, choose one.

        Raises ``Invalid``.
        """
        if not faults:
            raise Invalid("There are no faults to arm.")
        self.check(faults)
        others = [each for each in self._sets if each.to != to]
        if len(others) >= MAX_SETS:
            raise Invalid(f"Faults are armed for {MAX_SETS} targets already; clear some first.")
        self._last_number += 1
        armed = ArmedFaults(
            self._last_number, to, faults, secrets.randbelow(10_000) if seed is None else seed, profile
        )
        self._sets = [*others, armed]
        self._update()
        name = f"{profile}: " if profile else ""
        note = f"{name}{faults_text(armed.faults)}; for {to}, seed {armed.seed}"
        self._hub.log_server_event("faults armed", note=note)
        self.changed.emit(None)
        return armed

    def arm_profile(self, to: Target, saved: SavedProfile, seed: int | None = None) -> list[ArmedFaults]:
        """Arm the faults of a profile: of frames for a target, and of REST calls. Raises ``Invalid``.

        Faults of frames that are armed for the target are cleared, also if the profile has none. Those of other
        REST routes stay. If it raises, nothing has changed.
        """
        self.rest.check(saved.profile.rest)
        seed = saved.profile.seed if seed is None else seed
        if not saved.profile.faults:
            self.clear(to)
        armed = [self.arm(to, saved.profile.faults, seed, saved.name)] if saved.profile.faults else []
        for fault in saved.profile.rest:
            self.rest.arm(fault, armed[0].seed if armed else seed)
        return armed

    def clear_all(self) -> int:
        """Clear all faults, also those of REST calls, and return how many targets and routes had some."""
        return self.clear() + self.rest.clear()

    def clear(self, to: Target | None = None) -> int:
        """Clear the faults for a target, or all; return how many targets had faults. Waiting frames are sent."""
        left = [each for each in self._sets if to is not None and each.to != to]
        cleared = len(self._sets) - len(left)
        self._sets = left
        self._update()
        if cleared:
            self._hub.log_server_event("faults cleared", note=f"for {'all targets' if to is None else to}")
            self.changed.emit(None)
        return cleared

    async def flush_from_ui(self, why: str) -> None:
        """Let delayed frames and REST calls of the UI be handled now, and wait briefly until they are."""
        await asyncio.gather(
            self.rest.release_delayed(why), *(plan.flush_from_ui() for plan in self._plans.values())
        )

    def _update(self) -> None:
        """Give each client the plan for the faults that are armed for it."""
        clients = self._hub.clients
        self._lineages.keep(clients)
        connected = {client.id for client in clients}
        for number in [each for each in self._plans if each not in connected]:
            self._plans.pop(number).close()
        for client in clients:
            armed = tuple(each for each in self._sets if each.to.select([client]))
            plan = self._plans.get(client.id)
            if plan is None and armed:
                plan = self._plans[client.id] = ClientFaults(
                    client, self._lineages.of(client), self._hub, self._tasks, self._held,
                    lambda: self.acted.emit(None),
                )  # fmt: skip
                self._hub.set_fault_plan(client, plan)
            if plan and plan.armed != armed:
                plan.arm(armed)
