"""The section `onCall` of a playbook against what there is: wanted, standing, exported, loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import oncall.selectors
from core.errors import Invalid
from nctool_rollout.playbook.calling import OnCall
from nctool_rollout.playbook.fields import Part
from nctool_rollout.playbook.problems import Path
from oncall.domain import chain as chains
from oncall.domain import schedule as schedules
from oncall.services import chaining, planning
from oncall.services.reaching import without_account

if TYPE_CHECKING:
    from nctool_rollout.playbook.work import Load

Item = tuple[str, ...]


def wanted(part: OnCall) -> dict[Item, Any]:
    """What the section sets: schedules first, because chains ask them."""
    return {
        **{("schedules", key): schedules.read(_values(each))[0] for key, each in part.schedules.items()},
        **{("chains", key): chains.read(_values(each)) for key, each in part.chains.items()},
    }


def standing() -> dict[Item, Any]:
    """What there is. Overrides are people's, and in no file."""
    rows = oncall.selectors.all_schedules()
    return {
        **{("schedules", row.key): planning.picture(row) for row in rows},
        **{("chains", row.key): chaining.picture(row) for row in oncall.selectors.chains()},
    }


def exported(items: Mapping[Item, Any]) -> dict[str, Any]:
    """The section as a file has it, without what is left out."""
    found: dict[str, Any] = {"schedules": {}, "chains": {}}
    for item, value in items.items():
        if item[0] in found:
            kept = {key: each for key, each in value.items() if each not in ("", [])}
            if "layers" in kept:
                kept["layers"] = [{key: each for key, each in one.items() if each != {}} for one in kept["layers"]]
            found[item[0]][item[1]] = kept
    return found


def flaws(part: OnCall) -> Iterator[tuple[Path, str]]:
    """What is wrong with it, and where."""
    for key, each in part.schedules.items():
        try:
            schedules.read(_values(each))
        except Invalid as error:
            yield ("onCall", "schedules", key, *_below(error, "name")), str(error)
    for key, one in part.chains.items():
        here: Path = ("onCall", "chains", key)
        try:
            steps = chains.stored(chains.read(_values(one))["steps"])
        except Invalid as error:
            yield (*here, *_below(error, "name")), str(error)
            continue
        for number, step in enumerate(steps):
            for missing in sorted(chains.schedules([step]) - set(part.schedules)):
                yield (*here, "steps", number), f"There is no schedule {missing!r} in this playbook."


def load_schedules(work: Load) -> None:
    for (_, key), decision in work.writes("schedules").items():
        with work.part("onCall", "schedules", key):
            planning.define(key, decision.wanted, **work.who)


def load_chains(work: Load) -> None:
    for (_, key), decision in work.writes("chains").items():
        with work.part("onCall", "chains", key):
            chaining.define(key, decision.wanted, **work.who)


def strangers(part: OnCall) -> Iterator[str]:
    """A warning for each person who has no account, so that nobody could call them. A file may come before them."""
    for key, each in part.schedules.items():
        for name in without_account([name for layer in each.layers for name in layer.people]):
            yield f"On-call schedule {key}: there is no account {name}, so nobody would be called."
    for key, one in part.chains.items():
        named = [name for step in one.steps if step.notify for name in step.notify.people or ()]
        for name in without_account(named):
            yield f"Escalation chain {key}: there is no account {name}, so nobody would be called."


def _values(part: Part) -> dict[str, Any]:
    return part.model_dump(by_alias=True, exclude_defaults=True)


def _below(error: Invalid, without: str) -> tuple[str | int, ...]:
    return tuple(int(each) if each.isdecimal() else each for each in (error.field or without).split("."))
