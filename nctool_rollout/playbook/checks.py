"""What the parts of a playbook must be to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

from pydantic.alias_generators import to_camel

from alerting.domain.definition import Definition as AlertDefinition
from core.calendar import read_zone
from core.errors import Invalid
from flags.domain.change import check_parameters, read_percentage
from flags.domain.definition import DefinitionChange
from flags.domain.definition import read as read_definition
from flags.domain.rebucketing import Draw
from monitoring.domain.catalogue import Entry
from monitoring.domain.rule import Definition
from monitoring.domain.source import Definition as SourceDefinition
from nctool_rollout.playbook import improving, kpis, oncall, reporting
from nctool_rollout.playbook.alerting import THRESHOLDS, forms, metrics_of
from nctool_rollout.playbook.model import Environment, Feature, FlagHere, FlagStart, Freeze, Playbook, Ramp
from nctool_rollout.playbook.planning import Item as PlanItem
from nctool_rollout.playbook.planning import Plan, document_of
from nctool_rollout.playbook.problems import Path, Problem
from nctool_rollout.playbook.responding import policy_of
from nctool_rollout.playbook.source import Source
from nctool_rollout.playbook.wanted import definition_of, hours_of, plan_of, source_of, steps_of
from nctool_rollout.playbook.watching import AlertGroup, Trigger
from nctool_rollout.playbook.watching import Source as DataSource
from plans.domain.template import PlanSpec
from rollouts.domain.hours import read as read_hours
from rollouts.domain.template import flaws


def check(playbook: Playbook, source: Source) -> list[Problem]:
    """Everything that is wrong with parts that are right by themselves.

    `source` may name more than `playbook` has: entries with errors of their own were left out of it.
    """
    checks = _Checks(playbook, source)
    return list(checks.all())


@dataclass(frozen=True, slots=True)
class _Checks:
    playbook: Playbook
    source: Source

    def all(self) -> Iterator[Problem]:
        features = self.playbook.deployment_config.features
        for key, feature in features.items():
            yield from self._definition(("deploymentConfig", "features", key), key, feature)
            yield from self._start(("deploymentConfig", "features", key), key, feature)
        for key, environment in self.playbook.environments.items():
            yield from self._environment(("environments", key), environment)
        for key, ramp in self.playbook.ramps.items():
            yield from self._ramp(("ramps", key), ramp)
        for key, trigger in self.playbook.triggers.items():
            yield from self._trigger(("triggers", key), key, trigger)
        for key, freeze in self.playbook.freezes.items():
            yield from self._freeze(("freezes", key), freeze)
        yield from self._watching()
        all_ = self.playbook
        wrong = (*oncall.flaws(all_.on_call), *kpis.flaws(all_.kpis), *improving.flaws(all_), *reporting.flaws(all_))
        yield from (self._at(path, message) for path, message in wrong)
        for part in ("approvals", "applications"):
            for key in getattr(self.playbook, part):
                yield from self._known("environment", key, (part, key))

    def _watching(self) -> Iterator[Problem]:
        """The catalogue, the sources, the alert rules, the register, the plans, and the levels of incidents."""
        yield from self._levels()
        for key, plan in self.playbook.plans.items():
            yield from self._plan(("plans", key), plan)
        for key, metric in metrics_of(self.playbook).items():
            yield from self._metric(("metrics", key), key, metric)
        for key, source in self.playbook.sources.items():
            yield from self._source(("sources", key), key, source)
        yield from self._alerts()
        for key, risk in self.playbook.risks.items():
            for noun, named in (("trigger", risk.triggers), ("ramp", risk.ramps)):
                known = self.playbook.triggers if noun == "trigger" else self.playbook.ramps
                for index, other in enumerate(named):
                    if other not in known:
                        yield self._at(
                            ("risks", key, f"{noun}s", index), f"There is no {noun} {other!r} in this playbook."
                        )

    def _named(self, path: Path, noun: str, named: Sequence[str], known: Collection[str]) -> Iterator[Problem]:
        for index, key in enumerate(named):
            if key not in known:
                yield self._at((*path, index), f"There is no {noun} {key!r} in this playbook.")

    def _source(self, path: Path, key: str, source: DataSource) -> Iterator[Problem]:
        yield from self._places(path, source.environments)
        names = {"timeout": "timeoutSeconds", "interval": "intervalSeconds"}
        try:
            SourceDefinition.read(key, source_of(source))
        except Invalid as error:
            yield self._at((*path, names.get(error.field or "", error.field or "name")), str(error))

    def _definition(self, path: Path, key: str, feature: Feature) -> Iterator[Problem]:
        wanted: dict[str, Any] = {
            name: getattr(feature, name) for name in ("name", "description", "group", "parameter_schema")
        }
        variants = [variant.model_dump() for variant in feature.variants]
        chosen: dict[str, Any] = {
            "bucketing": feature.bucketing.value,
            "value_type": feature.value_type.value,
            "variants": variants,
        }
        try:
            read_definition(DefinitionChange(**wanted, **chosen), {"value_schema": {}})
            Draw.of(feature.bucketing, key=key, salt="", group=feature.group)
        except Invalid as error:
            field = "type" if error.field == "value_type" else to_camel(error.field or "")
            yield self._at((*path, field), str(error))

    def _start(self, path: Path, flag: str, start: FlagStart | FlagHere) -> Iterator[Problem]:
        feature = self.playbook.deployment_config.features.get(flag)
        if feature is not None and start.rollout_percentage is not None:
            share, bucketing = start.rollout_percentage, feature.bucketing
            yield from self._try((*path, "rolloutPercentage"), lambda: read_percentage(share, bucketing))
        if start.parameters is not None:
            parameters, schema = start.parameters, feature.parameter_schema if feature is not None else {}
            yield from self._try((*path, "parameters"), lambda: check_parameters(parameters, schema))
        seen: Counter[str] = Counter()
        for index, npub in enumerate(start.allowed_users or ()):
            seen[npub] += 1
            if seen[npub] == 2:
                yield self._at((*path, "allowedUsers", index), f"{npub} stands in this list twice.")

    def _environment(self, path: Path, environment: Environment) -> Iterator[Problem]:
        if environment.zone:
            try:
                read_zone(environment.zone)
            except Invalid as error:
                yield self._at((*path, "zone"), str(error))
        for flag, here in environment.flags.items():
            yield from self._known("flag", flag, (*path, "flags", flag))
            yield from self._start((*path, "flags", flag), flag, here)
        other = environment.same_flags_as
        if other is None:
            return
        field = (*path, "sameFlagsAs")
        yield from self._known("environment", other, field)
        if environment.flags:
            yield self._at(field, "Leave this out, or the flags: an environment has them from one place.")
        model = self.playbook.environments.get(other)
        if model is not None and model.same_flags_as is not None:
            yield self._at(field, f"{other} takes its flags from another environment itself: name that one.")

    def _ramp(self, path: Path, ramp: Ramp) -> Iterator[Problem]:
        yield from self._known("flag", ramp.flag, (*path, "flag"))
        yield from self._try((*path, "hours"), lambda: read_hours(hours_of(ramp), zone="UTC"))
        feature = self.playbook.deployment_config.features.get(ramp.flag)
        if feature is None:
            return
        for flaw in flaws(steps_of(ramp), feature.bucketing):
            place = () if flaw.index is None else (flaw.index, to_camel(flaw.field))
            yield self._at((*path, "steps", *place), flaw.message)
        parameters = dict(feature.parameters)
        for index, step in enumerate(ramp.steps):
            parameters |= step.parameters
            if step.parameters:
                check = partial(check_parameters, dict(parameters), feature.parameter_schema)
                yield from self._try((*path, "steps", index, "parameters"), check)

    def _trigger(self, path: Path, key: str, trigger: Trigger) -> Iterator[Problem]:
        yield from self._places(path, trigger.environments)
        if trigger.flag is not None:
            yield from self._known("flag", trigger.flag, (*path, "flag"))
        names = {
            "window": "windowSeconds",
            "max_window": "maxWindowSeconds",
            "cooldown": "cooldownSeconds",
            "flag_key": "flag",
        }
        try:
            Definition.read(key, definition_of(trigger))
        except Invalid as error:
            field = error.field or "name"
            yield self._at((*path, names.get(field, to_camel(field))), str(error))

    def _metric(self, path: Path, key: str, values: dict[str, Any]) -> Iterator[Problem]:
        written = self.playbook.metrics[key].warning
        if key in THRESHOLDS.values() and written is not None and written != values["warning"]:
            yield self._at(
                (*path, "warning"), "This stands in deploymentConfig.monitoring.alertThresholds: leave it out."
            )
        try:
            Entry.read(key, values)
        except Invalid as error:
            yield self._at((*path, error.field or "title"), str(error))

    def _alerts(self) -> Iterator[Problem]:
        seen: set[tuple[str, str]] = set()
        for path, group, name, environments, values in forms(self.playbook):
            yield from self._places(path, environments)
            if (group, name) in seen:
                yield self._at(path, f"{name} stands in this file twice.")
            seen.add((group, name))
            try:
                AlertDefinition.read(name, values())
            except Invalid as error:
                named = {"for_seconds": "for", "severity": "severity" if path[0] == "alerts" else "labels"}
                field = named.get(error.field or "", error.field or "name")
                yield self._at((*path, field), str(error))
        for number, one in enumerate(self.playbook.alert_groups):
            yield from self._evaluated_by(("alertGroups", number, "source"), one)

    def _evaluated_by(self, path: Path, group: AlertGroup) -> Iterator[Problem]:
        source = self.playbook.sources.get(group.source)
        if group.source and (source is None or source.kind != "prometheus"):
            yield self._at(path, f"There is no Prometheus {group.source!r} among the sources of this playbook.")
        elif source is not None and group.environments is not None:
            for environment in sorted(set(group.environments) - set(source.environments)):
                yield self._at(path, f"{group.source} is no source of {environment}.")

    def _plan(self, path: Path, plan: Plan) -> Iterator[Problem]:
        for key, phase in plan.phases.items():
            here: Path = (*path, "phases", key)
            yield from self._items((*here, "activities"), phase.activities)
            yield from self._items((*here, "criteria"), phase.criteria)
            yield from self._named((*here, "ramps"), "ramp", phase.ramps, self.playbook.ramps)
            yield from self._named((*here, "triggers"), "trigger", phase.triggers, self.playbook.triggers)
            for index, feature in enumerate(phase.features):
                yield from self._known("feature", feature, (*here, "features", index))
            for index, feature in enumerate(phase.needs.flags):
                yield from self._known("feature", feature, (*here, "needs", "flags", index))
        for key, checklist in plan.checklists.items():
            yield from self._items((*path, "checklists", key, "items"), checklist.items)
        try:
            PlanSpec.read(document_of(plan))
        except Invalid as error:
            parts = (error.field or "name").split(".")
            yield self._at((*path, *(int(part) if part.isdecimal() else part for part in parts)), str(error))

    def _items(self, path: Path, items: Sequence[PlanItem]) -> Iterator[Problem]:
        """That the ramps and flags which are checked are there, and the environments that have their own command."""
        for index, item in enumerate(items):
            for key in item.commands:
                yield from self._known("environment", key, (*path, index, "commands", key))
            here: Path = (*path, index, "check")
            named = item.check or {}
            if "ramp" in named and named["ramp"] not in self.playbook.ramps:
                yield self._at(here, f"There is no ramp {named['ramp']!r} in this playbook.")
            if "flag" in named:
                yield from self._known("feature", str(named["flag"]), here)

    def _freeze(self, path: Path, freeze: Freeze) -> Iterator[Problem]:
        yield from self._places(path, freeze.environments)
        names = {"starts_at": "starts", "duration": "durationHours"}
        try:
            plan_of(freeze).timetable()
        except Invalid as error:
            field = error.field or "name"
            yield self._at((*path, names.get(field, to_camel(field))), str(error))

    def _levels(self) -> Iterator[Problem]:
        for key, level in self.playbook.incidents.items():
            try:
                policy_of(key, level)
            except Invalid as error:
                yield self._at(("incidents", key, to_camel(error.field or "name")), str(error))

    def _places(self, path: Path, environments: Sequence[str]) -> Iterator[Problem]:
        for index, environment in enumerate(environments):
            yield from self._known("environment", environment, (*path, "environments", index))
            if environment in environments[:index]:
                yield self._at((*path, "environments", index), f"{environment} stands in this list twice.")

    def _known(self, noun: str, key: str, path: Path) -> Iterator[Problem]:
        known = self._names(noun)
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            yield self._at(path, f"There is no {noun} {key!r} in this playbook.{hint} It has: {', '.join(known)}.")

    def _names(self, noun: str) -> list[str]:
        """As written, so that a part with an error of its own is not also told to be missing."""
        data: Any = self.source.data
        where = ("environments",) if noun == "environment" else ("deploymentConfig", "features")
        for part in where:
            data = data.get(part) if isinstance(data, dict) else None
        return list(data) if isinstance(data, dict) else []

    def _try(self, path: Path, call: Callable[[], Any]) -> Iterator[Problem]:
        try:
            call()
        except Invalid as error:
            yield self._at(path, str(error))

    def _at(self, path: Path, message: str) -> Problem:
        return Problem(self.source.line(path), path, message)
