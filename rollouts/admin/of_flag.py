"""What a flag's page shows of ramps: those there were, and those that can be started."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import timezone

from core import beside
from rollouts import selectors

SHOWN = 20


def of_flag(flag: str, environment: str) -> str:
    """The flag's ramps in this environment, newest first, and the templates made for it. Three queries."""
    found = selectors.listed(environment=environment, flag=flag, most=SHOWN)
    context = {
        "ramps": found,
        "templates": selectors.templates().filter(flag__key=flag),
        "live": any(view.ramp.ended_at is None for view in found),
        "environment": environment,
        "now": timezone.now(),
    }
    return render_to_string("rollouts/of_flag.html", context)


beside.add_flag_part(of_flag)
