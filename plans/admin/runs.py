"""The commands that were run, and one while it runs."""

from __future__ import annotations

import shlex
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core.admin.read_only import ReadOnlyAdmin, Screen
from core.errors import NotFound
from core.templatetags.screen import environment
from plans import selectors
from plans.admin import commands, items, words
from plans.domain.command import UNDER_WAY, CommandState
from plans.models import CommandRun


class RunPage(Screen):
    permission_required = "plans.view_commandrun"
    template_name = "plans/page.html"
    live_template = "plans/run_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        try:
            run = selectors.run(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error
        checklist = run.item.checklist
        self.title = run.item.text
        under_way = CommandState(run.state) in UNDER_WAY
        context = super().get_context_data(
            run=run,
            plan=checklist.plan,
            badge=words.run(run.state),
            line=shlex.join(run.argv),
            stop=under_way and not run.stop_by and self.request.user.has_perm(items.RUN),
            **kwargs,
        )
        context["crumbs"] = [
            (checklist.plan.name, commands.page_of(checklist.plan)),
            (checklist.title, commands.list_of(checklist)),
        ]
        return context


@admin.register(CommandRun)
class CommandRunAdmin(ReadOnlyAdmin):
    heading = "Commands"
    page = RunPage
    list_display = ("what", "where", "how", "ended", "by")
    list_display_links = None
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("item__text", "requested_by")
    search_help_text = "Item or person"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[CommandRun]:
        return selectors.runs().defer("output")

    def get_urls(self) -> list[URLPattern]:
        stop = self.admin_site.admin_view(items.StopRun.as_view(model_admin=self))
        return [path("<int:pk>/stop/", stop, name="plans_commandrun_stop"), *super().get_urls()]

    @admin.display(description="Item", ordering="item__text")
    def what(self, row: CommandRun) -> SafeString:
        url = reverse("admin:plans_commandrun_change", args=[row.pk])
        return format_html('<a class="ops-link" href="{}">{}</a>', url, row.item.text)

    @admin.display(description="Environment")
    def where(self, row: CommandRun) -> SafeString:
        return environment(row.item.checklist.plan.environment)

    @admin.display(description="State", ordering="state")
    def how(self, row: CommandRun) -> SafeString:
        return words.run(row.state)

    @admin.display(description="Came of it")
    def ended(self, row: CommandRun) -> str:
        return row.why or "–"

    @admin.display(description="Asked for by", ordering="requested_by")
    def by(self, row: CommandRun) -> str:
        return row.requested_by
