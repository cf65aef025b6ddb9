"""How risky a raise of a flag would be now."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import alerting.selectors
import flags.selectors
import monitoring.selectors
from core import environments, freezes
from risk import selectors
from risk.domain import change_risk
from risk.domain.change_risk import NEAR_FREEZE, ChangeRisk, Facts
from risk.domain.levels import Level


def assess(
    flag_key: str, environment: str, percentage: Decimal | float, *, approvals: int = 0, now: datetime
) -> ChangeRisk:
    """The risk of bringing the flag to `percentage` (0 to 100) there. Raises NotFound.

    Args:
        approvals: how many people have approved it already.

    Night and weekend are those of the environment's zone.
    """
    state = flags.selectors.state(flag_key, environment)
    guards = list(monitoring.selectors.guarding(flag_key, environment))
    latest = selectors.latest(environment)
    fresh = latest is not None and (now - latest.at).total_seconds() < 300 and latest.level
    return change_risk.assess(
        Facts(
            before=float(state.percentage) if state.enabled else 0.0,
            after=float(percentage),
            local=environments.local(state.environment, now),
            money_path=any(row.flag_key == flag_key for row in guards),
            firing=sorted({alert.name for alert in alerting.selectors.firing(environment)}),
            latched=[row.name for row in guards if row.state == "latched"],
            risk=Level(latest.level) if latest is not None and latest.score is not None and fresh else None,
            freeze_at=_next_freeze(environment, now=now),
            approvals=approvals,
        )
    )


def _next_freeze(environment: str, *, now: datetime) -> datetime | None:
    """When the next freeze of the environment begins, of those within a day."""
    found = freezes.spans(freezes.live(), since=now, until=now + NEAR_FREEZE)
    starts = [
        span.occurrence.starts_at
        for span in found
        if span.occurrence.starts_at > now and environment in [each.key for each in span.environments]
    ]
    return min(starts, default=None)
