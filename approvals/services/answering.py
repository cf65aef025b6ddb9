"""How the apps below ask for a change without knowing this one (`core.asking`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse

from approvals.services.requests import open_request
from core.actors import Actor
from core.asking import Change


def ask(environment: str, changes: Sequence[Change], *, title: str, reason: str, actor: Actor, now: datetime) -> str:
    """Open a change request; the address of its page."""
    request = open_request(environment, changes, title=title, reason=reason, actor=actor, now=now)
    return reverse("admin:approvals_changerequest_change", args=[request.pk])
