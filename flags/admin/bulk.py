"""Changes of many flags in one environment, chosen in the list, confirmed once and done all or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils import timezone

from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import is_number, person
from core.errors import Invalid, NotFound
from flags.admin.commands import RolloutForm
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange, read_percentage
from flags.domain.standing import share
from flags.models import FlagState
from flags.selectors import listing
from flags.services import bulk

TOLD = 12


class ManyFlags(ConfirmView, ABC):
    """The states are named by their ids in the address; all of them are of one environment."""

    permission_required = "flags.operate_flagstate"
    name = ""
    label = ""
    verb = ""
    of = ""
    dangerous = False

    @cached_property
    def states(self) -> list[FlagState]:
        wanted = [int(text) for text in self.request.GET.get("ids", "").split(",") if is_number(text)]
        found = list(listing.listed().filter(pk__in=wanted[: bulk.MOST]).order_by("flag__key"))
        if not found or len({state.environment_id for state in found}) != 1:
            raise NotFound("Choose flags of one environment in the list first.")
        return found

    @abstractmethod
    def line(self, state: FlagState) -> str:
        """What happens to one of them."""

    def effect(self) -> Effect:
        states = self.states
        where = states[0].environment
        lines = [self.line(state) for state in states[:TOLD]]
        if len(states) > TOLD:
            lines.append(f"And {len(states) - TOLD:,} more.")
        count = f"{len(states):,} flag{'s' if len(states) > 1 else ''}"
        return Effect(
            title=f"{self.verb}: {count}",
            sentences=["All of them, or none if one cannot.", *lines],
            submit=f"{self.verb}{self.of} {count} in {where.name}",
            dangerous=self.dangerous,
            environment=where,
        )

    def reason_required(self) -> bool:
        return self.states[0].environment.protected

    def back(self) -> str:
        return f"{reverse('admin:flags_flagstate_changelist')}?environment={self.states[0].environment.key}"


class ChangeMany(ManyFlags):
    """What changes is a field of each state."""

    @abstractmethod
    def wanted(self, values: dict[str, Any]) -> StateChange:
        """What is set for each of them."""

    def perform(self, values: dict[str, Any]) -> str:
        where = self.states[0].environment
        done = bulk.change(
            [state.flag.key for state in self.states],
            where.key,
            self.wanted(values),
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
        )
        kept = len(self.states) - len(done)
        left = f" {kept} needed no change." if kept else ""
        return f"{self.verb} in {where.name}: done for {len(done)}.{left}"


class EnableMany(ChangeMany):
    name, label, verb = "enable", "Enable…", "Enable"

    def line(self, state: FlagState) -> str:
        if state.enabled:
            return f"{state.flag.key} is on already."
        ends = f" This ends its stop: “{state.disabled_reason}”" if state.disabled_at else ""
        return f"{state.flag.key} goes on at {share(state.percentage)}.{ends}"

    def wanted(self, values: dict[str, Any]) -> StateChange:
        return StateChange(enabled=True)


class DisableMany(ChangeMany):
    name, label, verb = "disable", "Disable…", "Disable"

    def line(self, state: FlagState) -> str:
        if not state.enabled:
            return f"{state.flag.key} is off already."
        return f"{state.flag.key} goes off for everybody; its percentage stays {share(state.percentage)}."

    def wanted(self, values: dict[str, Any]) -> StateChange:
        return StateChange(enabled=False)


class RolloutMany(ChangeMany):
    name, label, verb, of = "percentage", "Set percentage…", "Set percentage", " of"
    form_class = RolloutForm

    def line(self, state: FlagState) -> str:
        wanted = self.request.POST.get("percentage")
        if wanted is None:
            return f"{state.flag.key} stands at {share(state.percentage)}."
        try:
            target = read_percentage(wanted, Bucketing(state.flag.bucketing))
        except Invalid as error:
            return f"{state.flag.key} stands at {share(state.percentage)}. {error}"
        return f"{state.flag.key}: {share(state.percentage)} → {share(target)}"

    def wanted(self, values: dict[str, Any]) -> StateChange:
        return StateChange(percentage=values["percentage"])


class ArchiveMany(ManyFlags):
    """Of every environment, whatever the list is about."""

    name, label, verb = "archive", "Archive…", "Archive"
    dangerous = True

    def line(self, state: FlagState) -> str:
        return f"{state.flag.key} leaves every list and every answer; its history stays."

    def effect(self) -> Effect:
        told = super().effect()
        count = f"{len(self.states):,} flag{'s' if len(self.states) > 1 else ''}"
        return replace(told, submit=f"Archive {count} in every environment", environment=None)

    def reason_required(self) -> bool:
        return True

    def perform(self, values: dict[str, Any]) -> str:
        keys = [state.flag.key for state in self.states]
        bulk.archive(keys, actor=person(self.request), reason=values["reason"], now=timezone.now())
        return f"Archived: {', '.join(keys[:TOLD])}{' and more' if len(keys) > TOLD else ''}."


BULK: Sequence[type[ManyFlags]] = (EnableMany, DisableMany, RolloutMany, ArchiveMany)
