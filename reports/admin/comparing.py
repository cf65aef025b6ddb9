"""Two reports side by side: the figures of both, and how far apart they are."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from core.admin.read_only import Screen, is_number
from reports.admin import words
from reports.admin.report_page import VIEW, find
from reports.domain.measures import TITLES
from reports.selectors import comparing, reports

CHOICES = 60


class ComparePage(Screen):
    permission_required = VIEW
    template_name = "reports/compare.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = f"{row.title}, held against another time"
        context = super().get_context_data(**kwargs)
        choices = list(reports.earlier(row)[:CHOICES])
        asked = self.request.GET.get("with", "")
        other = find(int(asked)) if is_number(asked) else find(choices[0].pk) if choices else None
        page = reverse("admin:reports_report_change", args=[row.pk])
        context["crumbs"] = [*context["crumbs"], (row.title, page)]
        found = comparing.compared(row, other) if other else []
        lines = [(TITLES[each.section], each, words.DIRECTIONS[each.direction]) for each in found]
        return context | {"row": row, "other": other, "choices": choices, "lines": lines}
