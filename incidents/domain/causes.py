"""Which events open an incident, of which level, and what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from incidents.domain.levels import Measured, Policies, level_of
from incidents.domain.states import Cause, Does, Level

HORIZON = timedelta(hours=1)  # what is older opens nothing: it was long before anybody looked
BACK_WITHIN = timedelta(minutes=15)  # what comes again so soon after it was resolved is the same incident

OPENING = {
    "trigger.fired": Cause.TRIGGER,
    "flag.rolled_back": Cause.FLAG,
    "flag.emergency_disabled": Cause.FLAG,
    "risk.level_raised": Cause.RISK,
    "alert.firing": Cause.ALERT,
    "rollback.confirmed": Cause.ROLLBACK,
    "rollback.step_failed": Cause.ROLLBACK,
    "migration.failed": Cause.MIGRATION,
    "migration.rollback_failed": Cause.MIGRATION,
    "migration.differs": Cause.MIGRATION,
}
JOINING = ("rollback.requested", "rollback.completed")  # only belong to an incident that is open
FOLLOWED = (*OPENING, *JOINING)

TICKS = {  # an action is done when this happened, whoever did it and wherever
    "flag.emergency_disabled": (Does.DISABLE_FEATURES,),
    "flag.rolled_back": (Does.DISABLE_FEATURES, Does.PREPARE_ROLLBACK, Does.ROLL_BACK),
    "rollback.requested": (Does.PREPARE_ROLLBACK,),
    "rollback.confirmed": (Does.PREPARE_ROLLBACK, Does.ROLL_BACK),
}
VALIDATION_FAILED = "The validation failed"  # how a migration that found wrong data says why it ended


@dataclass(frozen=True, slots=True)
class News:
    """An event as this is decided by: `data` is what it carries."""

    kind: str
    subject: str
    reason: str
    data: Mapping[str, Any]


def level(news: News, policies: Policies) -> Level | None:
    """The level of an incident that it opens; None when it opens none."""
    cause = OPENING.get(news.kind)
    if cause is None:
        return None
    severity = str(news.data.get("severity", ""))
    match cause:
        case Cause.TRIGGER:
            return _of_trigger(news, policies)
        case Cause.ALERT:
            return {"critical": Level.MAJOR, "high": Level.MINOR}.get(severity)
        case Cause.RISK:
            return Level.MAJOR if severity == "critical" else Level.MINOR
        case Cause.MIGRATION:
            return Level.CRITICAL if corrupts(news) else Level.MAJOR
    return Level.MAJOR


def corrupts(news: News) -> bool:
    """Data is wrong, or half changed and not taken back."""
    if news.kind in ("migration.differs", "migration.rollback_failed"):
        return True
    return news.kind == "migration.failed" and news.reason.startswith(VALIDATION_FAILED)


def title(news: News) -> str:
    """What an incident that it opens is called; at most 200 characters."""
    key = news.subject.partition(":")[2] or news.subject
    about = str(news.data.get("rule") or news.data.get("flag") or key)
    words = {
        "trigger.fired": f"Trigger {key} has fired",
        "flag.rolled_back": f"{key} was rolled back",
        "flag.emergency_disabled": f"{key} was disabled in an emergency",
        "risk.level_raised": f"The risk is {about}",
        "alert.firing": f"Alert {about}",
        "rollback.confirmed": f"Rollback {key} is under way",
        "rollback.step_failed": f"Rollback {key} has stopped",
        "migration.failed": f"Migration {about} failed",
        "migration.rollback_failed": f"Migration {about} could not be taken back",
        "migration.differs": f"Data differs after migration {about}",
    }
    return words.get(news.kind, news.subject)[:200]


def subjects(news: News) -> list[str]:
    """What the event links to an incident: what it is about, its flag, and its rollback."""
    found = [news.subject]
    found += [f"flag:{news.data['flag']}"] if news.data.get("flag") else []
    rollback_id = str(news.data.get("rollback_id") or "")
    if rollback_id and news.subject.partition(":")[0] == "rollback":
        found.append(f"rollback:{rollback_id}")
    return list(dict.fromkeys(found))


def _of_trigger(news: News, policies: Policies) -> Level:
    """By its measurement where that has a limit, else major: it was worth a rollback."""
    proof = news.data.get("evidence") or {}
    value = proof.get("value")
    if not isinstance(value, int | float):
        return Level.MAJOR
    measured = {
        "ratio": Measured(error_rate=float(value)),
        "mean": Measured(response_time=float(value)),
        "distinct": Measured(complaints=int(value)),
        "start": Measured(unavailable=True),
    }.get(str(proof.get("measure")))
    found = level_of(measured, policies)[0] if measured else None
    return max(found or Level.MAJOR, Level.MAJOR)
