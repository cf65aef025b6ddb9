"""Validations: the list of runs, one run with its evidence, and the button."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, RelatedDropdownFilter

from core import beside, environments, moments
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.errors import NotFound
from core.templatetags.screen import badge, environment
from rollouts.domain.validation import Check, failures
from rollouts.models import ValidationRun
from rollouts.selectors.validation import validation, validations
from rollouts.services import validation as service

if TYPE_CHECKING:
    from core.models import Environment

PERMISSION = "rollouts.run_validation"
TITLES = {
    Check.HEALTH: ("Application health", "nctool answers and reports, and the parts of this product work."),
    Check.DATABASE: ("Database integrity", "Tokens and wallets in nctool's MongoDB keep their invariants."),
    Check.FEATURES: ("Feature functionality", "Every flag answers over OFREP as it is configured."),
    Check.PERFORMANCE: ("Performance regression", "Neither slower nor more errors than before."),
    Check.SECURITY: ("Security compliance", "TLS, headers, tokens, passwords and settings."),
    Check.ATOMIC: ("Atomic operations", "Every atomic melt of the last 24 h is whole, and no token is counted twice."),
}


def standing(row: ValidationRun) -> SafeString:
    """How the run stands, as a badge."""
    if row.finished_at is None:
        return badge("running", "info", "sync") if row.lease else badge("waiting", "mute", "schedule")
    if row.success is None:
        return badge("lost", "warn", "link_off")
    return badge("passed", "ok", "check_circle") if row.success else badge("failed", "bad", "error")


class ValidationPage(Screen):
    permission_required = "rollouts.view_validationrun"
    template_name = "rollouts/validation.html"
    live_template = "rollouts/validation_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        try:
            row = validation(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error
        self.title = f"Validation of {row.environment}"
        told = [(*TITLES[check], check.value, row.results.get(check.value)) for check in Check]
        return super().get_context_data(
            run=row,
            standing=standing(row),
            checks=sorted(told, key=lambda each: not each[3] or each[3]["success"] is not False),  # what failed first
            may_run=self.request.user.has_perm(PERMISSION),
            **kwargs,
        )


class RunValidation(ConfirmView):
    """Ask for a validation of one environment."""

    permission_required = PERMISSION
    asked: int | None = None

    @property
    def environment(self) -> Environment:
        return environments.get(self.kwargs["environment"])

    def effect(self) -> Effect:
        return Effect(
            title=f"Validate {self.environment}",
            sentences=[
                "Six checks run at once, each for at most 30 s, the one of atomic operations for at most 150 s.",
                "Nothing is changed by them.",
                "A token is made for asking the flags, and revoked when they have answered.",
            ],
            submit="Validate",
            environment=self.environment,
        )

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        del form.fields["reason"]  # it changes nothing
        return form

    def perform(self, values: dict[str, Any]) -> str:
        row = service.request(self.environment.key, actor=person(self.request), now=timezone.now())
        self.asked = row.pk
        return f"The validation of {row.environment} begins within seconds."

    def back(self) -> str:
        if self.asked is not None:
            return reverse("admin:rollouts_validationrun_change", args=[self.asked])
        return reverse("admin:rollouts_validationrun_changelist")


@admin.register(ValidationRun)
class ValidationAdmin(ReadOnlyAdmin):
    heading = "Validations"
    page = ValidationPage
    list_display = ("how", "where", "wrong", "by", "when", "took")
    list_display_links = None
    list_filter = (("environment", RelatedDropdownFilter), ("success", BooleanRadioFilter))
    list_filter_submit = True
    list_fullwidth = True
    show_full_result_count = False
    list_before_template = "rollouts/validations_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ValidationRun]:
        return validations()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        run = RunValidation.as_view(model_admin=self)
        return [
            path("run/<slug:environment>/", wrap(run), name="rollouts_validation_run"),
            path("in/<slug:environment>/", wrap(_of_environment), name="rollouts_validation_in"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {
            "may_run": request.user.has_perm(PERMISSION),
            "environments": list(environments.ordered().reverse()),
            "every": settings.VALIDATION_EVERY_HOURS,
        }
        shown: HttpResponse = super().changelist_view(request, {**context, **(extra_context or {})})
        return shown

    @admin.display(description="Validation", ordering="success")
    def how(self, row: ValidationRun) -> SafeString:
        address = reverse("admin:rollouts_validationrun_change", args=[row.pk])
        return format_html('<a href="{}">{}</a>', address, standing(row))

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: ValidationRun) -> SafeString:
        return environment(row.environment)

    @admin.display(description="What failed")
    def wrong(self, row: ValidationRun) -> str:
        if row.success is None:
            return "–"
        return ", ".join(TITLES[Check(name)][0] for name in failures(row.results)) or "nothing"

    @admin.display(description="Asked for by", ordering="started_by")
    def by(self, row: ValidationRun) -> str:
        return row.started_by

    @admin.display(description="When", ordering="started_at")
    def when(self, row: ValidationRun) -> SafeString:
        now = timezone.localtime()
        exact, near = moments.clock(row.started_at, now=now), moments.relative(row.started_at, now=now)
        return format_html('<time datetime="{}" title="{}">{}</time>', row.started_at.isoformat(), near, exact)

    @admin.display(description="Took")
    def took(self, row: ValidationRun) -> str:
        if row.finished_at is None or row.success is None:
            return "–"
        return moments.span(max(row.finished_at - row.started_at, timedelta()))


def _of_environment(request: HttpRequest, environment: str) -> HttpResponse:
    """The validations of an environment that is known by its key, as events know it."""
    if not request.user.has_perm("rollouts.view_validationrun"):
        raise PermissionDenied
    try:
        pk = environments.get(environment).pk
    except NotFound as error:
        raise Http404(str(error)) from error
    return redirect(f"{reverse('admin:rollouts_validationrun_changelist')}?environment__id__exact={pk}")


beside.add_page("validation", lambda key, where: reverse("admin:rollouts_validation_in", args=[key]))
