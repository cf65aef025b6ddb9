"""Surveys: the links that users answer by."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core import access, beside, environments, moments
from core.access import LinkAccess
from core.admin.confirm import Effect
from core.admin.row_command import RowCommand
from core.templatetags.screen import action, badge, environment
from improvement.admin.listed import ListedAdmin
from improvement.admin.writing import VersionedForm, Write
from improvement.models import Survey
from improvement.selectors import feedback as selectors
from improvement.services import surveys as service

OPEN = "improvement.open_survey"


class SurveyForm(VersionedForm):
    name = forms.CharField(
        label="Name", max_length=120, widget=UnfoldAdminTextInputWidget, help_text="For you: users do not see it."
    )
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    days = forms.IntegerField(
        label="Open for", min_value=1, max_value=366, widget=UnfoldAdminIntegerFieldWidget, help_text="Days."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        where = [(row.key, row.name) for row in environments.ordered().reverse()]
        self.fields["environment"].choices = where  # type: ignore[attr-defined]


class OpenSurvey(Write):
    """The link is in the answer to the form and nowhere else."""

    permission_required = OPEN
    form_class = SurveyForm
    title = "Open a survey"
    submit = "Open it"
    intro = "Users who have the link answer with 1 to 5 and a few words, without an account and without cookies."

    def start(self) -> dict[str, Any]:
        return {"days": 30}

    def save(self, values: dict[str, Any], who: dict[str, Any]) -> tuple[Survey, str]:
        until = who["now"] + timedelta(days=values["days"])
        return service.open_survey(values["environment"], name=values["name"], until=until, **who)

    def finish(self, row: tuple[Survey, str]) -> HttpResponse:
        survey, token = row
        link = self.request.build_absolute_uri(reverse("improvement:survey", args=[token]))
        self.title = f"The link of {survey.name}"
        context = super().get_context_data(form=None, survey=survey, link=link)
        return TemplateResponse(self.request, "improvement/survey_shown.html", context)


class EndSurvey(RowCommand):
    permission_required = OPEN
    name, label, icon = "end", "End", "stop_circle"

    @cached_property
    def row(self) -> Survey:
        row = selectors.surveys().filter(pk=self.kwargs["pk"]).first()
        if row is None:
            raise Http404(f"There is no survey {self.kwargs['pk']}.")
        return row

    def version(self) -> int | None:
        return None

    def effect(self) -> Effect:
        return Effect(f"End the survey {self.row.name}", list(self.sentences()), "End it", dangerous=True)

    def sentences(self) -> list[str]:
        return ["Its link answers that the survey has ended, for good. The answers stay."]

    def perform(self, values: dict[str, Any]) -> str:
        return f"{service.end(self.row.pk, reason=values['reason'], **self.who()).name} has ended."

    def back(self) -> str:
        return reverse("admin:improvement_survey_changelist")


@admin.register(Survey)
class SurveyAdmin(ListedAdmin):
    heading = "Surveys"
    list_display = ("title", "where", "standing", "answers", "until", "opened", "offers")
    list_display_links = None
    list_before_template = "improvement/surveys_head.html"

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display if request.user.has_perm(OPEN) else self.list_display[:-1]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Survey]:
        return selectors.surveys()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("new/", wrap(OpenSurvey.as_view(model_admin=self)), name="improvement_survey_new"),
            path("<int:pk>/end/", wrap(EndSurvey.as_view(model_admin=self)), name="improvement_survey_end"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_open": request.user.has_perm(OPEN)}
        shown: HttpResponse = super().changelist_view(request, {**context, **(extra_context or {})})
        return shown

    @admin.display(description="Survey", ordering="name")
    def title(self, row: Survey) -> str:
        return row.name

    @admin.display(description="Environment")
    def where(self, row: Survey) -> SafeString:
        return environment(row.environment)

    @admin.display(description="State")
    def standing(self, row: Survey) -> SafeString:
        return badge("open", "ok", "lock_open") if is_open(row) else badge("ended", "mute", "lock")

    @admin.display(description="Answers")
    def answers(self, row: Any) -> SafeString | str:
        return str(row.answered)

    @admin.display(description="Until", ordering="expires_at")
    def until(self, row: Survey) -> str:
        return moments.clock(row.ended_at or row.expires_at, now=timezone.localtime())

    @admin.display(description="Opened by")
    def opened(self, row: Survey) -> str:
        return f"{row.created_by}, {moments.relative(row.created_at, now=timezone.localtime())}"

    @admin.display(description="")
    def offers(self, row: Survey) -> SafeString | str:
        if not is_open(row):
            return ""
        return action(reverse("admin:improvement_survey_end", args=[row.pk]), "End", "stop_circle", "", "small")


def of_review(now: datetime) -> list[LinkAccess]:
    """The links that can be answered, for the access review."""
    return [
        LinkAccess(
            subject=f"survey:{row.pk}",
            name=row.name,
            opens="a form for feedback",
            environments=(row.environment.key,),
            created_at=row.created_at,
            created_by=row.created_by,
            expires_at=row.expires_at,
            used_at=row.answered_at,  # type: ignore[attr-defined]  # annotated
        )
        for row in selectors.open_surveys(now=now)
    ]


def is_open(row: Survey) -> bool:
    return row.ended_at is None and row.expires_at > timezone.now()


access.add_links(of_review)
beside.add_page("survey", lambda key, where: reverse("admin:improvement_survey_changelist"))
