"""A plan made from what there is now. The cluster is asked outside any transaction; nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import flags.selectors
from approvals.domain.digest import digest
from core import migrated
from core.errors import Invalid
from rollbacks import selectors
from rollbacks.adapters.ports import Connect, Place
from rollbacks.domain import danger, plan
from rollbacks.domain.danger import Danger
from rollbacks.domain.deployment import ClusterError
from rollbacks.domain.plan import Ground, Plan
from rollbacks.domain.states import Component
from rollbacks.services.applications import as_dict

if TYPE_CHECKING:
    from core.models import Environment

NOTHING_OLDER = "The deployment has no older revision to go back to that was not rolled back already."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants taken back. `flag` is a key, of a feature alone."""

    environment: Environment
    component: Component
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The application as the cluster told it: `part` is the `what` of its step, or None and then `why`."""

    part: dict[str, Any] | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    plan: Plan
    danger: Danger
    estimate: timedelta

    @property
    def mark(self) -> list[dict[str, Any]]:
        """What a confirmation is for. Of an error of kubectl only counts that there is one: it may hold the time."""
        return [
            {"kind": step.kind.value, "what": {**step.what, "by_hand": bool(step.what.get("by_hand"))}}
            for step in self.plan.steps
        ]


def see(wanted: Wanted, connect: Connect) -> Seen:
    """Ask the cluster, where the application is part of it."""
    if wanted.component not in (Component.APPLICATION, Component.ALL):
        return Seen()
    return _see(wanted.environment, connect)


def make(wanted: Wanted, seen: Seen) -> Planned:
    """The plan. Raises NotFound for an unknown flag, and Invalid when there is nothing to take back."""
    if seen.part is None and wanted.component is Component.APPLICATION:
        raise Invalid(seen.why, field="component")
    made = plan.make(wanted.component, _ground(wanted, seen))
    if wanted.component is Component.DATABASE and plan.NO_RUNS in made.notes:
        raise Invalid(plan.NO_RUNS, field="component")
    if not made.takes_back:
        raise Invalid(" ".join(_nothing(wanted, made)), field="component")
    steps = [step.as_dict() for step in made.steps]
    found = danger.judge(steps, protected=wanted.environment.protected)
    past = selectors.past(wanted.environment.pk, wanted.component.value)
    return Planned(made, found, plan.estimate(past))


def digest_of(wanted: Wanted, planned: Planned, *, reason: str, evidence: dict[str, Any]) -> str:
    """What a confirmation is bound to: all of the plan, and what it is for."""
    return digest(
        {
            "environment": wanted.environment.key,
            "component": wanted.component.value,
            "flag": wanted.flag,
            "reason": reason,
            "evidence": evidence,
            "steps": planned.mark,
        }
    )


def read_component(text: str) -> Component:
    try:
        return Component(text)
    except ValueError:
        known = ", ".join(Component)
        raise Invalid(f"There is no component {text!r}. Known: {known}.", field="component") from None


def place_of(environment: Environment) -> Place | None:
    """Where nctool runs there; None when the playbook does not say."""
    row = selectors.application(environment.key)
    return None if row is None else Place(environment=environment.key, **as_dict(row))


def _ground(wanted: Wanted, seen: Seen) -> Ground:
    return Ground(
        flags=flags_on(wanted),
        application=seen.part,
        no_application=seen.why,
        runs=[
            {"uid": run.uid, "title": run.title, "documents": run.documents}
            for run in (migrated.runs(wanted.environment.key) if wanted.component is not Component.FEATURE else ())
        ],
    )


def flags_on(wanted: Wanted) -> list[dict[str, Any]]:
    """The flags that are on: of a feature that one, else all, for an older application may know none of them."""
    if wanted.component is Component.FEATURE:
        if not wanted.flag:
            raise Invalid("Name the flag of the feature.", field="flag")
        states = [flags.selectors.state(wanted.flag, wanted.environment.key)]
    else:
        states = list(flags.selectors.states(wanted.environment.key))
    return [{"key": row.flag.key, "percentage": float(row.percentage)} for row in states if row.enabled]


def _nothing(wanted: Wanted, made: Plan) -> list[str]:
    if wanted.component is Component.FEATURE:
        return [f"{wanted.flag} is off in {wanted.environment} already: there is nothing to take back."]
    return ["There is nothing to take back.", *made.notes]


def _see(environment: Environment, connect: Connect) -> Seen:
    place = place_of(environment)
    if place is None:
        return Seen(None, plan.NO_APPLICATION)
    cluster = connect(place)
    part: dict[str, Any] = {name: getattr(place, name) for name in ("context", "namespace", "deployment", "selector")}
    try:
        deployed = cluster.look()
    except ClusterError as error:
        return Seen({**part, "by_hand": str(error), "commands": list(cluster.by_hand(None))})
    target = deployed.target(selectors.left_templates(environment.pk))
    if target is None:
        return Seen(None, NOTHING_OLDER)
    return Seen(
        {
            **part,
            "by_hand": "",
            "commands": list(cluster.by_hand(target.number)),
            "paused": deployed.paused,
            "uid": deployed.uid,
            "revision": deployed.revision,
            "template": deployed.template,
            "image": deployed.image,
            "target_revision": target.number,
            "target_template": target.template,
            "target_image": target.image,
        }
    )
