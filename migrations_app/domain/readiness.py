"""Whether the database is ready for a migration (seed: Database Preparation, Pre-Migration Validation).

What cannot be shown is never a pass: it is told as unknown, and in a protected environment it holds a migration up;
but not where the server is none of MongoDB's and has no way to tell, as the embedded one of a first look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import Conflict, Invalid, Refused
from migrations_app.domain.backup import LastBackup
from migrations_app.domain.facts import Estimates, Facts
from migrations_app.domain.readiness_checks import TITLES, CheckName, Found, Needs, Standing, look

HOURS = range(1, 25)  # that a waiver may hold
NEVER_WAIVED = frozenset({CheckName.PING, CheckName.PRIMARY})


@dataclass(frozen=True, slots=True)
class Waiver:
    by: str
    reason: str
    until: datetime
    id: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """`was` is how it stood before somebody waived it; `blocks` a migration."""

    name: CheckName
    standing: Standing
    was: Standing
    value: str
    limit: str
    why: str
    remedy: str
    blocks: bool
    waiver: Waiver | None = None

    @property
    def title(self) -> str:
        return TITLES[self.name]

    @property
    def may_be_waived(self) -> bool:
        return self.blocks and self.name not in NEVER_WAIVED


@dataclass(frozen=True, slots=True)
class Readiness:
    """`database` names it without its credentials; `seconds` is how long asking took."""

    environment: str
    database: str
    server: str
    at: datetime
    seconds: float
    checks: tuple[Check, ...]
    estimates: Estimates
    migration: str = ""
    phases: tuple[str, ...] = ()

    @property
    def blocking(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.blocks)

    @property
    def ready(self) -> bool:
        return not self.blocking

    def check(self, name: CheckName | str) -> Check:
        return next(check for check in self.checks if check.name == name)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "environment": self.environment,
            "database": self.database,
            "server": self.server,
            "migration": self.migration,
            "phases": list(self.phases),
            "at": self.at.isoformat(),
            "seconds": round(self.seconds, 2),
            "ready": self.ready,
            "checks": [_check_as_dict(check) for check in self.checks],
            "estimates": _estimates_as_dict(self.estimates),
        }


def judge(
    facts: Facts,
    needs: Needs,
    backup: LastBackup,
    *,
    now: datetime,
    protected: bool,
    waivers: Mapping[str, Waiver] | None = None,
) -> tuple[Check, ...]:
    """Every check, in the order in which they are shown."""
    found = look(facts, needs, backup, now=now, protected=protected)
    waived = waivers or {}
    strict = protected and not facts.foreign
    return tuple(_settled(name, found[name], waived.get(name), strict=strict) for name in CheckName)


def need_ready(readiness: Readiness) -> None:
    """Raises Conflict that names what blocks."""
    if readiness.ready:
        return
    told = " ".join(f"{check.title}: {check.why}" for check in readiness.blocking)
    raise Conflict(f"The database of {readiness.environment} is not ready. {told}")


def need_waivable(check: str, hours: int) -> CheckName:
    """Raises Invalid for a check that there is not and for hours out of range, Refused for one that always holds."""
    try:
        name = CheckName(check)
    except ValueError:
        raise Invalid(f"There is no check {check!r}. Known: {', '.join(CheckName)}.", field="check") from None
    if name in NEVER_WAIVED:
        raise Refused(f"{name} is never waived: without it a migration cannot be written, or not taken back.")
    if hours not in HOURS:
        raise Invalid(f"A waiver holds for 1 to {HOURS[-1]} hours, not {hours}.", field="hours")
    return name


def _settled(name: CheckName, found: Found, waiver: Waiver | None, *, strict: bool) -> Check:
    blocks = found.standing is Standing.RED or (strict and found.standing is Standing.UNKNOWN)
    passes = waiver is not None and name not in NEVER_WAIVED and found.standing is not Standing.OK
    return Check(
        name=name,
        standing=Standing.WAIVED if passes else found.standing,
        was=found.standing,
        value=found.value,
        limit=found.limit,
        why=found.why,
        remedy=found.remedy,
        blocks=blocks and not passes,
        waiver=waiver if passes else None,
    )


def _check_as_dict(check: Check) -> dict[str, Any]:
    waiver = check.waiver
    return {
        **{
            name: str(getattr(check, name)) for name in ("name", "title", "standing", "value", "limit", "why", "remedy")
        },
        "blocks": check.blocks,
        "waiver": waiver and {"by": waiver.by, "reason": waiver.reason, "until": waiver.until.isoformat()},
    }


def _estimates_as_dict(found: Estimates) -> dict[str, Any]:
    return {
        "documents": found.documents,
        "exact": found.exact,
        "journal_bytes": found.journal_bytes,
        "index_bytes": found.index_bytes,
        "changes": [{"title": each.title, "documents": each.documents, "exact": each.exact} for each in found.changes],
        "indexes": list(found.indexes),
        "why": found.why,
    }
