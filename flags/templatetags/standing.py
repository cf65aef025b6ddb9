"""A flag's state as a badge, for the pages of other apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils.safestring import SafeString

from core.templatetags.screen import badge
from flags.domain.standing import standing

if TYPE_CHECKING:
    from flags.models import FlagState

register = template.Library()


@register.simple_tag
def standing_badge(state: FlagState) -> SafeString:
    """The word for what the flag does, with tone and icon."""
    found = standing(state)
    return badge(found.word, found.tone, found.icon)
