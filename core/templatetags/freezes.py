"""Which environments are frozen, on every page that this concerns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import template

from core import environments
from core.freezes import Span, held_now, holding, live, spans

if TYPE_CHECKING:
    from core.models import Environment

register = template.Library()
AHEAD = timedelta(days=31)  # how far the home page looks for the next freeze


@register.inclusion_tag("core/frozen.html", takes_context=True)
def frozen(context: dict[str, Any], environment: Environment | None) -> dict[str, Any]:
    """A note that nothing is raised in the environment now, until when, and why; nothing when it is not frozen.

    The page's context has `now` and `request`. Two queries at most.
    """
    held = holding(environment.pk, now=context["now"]) if environment else None
    return {**_seen(context), "frozen": held, "environment": environment}


@register.inclusion_tag("core/frozen_everywhere.html", takes_context=True)
def frozen_everywhere(context: dict[str, Any]) -> dict[str, Any]:
    """Every environment that is frozen now, and the next freeze of the coming month. Six queries at most."""
    now = context["now"]
    held = held_now(now=now)
    where = [each for each in environments.ordered() if each.pk in held] if held else []
    return {**_seen(context), "held": [(each, held[each.pk]) for each in where], "next": _next(now)}


def _next(now: datetime) -> Span | None:
    ahead = spans(live(), since=now, until=now + AHEAD, most=2)
    return next((span for span in ahead if span.occurrence.starts_at > now), None)


def _seen(context: dict[str, Any]) -> dict[str, Any]:
    user = context["request"].user
    return {
        "now": context["now"],
        "may_see": user.has_perm("core.view_freeze"),
        "may_override": user.has_perm("core.override_freeze"),
    }
