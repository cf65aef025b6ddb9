"""The deployment monitoring dashboard."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from reports.selectors import dashboard
from reports.views.page import Page


class DashboardPage(Page):
    permission_required = "monitoring.view_series"
    title = "Dashboard"
    template_name = "reports/page.html"
    live_template = "reports/dashboard.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = dashboard.dashboard(self.here, now=timezone.now()) if self.here else None
        return super().get_context_data(shown=shown, renew_every=10, **kwargs)
