"""What a raise would risk, told before it is confirmed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.template.loader import render_to_string

from core import beside
from risk.admin import words
from risk.services import change


def of_raise(flag: str, environment: str, percentage: Decimal, *, what: str, approvals: int, now: datetime) -> str:
    """The score of the raise with its points, as HTML."""
    found = change.assess(flag, environment, percentage, approvals=approvals, now=now)
    return render_to_string(
        "risk/change.html", {"what": what, "change": found, "level": words.level(found.level.value)}
    )


beside.add_raise_part(of_raise)
