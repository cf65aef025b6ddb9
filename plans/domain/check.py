"""What a machine can find out about an item: it ticks itself, and unticks itself when it is no longer so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.addresses import read_url
from core.errors import Invalid
from migrations_app.domain.readiness_checks import CheckName
from monitoring.domain.promql import parse
from plans.domain.states import ItemState

STEADY = ("errorRate", "responseTime")
VALIDATIONS = (
    "applicationHealth",
    "databaseIntegrity",
    "featureFunctionality",
    "performanceRegression",
    "securityCompliance",
    "atomicOperations",
)


class CheckKind(StrEnum):
    """`rule`: PromQL that holds. `steady`: not worse than before the phase. `validation`: one of the six checks
    succeeded. `ramp`: it is completed. `migration`: a migration of nctool's database is applied and validated; with the
    title of one of its validations behind a colon, that one. `readiness`: a check of that database is fulfilled.
    `flag`: everybody has it. `reachable`: an address answers. `watched`: measurements come, the guard judges them, and
    the alert rules are evaluated.
    """

    RULE = "rule"
    STEADY = "steady"
    VALIDATION = "validation"
    RAMP = "ramp"
    MIGRATION = "migration"
    READINESS = "readiness"
    FLAG = "flag"
    REACHABLE = "reachable"
    WATCHED = "watched"


AIMS = (CheckKind.FLAG, CheckKind.RAMP)  # not so until the end of a phase, which harms nobody
_KNOWN: Mapping[CheckKind, Sequence[str]] = {
    CheckKind.STEADY: STEADY,
    CheckKind.VALIDATION: VALIDATIONS,
    CheckKind.READINESS: tuple(CheckName),
}
_MIGRATION = re.compile(r"[0-9]{3}(: .+)?")


@dataclass(frozen=True, slots=True)
class Check:
    kind: CheckKind
    value: str

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Check:
        """From `{kind: value}`. Raises Invalid for anything else."""
        if len(given) != 1:
            raise Invalid(f"One of {', '.join(CheckKind)}, and what it is about.", field="check")
        ((name, value),) = given.items()
        if name not in list(CheckKind):
            raise Invalid(f"There is no check {name!r}; there are {', '.join(CheckKind)}.", field="check")
        kind = CheckKind(name)
        if kind is CheckKind.WATCHED:
            if value is not True:
                raise Invalid("watched: true", field="check")
            return cls(kind, "")
        if not isinstance(value, str) or not value.strip():
            raise Invalid(f"{name} names what it is about.", field="check")
        _need_known(kind, value)
        return cls(kind, value)

    def as_dict(self) -> dict[str, Any]:
        return {self.kind.value: self.value or True}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: `why` is a sentence with the numbers. `ok` is None when nothing can be said, which is no pass."""

    ok: bool | None
    why: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> ItemState:
        return ItemState.PENDING if self.ok is None else ItemState.PASSED if self.ok else ItemState.FAILED


def _need_known(kind: CheckKind, value: str) -> None:
    known = _KNOWN.get(kind)
    if known and value not in known:
        raise Invalid(f"{kind} is one of {', '.join(known)}, not {value!r}.", field="check")
    if kind is CheckKind.MIGRATION and not _MIGRATION.fullmatch(value):
        raise Invalid('migration is a number such as "002", or "002: the title of a validation".', field="check")
    if kind is CheckKind.RULE:
        parse(value)
    if kind is CheckKind.REACHABLE:
        read_url(value, field="check")
