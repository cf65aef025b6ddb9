"""Which environments are frozen, on every page that this concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from core.freezes import holding

if TYPE_CHECKING:
    from core.models import Environment

register = template.Library()


@register.inclusion_tag("core/frozen.html", takes_context=True)
def frozen(context: dict[str, Any], environment: Environment | None) -> dict[str, Any]:
    """A note that nothing is raised in the environment now, until when, and why; nothing when it is not frozen.

    The page's context has `now` and `request`. Two queries at most.
    """
    held = holding(environment.pk, now=context["now"]) if environment else None
    return {**_seen(context), "frozen": held, "environment": environment}


def _seen(context: dict[str, Any]) -> dict[str, Any]:
    user = context["request"].user
    return {
        "now": context["now"],
        "may_see": user.has_perm("core.view_freeze"),
        "may_override": user.has_perm("core.override_freeze"),
    }
