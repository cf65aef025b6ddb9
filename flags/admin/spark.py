"""Small pictures of usage, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

_STEP = 3
_HEIGHT = 16


def bars(counts: Sequence[int]) -> SafeString:
    """One bar for each count, oldest first. The highest fills the height; anything at all is at least one pixel."""
    most = max(counts, default=0)
    path = "".join(
        f"M{at * _STEP} {_HEIGHT}v-{max(1, round(_HEIGHT * count / most))}h2V{_HEIGHT}z"
        for at, count in enumerate(counts)
        if count
    )
    width = len(counts) * _STEP
    return format_html(
        '<svg class="ops-spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{} times">'
        '<path d="{}"/></svg>',
        width,
        _HEIGHT,
        width,
        _HEIGHT,
        f"{sum(counts):,}",
        path,
    )
