"""The escalations: who is being called now, what comes next, and the button that ends it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
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
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core import beside, environments, events, moments
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.admin.row_command import RowCommand
from core.errors import NotFound
from core.templatetags.screen import NOTHING, badge, environment
from oncall import selectors
from oncall.admin import words
from oncall.domain.chain import LEVELS
from oncall.domain.running import EscalationState
from oncall.models import Escalation
from oncall.services import escalating

OPERATE = "oncall.operate_escalation"
HISTORY = 60


class EscalationPage(Screen):
    permission_required = "oncall.view_escalation"
    template_name = "oncall/page.html"
    live_template = "oncall/escalation_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = _find(self.kwargs["pk"])
        self.title = row.title
        may = self.request.user.has_perm(OPERATE)
        return super().get_context_data(
            row=row,
            look=words.LOOK[EscalationState(row.state)],
            level=(f"level {row.level}", words.LEVEL_TONE[row.level]),
            steps=words.progress(row),
            about=_about(row),
            commands=offered(row) if may else [],
            history=list(events.about(f"escalation:{row.pk}")[:HISTORY]),
            renew_every=2 if row.due_at else 15,
            **kwargs,
        )


class EscalationCommand(RowCommand):
    permission_required = OPERATE

    @cached_property
    def row(self) -> Escalation:
        return selectors.escalation(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"escalation:{self.row.pk}", None

    def version(self) -> int | None:
        return None

    def live(self) -> str:
        """The subject; NotFound when it is over, also when another escalation about the same is live."""
        if self.row.ended_at is not None:
            raise NotFound("This escalation is over already. Nothing was changed.")
        return self.row.subject

    def back(self) -> str:
        return reverse("admin:oncall_escalation_change", args=[self.kwargs["pk"]])


class Acknowledge(EscalationCommand):
    name, label, icon, tone = "acknowledge", "Acknowledge", "check", "primary"
    needs_reason = False

    def sentences(self) -> Sequence[str]:
        return ["You have it: nobody else is called. Whoever was told so far hears that you are there."]

    def perform(self, values: dict[str, Any]) -> str:
        escalating.acknowledge(self.live(), reason=values["reason"], **self.who())
        return "Acknowledged: nobody else is called."


class Stop(EscalationCommand):
    name, label, icon, tone = "stop", "Stop", "stop_circle", "quiet-danger"
    dangerous = True

    def sentences(self) -> Sequence[str]:
        return ["It ends for good, and people can be called about the same again. For what is over, or was a mistake."]

    def perform(self, values: dict[str, Any]) -> str:
        escalating.stop(self.live(), reason=values["reason"], **self.who())
        return "Stopped."


COMMANDS: tuple[type[EscalationCommand], ...] = (Acknowledge, Stop)


def offered(row: Escalation) -> list[tuple[str, str, str, str]]:
    """Address, label, icon and tone of what can be done with it as it stands."""
    waits = row.state in (EscalationState.RUNNING, EscalationState.EXHAUSTED)
    possible = {Acknowledge: waits, Stop: row.ended_at is None}
    return [
        (reverse(f"admin:oncall_{each.name}", args=[row.pk]), each.label, each.icon, each.tone)
        for each in COMMANDS
        if possible[each]
    ]


class CallForm(ReasonForm):
    chain = forms.ChoiceField(label="By the chain", widget=UnfoldAdminSelectWidget)
    title = forms.CharField(
        label="What is wrong",
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The people who are called read this first.",
    )
    level = forms.TypedChoiceField(
        label="Level",
        coerce=int,
        choices=[
            (level, f"{level}: {word}") for level, word in zip(LEVELS, ("minor", "major", "critical"), strict=True)
        ],
        widget=UnfoldAdminSelectWidget,
    )
    environment = forms.ChoiceField(label="Environment", required=False, widget=UnfoldAdminSelectWidget)
    field_order = ["title", "chain", "level", "environment", "reason"]


class Call(ConfirmView):
    """Call people by hand, also to try a chain."""

    permission_required = OPERATE
    form_class = CallForm

    def reason_required(self) -> bool:
        return False

    def effect(self) -> Effect:
        told = "The first step of the chain is taken within two seconds: real people are called, by night too."
        return Effect("Call people", [told, "An acknowledgement ends it."], "Call them", dangerous=True)

    def get_initial(self) -> dict[str, Any]:
        return {"chain": self.request.GET.get("chain", ""), "level": 1}

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["chain"].choices = [(row.key, row.name) for row in selectors.chains()]  # type: ignore[attr-defined]
        where = [("", "none"), *((each.key, each.name) for each in environments.ordered())]
        form.fields["environment"].choices = where  # type: ignore[attr-defined]
        form.fields["reason"].widget.attrs.pop("autofocus", None)
        form.fields["title"].widget.attrs["autofocus"] = True
        return form

    def perform(self, values: dict[str, Any]) -> str:
        given = {name: values[name] for name in ("chain", "title", "level", "reason")}
        row = escalating.start(
            f"call:{uuid.uuid4().hex[:12]}",
            environment=values["environment"] or None,
            actor=person(self.request),
            now=timezone.now(),
            **given,
        )
        self.made = row
        return f"{row.chain_name} has begun. This page shows each step."

    def back(self) -> str:
        made = getattr(self, "made", None)
        if made is None:
            return reverse("admin:oncall_escalation_changelist")
        return reverse("admin:oncall_escalation_change", args=[made.pk])


@admin.register(Escalation)
class EscalationAdmin(ReadOnlyAdmin):
    heading = "Escalations"
    page = EscalationPage
    list_display = ("what", "level_", "where", "standing", "next", "when")
    list_display_links = None
    list_filter = (("state", ChoicesDropdownFilter), ("environment", RelatedDropdownFilter))
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "oncall/escalations_head.html"
    change_list_template = "oncall/escalations.html"
    search_fields = ("title", "subject", "acknowledged_by")
    search_help_text = "Title, subject or who acknowledged"
    show_full_result_count = False
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Escalation]:
        return selectors.escalations()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        commands = [
            path(f"<int:pk>/{view.name}/", wrap(view.as_view(model_admin=self)), name=f"oncall_{view.name}")
            for view in COMMANDS
        ]
        call = path("call/", wrap(Call.as_view(model_admin=self)), name="oncall_call")
        return [call, *commands, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_call": request.user.has_perm(OPERATE), **(extra_context or {})}
        shown: HttpResponse = super().changelist_view(request, context)
        return shown

    @admin.display(description="About", ordering="id")
    def what(self, row: Escalation) -> SafeString:
        return format_html(
            '<span><a class="ops-link" href="{}">{}</a><br><span class="ops-soft ops-small">{} by {}</span></span>',
            reverse("admin:oncall_escalation_change", args=[row.pk]),
            row.title,
            row.subject,
            row.chain_name,
        )

    @admin.display(description="Level", ordering="level")
    def level_(self, row: Escalation) -> SafeString:
        return badge(f"level {row.level}", words.LEVEL_TONE[row.level], "speed")

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Escalation) -> SafeString | str:
        return environment(row.environment) if row.environment else NOTHING

    @admin.display(description="State", ordering="state")
    def standing(self, row: Escalation) -> SafeString:
        shown = badge(*words.LOOK[EscalationState(row.state)])
        by = format_html('<br><span class="ops-soft ops-small">by {}</span>', row.acknowledged_by)
        return format_html("<span>{}{}</span>", shown, by if row.acknowledged_by else "")

    @admin.display(description="Next step", ordering="due_at")
    def next(self, row: Escalation) -> str:
        return moments.relative(row.due_at, now=timezone.now()) if row.due_at else NOTHING

    @admin.display(description="Began", ordering="started_at")
    def when(self, row: Escalation) -> SafeString:
        now = timezone.localtime()
        return format_html(
            '<time class="ops-small" datetime="{}" title="{}">{}</time>',
            row.started_at.isoformat(),
            moments.clock(row.started_at, now=now),
            moments.relative(row.started_at, now=now),
        )


def _find(pk: int) -> Escalation:
    try:
        return selectors.escalation(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


def _about(row: Escalation) -> str:
    """The page of the subject, where an app has one for it."""
    return beside.page_of(row.subject, row.environment.key if row.environment else "")
