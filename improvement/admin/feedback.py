"""Feedback: the list with what it adds up to, one piece of it, and the form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

import flags.selectors
from core import beside, environments, events, moments
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.errors import NotFound
from core.templatetags.screen import NOTHING, environment
from improvement.admin import words
from improvement.admin.settling import COMMANDS, OFFERED, FeedbackCommand, Tags
from improvement.admin.writing import VersionedForm, Write
from improvement.domain.feedback import LONGEST, RATINGS, WORDS, Given, Kind, State
from improvement.models import Feedback
from improvement.selectors import actions
from improvement.selectors import feedback as selectors
from improvement.services import feedback as service

GIVE = "improvement.give_feedback"
TRIAGE = "improvement.triage_feedback"
ACT = "improvement.work_on_actionitem"
PERIOD = timedelta(days=30)
VIEWS: dict[str, type[FeedbackCommand]] = {**COMMANDS, "tags": Tags}


class FeedbackForm(VersionedForm):
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    kind = forms.ChoiceField(
        label="Kind", choices=[(one.value, one.value.capitalize()) for one in Kind], widget=UnfoldAdminSelectWidget
    )
    aspect = forms.ChoiceField(
        label="Aspect",
        required=False,
        choices=[("", "None in particular"), *WORDS.items()],
        widget=UnfoldAdminSelectWidget,
        help_text="Of technical feedback only.",
    )
    rating = forms.TypedChoiceField(
        label="How satisfied",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "Not said"), *((one, f"{one} of 5") for one in RATINGS)],
        widget=UnfoldAdminRadioSelectWidget,
        help_text="1 is bad, 5 is very good. Of user feedback it counts for userSatisfaction.",
    )
    text = forms.CharField(
        label="In your words", required=False, max_length=LONGEST, widget=UnfoldAdminTextareaWidget(attrs={"rows": 6})
    )
    flag = forms.ChoiceField(label="Feature", required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        where = [(row.key, row.name) for row in environments.ordered().reverse()]
        self.fields["environment"].choices = where  # type: ignore[attr-defined]
        known = [(key, key) for key in flags.selectors.flags().values_list("key", flat=True)]
        self.fields["flag"].choices = [("", "All of it"), *known]  # type: ignore[attr-defined]


class Give(Write):
    permission_required = GIVE
    form_class = FeedbackForm
    title = "Give feedback"
    submit = "Give it"
    intro = "What you think of the rollout, its tools or its effects. Whoever looks after it says what becomes of it."

    def start(self) -> dict[str, Any]:
        return {"environment": self.request.GET.get("environment", ""), "flag": self.request.GET.get("flag", "")}

    def save(self, values: dict[str, Any], who: dict[str, Any]) -> Feedback:
        given = Given(values["kind"], values["text"], values["aspect"], values["rating"], values["flag"])
        return service.receive(values["environment"], given, **who).feedback

    def finish(self, row: Feedback) -> HttpResponse:
        return self.went("Thank you. Your feedback is written down.", page(row))


class FeedbackPage(Screen):
    permission_required = "improvement.view_feedback"
    template_name = "improvement/feedback.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        try:
            row = selectors.get(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error
        self.title = f"{row.kind.capitalize()} feedback {row.pk}"
        user = self.request.user
        start = {"origin": f"feedback:{row.pk}", "title": row.text.partition("\n")[0][:200]}
        return super().get_context_data(
            row=row,
            badge=words.feedback(row.state),
            aspect=WORDS.get(row.aspect, ""),
            flag_url=beside.page_of(f"flag:{row.flag_key}", row.environment.key) if row.flag_key else "",
            commands=OFFERED[State(row.state)] if user.has_perm(TRIAGE) else (),
            looks={name: (view.label, view.icon, view.tone) for name, view in COMMANDS.items()},
            may_triage=user.has_perm(TRIAGE),
            items=[
                (item, words.action(item, today=timezone.localdate())) for item in actions.of_origin(start["origin"])
            ],
            act=f"{reverse('admin:improvement_actionitem_new')}?{urlencode(start)}" if user.has_perm(ACT) else "",
            duplicates=row.duplicates.all()[:20],
            history=events.about(f"feedback:{row.pk}")[:20],
            **kwargs,
        )


def page(row: Feedback) -> str:
    return reverse("admin:improvement_feedback_change", args=[row.pk])


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    heading = "Feedback"
    page = FeedbackPage
    list_display = ("said", "what", "rated", "standing", "labels", "where", "whose", "when")
    list_display_links = None
    list_filter = (
        ("environment", RelatedDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("text", "tags", "given_by", "flag_key")
    search_help_text = "words, tag, person or feature"
    show_full_result_count = False
    list_before_template = "improvement/feedback_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Feedback]:
        return selectors.listed()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path(f"<int:pk>/{name}/", wrap(view.as_view(model_admin=self)), name=f"improvement_feedback_{name}")
            for name, view in VIEWS.items()
        ]
        give = path("new/", wrap(Give.as_view(model_admin=self)), name="improvement_feedback_new")
        return [give, *own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        now = timezone.now()
        context = {"analysis": selectors.analysis(start=now - PERIOD, end=now), "may_give": request.user.has_perm(GIVE)}
        shown: HttpResponse = super().changelist_view(request, {**context, **(extra_context or {})})
        return shown

    @admin.display(description="Said")
    def said(self, row: Feedback) -> SafeString:
        text = row.text[:140] or "no words"
        return format_html('<a class="ops-link ops-clip" href="{}" title="{}">{}</a>', page(row), row.text[:500], text)

    @admin.display(description="Kind", ordering="kind")
    def what(self, row: Feedback) -> str:
        return f"{row.kind}, {WORDS[row.aspect].lower()}" if row.aspect else row.kind

    @admin.display(description="Rating", ordering="rating")
    def rated(self, row: Feedback) -> str:
        return words.rating(row.rating) or NOTHING

    @admin.display(description="State", ordering="state")
    def standing(self, row: Feedback) -> SafeString:
        return words.feedback(row.state)

    @admin.display(description="Tags")
    def labels(self, row: Feedback) -> str:
        return ", ".join(row.tags) or NOTHING

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Feedback) -> SafeString:
        return environment(row.environment)

    @admin.display(description="By", ordering="given_by")
    def whose(self, row: Feedback) -> str:
        return row.given_by

    @admin.display(description="When", ordering="at")
    def when(self, row: Feedback) -> str:
        return moments.relative(row.at, now=timezone.localtime())


beside.add_page("feedback", lambda key, where: reverse("admin:improvement_feedback_change", args=[key]))
