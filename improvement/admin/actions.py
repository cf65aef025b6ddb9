"""Action items: the list, one of them, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core import beside, events, people
from core.admin.confirm import Effect, ReasonForm
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.admin.refusals import RefusalsView
from core.admin.row_command import RowCommand
from core.errors import NotFound
from core.templatetags.screen import NOTHING
from improvement.admin import words
from improvement.admin.writing import VersionedForm, Write
from improvement.domain.actions import LONGEST_TITLE, ActionState
from improvement.domain.feedback import LONGEST
from improvement.models import ActionItem
from improvement.selectors import actions as selectors
from improvement.services import actions as service

WORK = "improvement.work_on_actionitem"
USUAL = timedelta(days=14)


class ItemForm(VersionedForm):
    title = forms.CharField(label="What is to be done", max_length=LONGEST_TITLE, widget=UnfoldAdminTextInputWidget)
    text = forms.CharField(
        label="More", required=False, max_length=LONGEST, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )
    owner = forms.ChoiceField(label="Owner", widget=UnfoldAdminSelectWidget)
    due = forms.DateField(
        label="Until", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}), help_text="Late from the day after."
    )
    origin = forms.CharField(required=False, max_length=140, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].choices = [(name, name) for name in people.usernames()]  # type: ignore[attr-defined]


class OpenItem(Write):
    permission_required = WORK
    form_class = ItemForm
    title = "Open an action item"
    submit = "Open it"

    def start(self) -> dict[str, Any]:
        given = {name: self.request.GET.get(name, "") for name in ("title", "origin")}
        return {**given, "owner": self.request.user.get_username(), "due": timezone.localdate() + USUAL}

    def save(self, values: dict[str, Any], who: dict[str, Any]) -> ActionItem:
        told = {name: values[name] for name in ("text", "owner", "due", "origin")}
        return service.open_item(values["title"], **told, **who)

    def finish(self, row: ActionItem) -> HttpResponse:
        return self.went(f"{row.title}: {row.owner} has it until {row.due}.", page(row.pk))


class ChangeItem(Write):
    permission_required = WORK
    form_class = ItemForm
    title = "Change an action item"

    @cached_property
    def row(self) -> ActionItem:
        return find(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"action:{self.kwargs['pk']}", None

    def version(self) -> int | None:
        return self.row.version

    def back(self) -> str:
        return page(self.row.pk)

    def start(self) -> dict[str, Any]:
        return {name: getattr(self.row, name) for name in ("title", "text", "owner", "due")}

    def save(self, values: dict[str, Any], who: dict[str, Any]) -> ActionItem:
        told = {name: values[name] for name in ("title", "text", "owner", "due", "version")}
        return service.change_item(self.row.pk, **told, **who)

    def finish(self, row: ActionItem) -> HttpResponse:
        return self.went("Changed.", page(row.pk))


class ItemCommand(RowCommand):
    permission_required = WORK

    @cached_property
    def row(self) -> ActionItem:
        return find(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"action:{self.kwargs['pk']}", None

    def effect(self) -> Effect:
        return Effect(f"{self.label}: {self.row.title}", list(self.sentences()), self.label)

    def back(self) -> str:
        return page(self.kwargs["pk"])


class DoneForm(ReasonForm):
    changes = forms.CharField(
        label="What it changed",
        required=False,
        max_length=140,
        widget=UnfoldAdminTextInputWidget,
        help_text="As the history names it, such as flag:atomicMeltOperations or request:12. Empty: nothing here.",
    )


class Finish(ItemCommand):
    name, label, icon, tone = "finish", "Done", "check_circle", "primary"
    form_class = DoneForm
    reason_label, needs_reason = "What was done", False

    def sentences(self) -> Sequence[str]:
        return ["It is done: nobody is asked for it any more."]

    def perform(self, values: dict[str, Any]) -> str:
        told = {"outcome": values["reason"], "changes": values["changes"], "version": values["version"]}
        service.close_item(self.row.pk, **told, **self.who())
        return "Done."


class Drop(ItemCommand):
    name, label, icon = "drop", "Drop", "block"

    def sentences(self) -> Sequence[str]:
        return ["Nobody will do it. Reports tell that it was dropped, and why."]

    def perform(self, values: dict[str, Any]) -> str:
        service.drop_item(self.row.pk, reason=values["reason"], version=values["version"], **self.who())
        return "Dropped."


class OpenAgain(ItemCommand):
    name, label, icon = "reopen", "Open again", "replay"

    def sentences(self) -> Sequence[str]:
        return [f"{self.row.owner} has to do it after all, until {self.row.due}."]

    def perform(self, values: dict[str, Any]) -> str:
        service.reopen_item(self.row.pk, reason=values["reason"], version=values["version"], **self.who())
        return "It is open again."


COMMANDS: Mapping[str, type[ItemCommand]] = {view.name: view for view in (Finish, Drop, OpenAgain)}
VIEWS: Mapping[str, type[RefusalsView]] = {**COMMANDS, "edit": ChangeItem}


class ItemPage(Screen):
    permission_required = "improvement.view_actionitem"
    template_name = "improvement/action.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = row.title
        is_open, may = row.state == ActionState.OPEN, self.request.user.has_perm(WORK)
        return super().get_context_data(
            row=row,
            badge=words.action(row, today=timezone.localdate()),
            due=words.day(row.due),
            origin_url=beside.page_of(row.origin) if row.origin else "",
            changes_url=beside.page_of(row.changes) if row.changes else "",
            commands=_buttons(row) if may else (),
            may_change=may and is_open,
            history=events.about(f"action:{row.pk}")[:20],
            **kwargs,
        )


def _buttons(row: ActionItem) -> list[tuple[str, str, str, str]]:
    """Address, label, icon and tone of what can become of it. Classes would be called by the template."""
    offered = [COMMANDS[name] for name in (("finish", "drop") if row.state == ActionState.OPEN else ("reopen",))]
    return [
        (reverse(f"admin:improvement_actionitem_{view.name}", args=[row.pk]), view.label, view.icon, view.tone)
        for view in offered
    ]


def find(pk: int) -> ActionItem:
    try:
        return selectors.get(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


def page(pk: int) -> str:
    return reverse("admin:improvement_actionitem_change", args=[pk])


@admin.register(ActionItem)
class ActionItemAdmin(ReadOnlyAdmin):
    heading = "Action items"
    page = ItemPage
    list_display = ("what", "standing", "whose", "until", "source")
    list_display_links = None
    list_filter = (("state", ChoicesDropdownFilter), ("due", RangeDateFilter))
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("title", "text", "owner", "origin")
    search_help_text = "words, owner or where it comes from"
    show_full_result_count = False
    list_before_template = "improvement/actions_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ActionItem]:
        return selectors.listed()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path(f"<int:pk>/{name}/", wrap(view.as_view(model_admin=self)), name=f"improvement_actionitem_{name}")
            for name, view in VIEWS.items()
        ]
        add = path("new/", wrap(OpenItem.as_view(model_admin=self)), name="improvement_actionitem_new")
        return [add, *own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        todo = selectors.open_ones()
        context = {
            "may_work": request.user.has_perm(WORK),
            "open_items": len(todo),
            "late": [(each, beside.page_of(each.subject)) for each in todo if each.due < timezone.localdate()][:10],
            "of_incidents": [
                (each, beside.page_of(each.subject)) for each in todo if each.subject.startswith("incident:")
            ][:10],
        }
        shown: HttpResponse = super().changelist_view(request, {**context, **(extra_context or {})})
        return shown

    @admin.display(description="What", ordering="title")
    def what(self, row: ActionItem) -> SafeString:
        return format_html('<a class="ops-link" href="{}">{}</a>', page(row.pk), row.title)

    @admin.display(description="State", ordering="state")
    def standing(self, row: ActionItem) -> SafeString:
        return words.action(row, today=timezone.localdate())

    @admin.display(description="Owner", ordering="owner")
    def whose(self, row: ActionItem) -> str:
        return row.owner

    @admin.display(description="Until", ordering="due")
    def until(self, row: ActionItem) -> SafeString:
        return words.day(row.due)

    @admin.display(description="From", ordering="origin")
    def source(self, row: ActionItem) -> SafeString | str:
        address = beside.page_of(row.origin) if row.origin else ""
        return (
            format_html('<a class="ops-link" href="{}">{}</a>', address, row.origin)
            if address
            else row.origin or NOTHING
        )


beside.add_page("action", lambda key, where: page(int(key)))
