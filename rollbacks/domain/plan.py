"""What a rollback will do, exactly: the seed's steps, expanded from what there is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

from rollbacks.domain.states import Component, StepKind

NO_RUNS = "No migration has been run here, so there is nothing to take back in the database."
NO_APPLICATION = "No application is set up for this environment (the playbook's `applications`)."
UNKNOWN = timedelta(minutes=15)  # seed: estimatedDuration '15 minutes', until there are runs to tell better
PAST = 10  # runs from which the duration is estimated

TITLES = {
    StepKind.FLAGS: "Disable feature flags",
    StepKind.APPLICATION: "Revert application deployment",
    StepKind.DATABASE: "Take back the migration",
    StepKind.SERVED: "See what nctool still serves",
    StepKind.VALIDATE: "Validate system health",
    StepKind.NOTIFY: "Notify stakeholders",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is made from. `flags`: key, percentage. `application` as services.application tells it, or None.

    `runs`: uid, title, documents of each migration run. `no_application`: why there is none.
    """

    flags: Sequence[Mapping[str, Any]] = ()
    application: Mapping[str, Any] | None = None
    runs: Sequence[Mapping[str, Any]] = ()
    no_application: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One step as it is planned: `what` is what it works by, `lines` tell it to people."""

    kind: StepKind
    what: Mapping[str, Any]
    lines: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        told = {"kind": self.kind.value, "title": TITLES[self.kind]}
        return {**told, "what": dict(self.what), "lines": list(self.lines)}


@dataclass(frozen=True, slots=True)
class Plan:
    """`notes` say what is left out, and why."""

    steps: Sequence[Draft]
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def takes_back(self) -> bool:
        """Whether there is anything to take back; looking and telling is nothing by itself."""
        return any(step.kind in (StepKind.FLAGS, StepKind.APPLICATION, StepKind.DATABASE) for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        return {"steps": [step.as_dict() for step in self.steps], "notes": list(self.notes)}


def make(component: Component, ground: Ground) -> Plan:
    """The steps in their order: flags off, application, database, then look, validate and tell."""
    steps = [*_flags(ground), *_application(component, ground), *_database(component, ground)]
    served = [Draft(StepKind.SERVED, {"flags": [flag["key"] for flag in ground.flags]}, _SERVED)]
    after = [
        *(served if ground.flags else []),
        Draft(StepKind.VALIDATE, {}, [_CHECKS]),
        Draft(StepKind.NOTIFY, {}, ["Announce the rollback by every channel that is set up, with what was done."]),
    ]
    return Plan([*steps, *after], list(_notes(component, ground)))


def estimate(past: Sequence[timedelta]) -> timedelta:
    """How long it will take: the median of the last ten of its kind; the seed's 15 minutes while there is none."""
    seconds = [length.total_seconds() for length in past[:PAST]]
    return timedelta(seconds=round(median(seconds))) if seconds else UNKNOWN


_CHECKS = (
    "Run the six checks of a deployment. One that fails stops the rollback; performance and atomic "
    "operations are only told, for they look back into what was rolled back."
)
_SERVED = [
    "See that the ramps of these flags are held, and that every instance of nctool has the new configuration.",
]


def _flags(ground: Ground) -> Iterator[Draft]:
    if ground.flags:
        lines = [f"{flag['key']}: {flag['percentage']:g} % → off" for flag in ground.flags]
        yield Draft(StepKind.FLAGS, {"flags": [dict(flag) for flag in ground.flags]}, lines)


def _application(component: Component, ground: Ground) -> Iterator[Draft]:
    found = ground.application
    if component not in (Component.APPLICATION, Component.ALL) or found is None:
        return
    name = f"deployment {found['deployment']} in {found['namespace']} ({found['context']})"
    if found["by_hand"]:
        back = "what ran before"
        if found.get("chosen"):
            back = f"{found['target_image']}, which was chosen (revision {found['target_revision']} then)"
        yield Draft(StepKind.APPLICATION, found, [f"By hand: {found['by_hand']}", f"The {name} goes back to {back}."])
        return
    lines = [
        f"The {name}: revision {found['revision']} ({found['image']}) → "
        f"revision {found['target_revision']} ({found['target_image']}){', chosen' if found.get('chosen') else ''}",
    ]
    if found.get("left"):
        lines.append("An earlier rollback went away from what was chosen: see that it is meant.")
    if found["paused"]:
        lines.append("The deployment is paused: resume it first, or kubectl refuses.")
    yield Draft(StepKind.APPLICATION, found, lines)


def _database(component: Component, ground: Ground) -> Iterator[Draft]:
    if component in (Component.DATABASE, Component.ALL):
        for run in ground.runs:
            yield Draft(
                StepKind.DATABASE, run, [f"{run['title']}: {run['documents']:,} documents get back what they had"]
            )


def _notes(component: Component, ground: Ground) -> Iterator[str]:
    if component is Component.ALL and ground.application is None:
        yield f"The application is left out: {ground.no_application or NO_APPLICATION}"
    if component in (Component.DATABASE, Component.ALL) and not ground.runs:
        yield NO_RUNS
    if component is not Component.FEATURE and not ground.flags:
        yield "No flag is on here, so none has to be switched off."
