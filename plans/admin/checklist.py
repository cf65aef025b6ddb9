"""Checklists: all of them, and one with large targets, for a phone in a war room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
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
from plans.admin import commands, items, words
from plans.domain.command import UNDER_WAY, CommandState
from plans.domain.states import DONE, LIVE, ItemState, PlanState
from plans.models import Checklist, CommandRun, Item
from plans.services import commands as services

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
        may = is_open and self.request.user.has_perm(items.TICK)
        rows = self._rows(row, may=may, now=now)
        done = sum(ItemState(each.state) in DONE for each, *_ in rows)
        context = super().get_context_data(
            list=row,
            plan=row.plan,
            rows=rows,
            done=done,
            share=round(100 * done / len(rows)) if rows else 0,
            is_open=is_open,
            may_remove=may and self.request.user.has_perm(items.APPROVE),
            overdue=row.due_at is not None and row.completed_at is None and row.due_at <= now,
            history=events.about(f"checklist:{row.pk}")[:HISTORY],
            **kwargs,
        )
        context["crumbs"] = [
            ("Plans", reverse("admin:plans_plan_changelist")),
            (row.plan.name, commands.page_of(row.plan)),
        ]
        return context

    def _rows(self, row: Checklist, *, may: bool, now: datetime) -> list[Any]:
        """Each item with its badge, what may be done with it, its last command, and whether it is overdue."""
        may_run = may and self.request.user.has_perm(items.RUN)
        found, turn = [], True
        for item in row.items.all():
            is_open = ItemState(item.state) not in DONE
            last = next(iter(item.runs.all()), None)
            buttons = _offered(item) if may else []
            if may_run and turn and is_open and services.runs_here(item, settings.RUNNER_PROGRAMS):
                buttons = [*_runs(item, onward=row.ordered), *buttons]
            due = item.due_at or row.due_at
            late = is_open and due is not None and due <= now
            found.append((item, words.item(item.state), buttons, last and _Run(last), late))
            turn = not row.ordered or (turn and not is_open)
        return found


@dataclass(frozen=True, slots=True)
class _Run:
    row: CommandRun

    @property
    def badge(self) -> SafeString:
        return words.run(self.row.state)


def _runs(item: Item, *, onward: bool) -> list[tuple[str, str, str, str]]:
    last = next(iter(item.runs.all()), None)
    if last is not None and CommandState(last.state) in UNDER_WAY:
        return []
    found = [(reverse("admin:plans_item_run", args=[item.pk]), "Run", "terminal", "")]
    if onward:
        found.append((reverse("admin:plans_item_run_on", args=[item.pk]), "Run from here", "playlist_play", ""))
    return found


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
                wrap(items.MarkItem.as_view(model_admin=self, state=state)),
                name=f"plans_item_{name}",
            )
            for name, state in STATES.items()
        ]
        own += [path(f"{place}/", wrap(view), name=f"plans_{name}") for place, name, view in self._dialogs()]
        return [*own, *super().get_urls()]

    def _dialogs(self) -> list[tuple[str, str, Any]]:
        one, file = "item/<int:pk>", "attachment/<int:pk>"
        return [
            (f"{one}/assign", "item_assign", items.Assign.as_view(model_admin=self)),
            (f"{one}/attach", "item_attach", items.Attach.as_view(model_admin=self)),
            (f"{one}/run", "item_run", items.RunItem.as_view(model_admin=self)),
            (f"{one}/run-on", "item_run_on", items.RunItem.as_view(model_admin=self, onward=True)),
            (file, "attachment", items.Download.as_view()),
            (f"{file}/remove", "attachment_remove", items.RemoveAttachment.as_view(model_admin=self)),
        ]

    @admin.display(description="Checklist", ordering="title")
    def what(self, row: Checklist) -> SafeString:
        return format_html('<a class="ops-link" href="{}">{}</a>', commands.list_of(row), row.title)

    @admin.display(description="Environment", ordering="plan__environment__position")
    def where(self, row: Checklist) -> SafeString:
        return environment(row.plan.environment)

    @admin.display(description="Done")
    def progress(self, row: Checklist) -> SafeString:
        rows = list(row.items.all())
        done = sum(ItemState(each.state) in DONE for each in rows)
        failed = sum(each.state == ItemState.FAILED.value for each in rows)
        tone = ("bad", "cancel") if failed else ("ok", "check_circle") if done == len(rows) else ("mute", "schedule")
        return badge(f"{done} of {len(rows)}", *tone)

    @admin.display(description="Due", ordering="due_at")
    def due(self, row: Checklist) -> SafeString | str:
        if row.due_at is None:
            return "–"
        late = row.completed_at is None and row.due_at <= timezone.now()
        return format_html(
            "{} {}", f"{timezone.localtime(row.due_at):%Y-%m-%d %H:%M}", badge("overdue", "bad") if late else ""
        )


beside.add_page("checklist", lambda key, where: reverse("admin:plans_checklist_change", args=[key]))
