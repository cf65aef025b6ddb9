"""A plan made from what there is now. The cluster is asked outside any transaction; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import flags.selectors
from approvals.domain.digest import digest
from core import migrated
from core.errors import Conflict, Invalid
from rollbacks import selectors
from rollbacks.adapters.ports import Cluster, Connect, Place
from rollbacks.domain import danger, plan, revision
from rollbacks.domain.danger import Danger
from rollbacks.domain.deployment import ClusterError
from rollbacks.domain.plan import Ground, Plan
from rollbacks.domain.revision import Choice, Offer
from rollbacks.domain.states import Component
from rollbacks.services.applications import as_dict

if TYPE_CHECKING:
    from core.models import Environment


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants taken back. `flag` is a key, of a feature alone; no `choice`: the proposed revision."""

    environment: Environment
    component: Component
    flag: str = ""
    choice: Choice | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The application as the cluster told it: `part` is the `what` of its step, or None and then `why`.

    `offers` are the revisions that could be chosen.
    """

    part: dict[str, Any] | None = None
    why: str = ""
    offers: Sequence[Offer] = ()


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
    return _see(wanted, connect)


def offers(environment: Environment, connect: Connect) -> list[Offer]:
    """The revisions that the deployment there keeps, newest first.

    Raises Invalid where no application is set up, Conflict when the cluster cannot be asked.
    """
    place = place_of(environment)
    if place is None:
        raise Invalid(plan.NO_APPLICATION)
    try:
        deployed = connect(place).look()
    except ClusterError as error:
        raise Conflict(str(error)) from error
    return revision.offers(deployed, selectors.left_templates(environment.pk))


def make(wanted: Wanted, seen: Seen) -> Planned:
    """The plan. Raises NotFound for an unknown flag, and Invalid when there is nothing to take back."""
    if seen.part is None and (wanted.choice or wanted.component is Component.APPLICATION):
        raise Invalid(seen.why, field="revision" if wanted.choice else "component")
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


def _see(wanted: Wanted, connect: Connect) -> Seen:
    place = place_of(wanted.environment)
    if place is None:
        return Seen(None, plan.NO_APPLICATION)
    cluster = connect(place)
    part: dict[str, Any] = {name: getattr(place, name) for name in ("context", "namespace", "deployment", "selector")}
    try:
        deployed = cluster.look()
    except ClusterError as error:
        return _by_hand(part, str(error), cluster, wanted.choice)
    left = selectors.left_templates(wanted.environment.pk)
    offered = revision.offers(deployed, left)
    try:
        target = revision.target(deployed, wanted.choice, left)
    except Invalid as refusal:
        return Seen(None, str(refusal), offered)
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
            **({"chosen": True, "left": target.template in left} if wanted.choice else {}),
        },
        offers=offered,
    )


def _by_hand(part: dict[str, Any], why: str, cluster: Cluster, choice: Choice | None) -> Seen:
    """The cluster cannot be asked: the commands for a person. A choice is known from before, or cannot be made."""
    if choice is not None and not choice.template:
        return Seen(
            None, f"{why.rstrip('.')}. So revision {choice.number} cannot be looked up: ask without choosing one."
        )
    chosen = {}
    if choice is not None:
        chosen = {
            "chosen": True,
            "target_revision": choice.number,
            "target_template": choice.template,
            "target_image": choice.image,
        }
    return Seen({**part, "by_hand": why, "commands": list(cluster.by_hand(None)), **chosen})
