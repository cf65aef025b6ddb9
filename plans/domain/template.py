"""A plan as the playbook writes it: phases, checklists and their items (seed: Deployment Phases, the checklists)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import Invalid
from plans.domain import command
from plans.domain.check import Check
from plans.domain.command import LONGEST, USUAL
from plans.domain.gate import Needs
from plans.domain.states import ChecklistKind, Priority
from risk.domain.levels import Level

KEY = re.compile(r"[a-z][a-z0-9-]{0,39}")
MOST_PHASES, MOST_LISTS, MOST_ITEMS = 20, 60, 100


@dataclass(frozen=True, slots=True)
class ItemSpec:
    """One thing to do or to find out. Without a check a person says how it is.

    `commands` are those of environments where it is another one. `run`: the runner may run it, for `timeout` seconds.
    """

    text: str
    check: Check | None = None
    command: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)
    run: bool = False
    timeout: int = USUAL
    link: str = ""
    owner: str = ""
    priority: Priority = Priority.MEDIUM


@dataclass(frozen=True, slots=True)
class ChecklistSpec:
    """A list of them.

    Args:
        phase: the phase it belongs to; empty: the whole plan.
        ordered: each item waits for those before it.
        after: the checklist whose end opens this one; empty: it is open from the start.
        opens, due: hours after that end.
    """

    key: str
    title: str
    kind: ChecklistKind
    items: Sequence[ItemSpec]
    phase: str = ""
    ordered: bool = False
    after: str = ""
    opens: int = 0
    due: int = 0


@dataclass(frozen=True, slots=True)
class PhaseSpec:
    """One part of the rollout, in the weeks `first` to `last`. `ramps` and `triggers` are keys of the playbook."""

    key: str
    name: str
    first: int
    last: int
    objectives: Sequence[str]
    ramps: Sequence[str]
    triggers: Sequence[str]
    features: Sequence[str]
    needs: Needs


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """`read` makes one of plain values, as the playbook writes them and the table keeps them."""

    name: str
    phases: Sequence[PhaseSpec]
    checklists: Sequence[ChecklistSpec]

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> PlanSpec:
        """Raises Invalid; the field is the path to what is wrong, such as `phases.migration.criteria.1.check`."""
        phases: list[PhaseSpec] = []
        lists: list[ChecklistSpec] = []
        _limit(values.get("phases", {}), MOST_PHASES, "phases")
        _limit(values.get("checklists", {}), MOST_LISTS, "checklists")
        before = ""
        for key, phase in values.get("phases", {}).items():
            phases.append(_phase(key, phase, before))
            lists += _own_lists(key, phase)
            before = key
        lists += [_checklist(key, one) for key, one in values.get("checklists", {}).items()]
        found = cls(values["name"], phases, lists)
        for path, message in found.flaws():
            raise Invalid(message, field=path)
        return found

    def flaws(self) -> Iterator[tuple[str, str]]:
        """References that lead nowhere: the path, and what is wrong."""
        phases, lists = {each.key for each in self.phases}, {each.key for each in self.checklists}
        for phase in self.phases:
            path = f"phases.{phase.key}.needs"
            yield from (
                (f"{path}.after", f"There is no phase {one!r}.") for one in phase.needs.after if one not in phases
            )
            yield from (
                (f"{path}.checklists", f"There is no checklist {one!r}.")
                for one in phase.needs.checklists
                if one not in lists
            )
            if phase.key in phase.needs.after:
                yield f"{path}.after", "A phase does not wait for itself."
        for one in self.checklists:
            if one.phase and one.phase not in phases:
                yield f"checklists.{one.key}.phase", f"There is no phase {one.phase!r}."
            if one.after and (one.after not in lists or one.after == one.key):
                yield f"checklists.{one.key}.opensAfter", f"There is no other checklist {one.after!r}."


def _phase(key: str, values: Mapping[str, Any], before: str) -> PhaseSpec:
    path = f"phases.{key}"
    _key(key, path)
    first, last = values["weeks"]
    if not 1 <= first <= last <= 52:
        raise Invalid("The first and the last week, from 1 to 52.", field=f"{path}.weeks")
    given = values.get("needs") or {}
    risk, after = given.get("risk"), given.get("after")
    return PhaseSpec(
        key=key,
        name=values["name"],
        first=first,
        last=last,
        objectives=tuple(values.get("objectives", ())),
        ramps=tuple(values.get("ramps", ())),
        triggers=tuple(values.get("triggers", ())),
        features=tuple(values.get("features", ())),
        needs=Needs(
            after=tuple(after if after is not None else [before] if before else []),
            checklists=tuple(given.get("checklists", ())),
            flags=tuple(given.get("flags", ())),
            risk=Level(risk) if risk else None,
            validation=given.get("validation", 0),
            approval=given.get("approval", False),
        ),
    )


def _own_lists(key: str, phase: Mapping[str, Any]) -> Iterator[ChecklistSpec]:
    """The activities and the success criteria of a phase are checklists of it."""
    for kind, title in ((ChecklistKind.ACTIVITIES, "activities"), (ChecklistKind.CRITERIA, "success criteria")):
        items = phase.get(kind.value, ())
        if items:
            path = f"phases.{key}.{kind.value}"
            yield ChecklistSpec(
                key=f"{key}.{kind.value}",
                title=f"{phase['name']}: {title}",
                kind=kind,
                items=_items(items, path),
                phase=key,
                ordered=kind is ChecklistKind.ACTIVITIES,
            )


def _checklist(key: str, values: Mapping[str, Any]) -> ChecklistSpec:
    path = f"checklists.{key}"
    _key(key, path)
    opens, due = values.get("opensAfterHours", 0), values.get("dueAfterHours", 0)
    if due and due <= opens:
        raise Invalid("It is due after it opens.", field=f"{path}.dueAfterHours")
    return ChecklistSpec(
        key=key,
        title=values["title"],
        kind=ChecklistKind(values["kind"]),
        items=_items(values["items"], f"{path}.items"),
        phase=values.get("phase", ""),
        ordered=values.get("ordered", False),
        after=values.get("opensAfter", ""),
        opens=opens,
        due=due,
    )


def _items(given: Sequence[Mapping[str, Any]], path: str) -> tuple[ItemSpec, ...]:
    _limit(given, MOST_ITEMS, path)
    return tuple(_item(values, f"{path}.{index}") for index, values in enumerate(given))


def _item(values: Mapping[str, Any], path: str) -> ItemSpec:
    check = values.get("check")
    try:
        found = Check.read(check) if check else None
    except Invalid as error:
        raise Invalid(str(error), field=f"{path}.check") from None
    _runnable(values, found, path)
    return ItemSpec(
        text=values["item"],
        check=found,
        command=values.get("command", ""),
        commands=dict(values.get("commands", {})),
        run=values.get("run", False),
        timeout=values.get("timeout", USUAL),
        link=values.get("link", ""),
        owner=values.get("owner", ""),
        priority=Priority(values.get("priority", "MEDIUM")),
    )


def _runnable(values: Mapping[str, Any], check: Check | None, path: str) -> None:
    """What the runner may run is a program with its arguments in every environment; a machine's finding is not run."""
    if not values.get("run"):
        return
    given = [(f"{path}.command", values.get("command", ""))]
    given += [(f"{path}.commands.{key}", text) for key, text in values.get("commands", {}).items()]
    for place, text in given:
        try:
            if text or place.endswith(".command"):
                command.read(text)
        except Invalid as error:
            raise Invalid(str(error), field=place) from None
    if check is not None:
        raise Invalid("An item is measured or run, not both.", field=f"{path}.run")
    if not 1 <= values.get("timeout", USUAL) <= LONGEST:
        raise Invalid(f"1 to {LONGEST:,} seconds.", field=f"{path}.timeout")


def _key(key: str, path: str) -> None:
    if not KEY.fullmatch(key):
        raise Invalid("A key has small letters, digits and hyphens, and begins with a letter.", field=path)


def _limit(given: Any, most: int, path: str) -> None:
    if len(given) > most:
        raise Invalid(f"At most {most}.", field=path)
