"""Checklists: all of them, and one with large targets, for a phone in a war room."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core import beside, events
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.errors import NotFound
from core.templatetags.screen import badge, environment
from plans import selectors
from plans.admin import commands, words
from plans.domain.states import DONE, LIVE, ItemState, PlanState
from plans.models import Checklist, Item

HISTORY = 30
STATES = {
    "pass": ItemState.PASSED,
    "fail": ItemState.FAILED,
    "skip": ItemState.SKIPPED,
    "untick": ItemState.PENDING,
}
LOOK = {
    "pass": ("Pass", "check", "primary"),
    "fail": ("Fail", "close", "quiet-danger"),
    "skip": ("Skip", "skip_next", ""),
    "untick": ("Untick", "undo", ""),
}


class ChecklistPage(Screen):
    permission_required = "plans.view_checklist"
    template_name = "plans/page.html"
    live_template = "plans/checklist_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        try:
            row = selectors.checklist(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error
        self.title = row.title
        is_open = row.opens_at is not None and row.opens_at <= now and PlanState(row.plan.state) in LIVE
        may = is_open and self.request.user.has_perm(commands.TICK)
        rows = [(each, words.item(each.state), _offered(each) if may else []) for each in row.items.all()]
        done = sum(ItemState(each.state) in DONE for each, _, _ in rows)
        context = super().get_context_data(
            list=row,
            plan=row.plan,
            rows=rows,
            done=done,
            share=round(100 * done / len(rows)) if rows else 0,
            is_open=is_open,
            may=may,
            overdue=row.due_at is not None and row.completed_at is None and row.due_at <= now,
            history=events.about(f"checklist:{row.pk}")[:HISTORY],
            **kwargs,
        )
        context["crumbs"] = [
            ("Plans", reverse("admin:plans_plan_changelist")),
            (row.plan.name, commands.page_of(row.plan)),
        ]
        return context


def _offered(item: Item) -> list[tuple[str, str, str, str]]:
    """What a person may say of it: what is measured can only be skipped, or measured again."""
    state = ItemState(item.state)
    names = ["skip"] if item.check_of else ["pass", "fail", "skip"]
    if state is ItemState.SKIPPED or (state is not ItemState.PENDING and not item.check_of):
        names = ["untick"]
    return [(reverse(f"admin:plans_item_{name}", args=[item.pk]), *LOOK[name]) for name in names]


@admin.register(Checklist)
class ChecklistAdmin(ReadOnlyAdmin):
    heading = "Checklists"
    page = ChecklistPage
    list_display = ("what", "where", "progress", "due")
    list_display_links = None
    list_filter = (("kind", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("title", "items__text", "items__assignee")
    search_help_text = "Title, item or person"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Checklist]:
        rows = Checklist.objects.select_related("plan__environment").prefetch_related("items")
        return rows.order_by("-plan__pk", "position")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ()  # that of the query: newest plan first

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path(
                f"item/<int:pk>/{name}/",
                wrap(commands.MarkItem.as_view(model_admin=self, state=state)),
                name=f"plans_item_{name}",
            )
            for name, state in STATES.items()
        ]
        assign = wrap(commands.Assign.as_view(model_admin=self))
        return [*own, path("item/<int:pk>/assign/", assign, name="plans_item_assign"), *super().get_urls()]

    @admin.display(description="Checklist", ordering="title")
    def what(self, row: Checklist) -> SafeString:
        return format_html('<a class="ops-link" href="{}">{}</a>', commands.list_of(row), row.title)

    @admin.display(description="Environment", ordering="plan__environment__position")
    def where(self, row: Checklist) -> SafeString:
        return environment(row.plan.environment)

    @admin.display(description="Done")
    def progress(self, row: Checklist) -> SafeString:
        items = list(row.items.all())
        done = sum(ItemState(each.state) in DONE for each in items)
        failed = sum(each.state == ItemState.FAILED.value for each in items)
        tone = ("bad", "cancel") if failed else ("ok", "check_circle") if done == len(items) else ("mute", "schedule")
        return badge(f"{done} of {len(items)}", *tone)

    @admin.display(description="Due", ordering="due_at")
    def due(self, row: Checklist) -> SafeString | str:
        if row.due_at is None:
            return "–"
        late = row.completed_at is None and row.due_at <= timezone.now()
        return format_html(
            "{} {}", f"{timezone.localtime(row.due_at):%Y-%m-%d %H:%M}", badge("overdue", "bad") if late else ""
        )


beside.add_page("checklist", lambda key, where: reverse("admin:plans_checklist_change", args=[key]))
