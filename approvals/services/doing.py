"""Changes done at once where no rule minds, and asked for where one does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from approvals.models import ChangeRequest
from approvals.services import requests
from approvals.services.performing import By, perform
from core import events
from core.actors import Actor
from core.asking import ApprovalNeeded, Change
from core.errors import Invalid


def do_or_ask(
    environment: str,
    changes: Sequence[Change],
    *,
    title: str,
    reason: str,
    actor: Actor,
    now: datetime,
    reverts: int | None = None,
) -> ChangeRequest | None:
    """Do the changes at once, all or none; when a rule asks for approval, open a request for them and return it."""
    try:
        with transaction.atomic(), events.collecting() as told:
            perform(environment, changes, By(actor, reason, now))
    except ApprovalNeeded as needed:
        return requests.open_request(
            needed.environment, changes, title=title, reason=reason, actor=actor, now=now, reverts=reverts
        )
    if not told:
        raise Invalid("Everything is like this already: there is nothing to take back.")
    return None
