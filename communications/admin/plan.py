"""The communication plan: who hears of what, by which way, how often, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

import communications.selectors
from communications.admin.audience_form import BLANK, CONTENTS, FREQUENCIES, TOPICS, AudienceForm, filled
from communications.admin.preview import PreviewScreen
from communications.admin.wordings import RemoveWording, WordingPage, WordingScreen
from communications.domain.alerts import Topic
from communications.domain.audiences import Content, Frequency
from communications.models import Audience
from communications.selectors.plan import Planned, plan
from communications.services import audiences
from core.admin.confirm import ConfirmView, Effect
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person

CHANGE = "communications.plan_communication"
LIST = "admin:communications_audience_changelist"
RECENT = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """How an audience hears of a topic; empty words: not at all."""

    audience: str
    words: str


def cell(planned: Planned, topic: Topic) -> Cell:
    """As the announcing does it, in a few words."""
    row = planned.audience
    if topic.value not in row.topics:
        return Cell(row.name, "")
    frequency = Frequency(row.frequency)
    if topic is Topic.PAGE:
        return Cell(row.name, "at once")
    level = f" from level {planned.least_level}" if topic is Topic.INCIDENT and planned.least_level > 1 else ""
    words = {
        Frequency.REAL_TIME: "at once",
        Frequency.HOURLY: "hourly, critical at once",
        Frequency.AS_NEEDED: "drafted" if topic is Topic.INCIDENT else "at once",
        Frequency.MAJOR: "at once",
    }[frequency]
    return Cell(row.name, f"{words}{level}")


class PlanScreen(Screen):
    permission_required = "communications.view_audience"
    template_name = "communications/plan.html"
    title = "Communication plan"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = plan()
        user = self.request.user
        return super().get_context_data(
            plan=[
                (
                    planned,
                    CONTENTS[Content(planned.audience.content)],
                    FREQUENCIES[Frequency(planned.audience.frequency)],
                )
                for planned in found
            ],
            rows=[(TOPICS[topic], [cell(planned, topic) for planned in found]) for topic in Topic],
            recent=list(communications.selectors.alerts()[:RECENT]) if found else [],
            may_change=user.has_perm(CHANGE),
            **kwargs,
        )


class AddAudience(PreviewedForm):
    """The preview is what such an audience would read of the last events."""

    permission_required = CHANGE
    title = "New audience"
    submit = "Make the audience"
    form_class = AudienceForm
    preview_template = "communications/audience_preview.html"

    def get_initial(self) -> dict[str, Any]:
        return dict(BLANK)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.form_class(self.request.POST or self.request.GET or self.get_initial(), **self.form_options())
        asked.is_valid()
        values = asked.cleaned_data
        topics = [TOPICS[Topic(topic)] for topic in values.get("topics") or []]
        frequency = FREQUENCIES[Frequency(values.get("frequency") or Frequency.REAL_TIME)]
        return super().get_context_data(
            now=timezone.now(),
            topics=topics,
            frequency=frequency,
            content=CONTENTS[Content(values.get("content") or Content.OPERATIONS)],
            quiet=(values.get("quiet_from"), values.get("quiet_until")),
            crumbs=[("Communication plan", reverse(LIST))],
            back=reverse(LIST),
            **kwargs,
        )

    def perform(self, form: AudienceForm) -> Audience:
        last = Audience.objects.order_by("-position").values_list("position", flat=True).first()
        spec = form.spec(position=(last or 0) + 1, promise="")
        return self._define(form, spec)

    def _define(self, form: AudienceForm, spec: audiences.AudienceSpec) -> Audience:
        return audiences.define(
            spec,
            actor=person(self.request),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
            version=form.cleaned_data["version"],
        )

    def done(self, row: Audience) -> tuple[str, str]:
        return f"{row.name} is told by this plan from now on.", reverse(LIST)


class ChangeAudience(AddAudience):
    submit = "Save"

    @cached_property
    def row(self) -> Audience:
        return find(self.kwargs["key"])

    @property
    def title(self) -> str:  # type: ignore[override]
        return self.row.name

    def get_initial(self) -> dict[str, Any]:
        return filled(self.row)

    def form_options(self) -> dict[str, Any]:
        return {"changes": True, "initial": filled(self.row)}

    def perform(self, form: AudienceForm) -> Audience:
        return self._define(form, form.spec(position=self.row.position, promise=self.row.promise))


class RemoveAudience(ConfirmView):
    permission_required = CHANGE

    def effect(self) -> Effect:
        row = find(self.kwargs["key"])
        return Effect(
            title=f"Remove {row.name}",
            sentences=["They are told of nothing any more. What they were told stays."],
            submit="Remove",
            dangerous=True,
        )

    def perform(self, values: dict[str, Any]) -> str:
        audiences.remove(self.kwargs["key"], actor=person(self.request), reason=values["reason"], now=timezone.now())
        return "The audience is removed."

    def back(self) -> str:
        return reverse(LIST)


def find(key: str) -> Audience:
    row = Audience.objects.filter(key=key).first()
    if row is None:
        raise Http404(f"There is no audience {key}.")
    return row


@admin.register(Audience)
class AudienceAdmin(ReadOnlyAdmin):
    """The list is the plan; an audience has no page beside its form."""

    heading = "Communication plan"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return PlanScreen.as_view(model_admin=self)(request)

    def get_urls(self) -> list[URLPattern]:
        pages: Sequence[tuple[str, str, Any]] = (
            ("audience/add/", "communications_audience_add_form", AddAudience),
            ("audience/<str:key>/", "communications_audience_edit", ChangeAudience),
            ("audience/<str:key>/remove/", "communications_audience_remove", RemoveAudience),
            ("audience/<str:key>/words/", "communications_wordings", WordingScreen),
            ("audience/<str:key>/words/edit/", "communications_wording_edit", WordingPage),
            ("words/<int:pk>/remove/", "communications_wording_remove", RemoveWording),
            ("preview/<int:pk>/", "communications_preview", PreviewScreen),
        )
        own = [
            path(where, self.admin_site.admin_view(view.as_view(model_admin=self)), name=name)
            for where, name, view in pages
        ]
        return [*own, *super().get_urls()]
