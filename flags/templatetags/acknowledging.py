"""How far a change has come, as the pages of flags and events tell it."""

from __future__ import annotations

from typing import Any

from django import template

from flags.domain.acknowledging import Reach

register = template.Library()


@register.inclusion_tag("flags/acknowledgement.html")
def acknowledgement(reach: Reach) -> dict[str, Any]:
    """Seen by how many of how many, after how long, who lags and who cannot be heard."""
    return {"reach": reach, "complete": reach.total and not reach.lagging}
