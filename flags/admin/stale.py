"""The flags that have done their work or that nobody asks for, with why and what to do."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from core.admin.read_only import Screen
from flags.admin.rows import compact
from flags.domain.staleness import SETTLED_AFTER, SILENT_AFTER, Staleness
from flags.selectors import listing


class StalePage(Screen):
    """Every stale flag at once: whoever cleans up wants to see how much there is."""

    permission_required = "flags.view_flagstate"
    template_name = "flags/stale.html"
    title = "Clean up"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        found = listing.all_stale(now=now)
        states = listing.of_flags(list(found))
        rows = [
            (states[flag_id][0].flag, stale, states[flag_id][-1].pk, [compact(state) for state in states[flag_id]])
            for flag_id, stale in found.items()
        ]
        return super().get_context_data(
            groups=[(kind, [row for row in rows if row[1].kind is kind]) for kind in Staleness],
            total=len(rows),
            since=listing.counting_since(),
            settled_days=SETTLED_AFTER.days,
            silent_days=SILENT_AFTER.days,
            names=[state.environment for state in next(iter(states.values()), [])],
            may_operate=self.request.user.has_perm("flags.operate_flagstate"),
            **kwargs,
        )
