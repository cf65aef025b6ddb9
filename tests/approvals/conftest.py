"""Production under four eyes, and the people who meet there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from approvals import selectors
from approvals.models import ChangeRequest
from approvals.services import deciding, requests
from core.actors import Actor, ActorKind
from core.asking import Change
from flags.domain.bucketing import Bucketing
from flags.models import Flag
from flags.services import approval_rules, registry

KEY = "atomicMeltOperations"
OTHER = "preFlightReconciliation"
OLGA = Actor("olga", ActorKind.PERSON)
ANNA = Actor("anna", ActorKind.PERSON)
BEN = Actor("ben", ActorKind.PERSON)
HOUR = 3600

RULES: dict[str, dict[str, Any]] = {
    "raise": {"above": 20, "approvals": 1, "expires_after": 72 * HOUR},
    "allow_list": {"above": 100, "approvals": 1, "expires_after": 72 * HOUR},
    "ramp": {"approvals": 1, "expires_after": 72 * HOUR},
    "rules": {"approvals": 2, "expires_after": 24 * HOUR},
}


@pytest.fixture
def other(flag: Flag, now: datetime) -> Flag:
    return registry.define(
        OTHER, name="Reconciliation", description="", bucketing=Bucketing.JS31, actor=OLGA, reason="tests", now=now
    )


@pytest.fixture
def rules(flag: Flag, other: Flag, now: datetime) -> Callable[..., None]:
    """Production asks for approval; called with more rules, it sets those too."""

    def more(**over: dict[str, Any]) -> None:
        approval_rules.define("production", RULES | over, actor=OLGA, reason="tests", now=now)

    more()
    return more


def raised(percentage: int | str = 50, flag: str = KEY) -> Change:
    return Change("flag.state", flag, {"enabled": True, "percentage": str(percentage)})


Ask = Callable[..., ChangeRequest]


@pytest.fixture
def ask(rules: object, now: datetime) -> Ask:
    """Olga asks for production; by default for 50 %."""

    def _ask(*changes: Change, actor: Actor = OLGA, **over: Any) -> ChangeRequest:
        told = {"title": "To half of the users", "reason": "all is calm", "now": now, **over}
        return requests.open_request("production", changes or [raised()], actor=actor, **told)

    return _ask


def approve(request: ChangeRequest, by: Actor = ANNA, *, now: datetime, **over: Any) -> ChangeRequest:
    """By somebody who has just looked."""
    return deciding.approve(request.pk, **{"digest": selectors.get(request.pk).digest, "actor": by, "now": now, **over})
